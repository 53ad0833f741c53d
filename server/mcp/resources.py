"""The resources: a summary of the bank and single strategies, with completion of their ids."""

from collections.abc import Generator
from contextlib import contextmanager

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import (
    INTERNAL_ERROR,
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from strategy_bank.server.mcp.app_state import State
from strategy_bank.server.mcp.caller import this_caller
from strategy_bank.server.unexpected import in_words
from strategy_bank.store.errors import NotFound
from strategy_bank.store.records import Episode, Run, Strategy
from strategy_bank.store.visible_text import folded
from strategy_bank.tools.prompting import plain_id
from strategy_bank.tools.scopes.registry import visible_strategy
from strategy_bank.tools.sharing.describe import describe

# The protocol allows no more in one answer.
_COMPLETIONS = 100


def add_resources(server: MCPServer[State], state: State) -> None:
    """Add `bank://summary` and `strategy://{id}`, and the completion of ids."""

    @server.resource("bank://summary", title="What the bank holds", mime_type="text/markdown")
    async def summary() -> str:
        """Counts of the bank, and the titles of this project's newest strategies."""
        with _errors_in_words():
            return await _summary(state)

    @server.resource("strategy://{id}", title="One strategy", mime_type="text/markdown")
    async def strategy(id: str) -> str:
        """A strategy with its counters and where it came from."""
        with _errors_in_words():
            return describe(await visible_strategy(await state.bank(), id, await state.scope_of(await this_caller())))

    @server.completion()
    async def complete(
        ref: PromptReference | ResourceTemplateReference, argument: CompletionArgument, _: CompletionContext | None
    ) -> Completion:
        """The ids of this project's strategies, the newest first."""
        if not isinstance(ref, ResourceTemplateReference) or ref.uri != "strategy://{id}":
            return Completion(values=[])
        try:
            scope = await state.scope_of(await this_caller())
            rows = await (await state.bank()).cells(Strategy, [], scope=scope.readable, status="active")
        except Exception as exc:
            raise MCPError(INTERNAL_ERROR, in_words(exc)) from exc
        ids = [row["id"] for row in reversed(rows) if row["id"].startswith(argument.value)]
        return Completion(values=ids[:_COMPLETIONS], total=len(ids), has_more=len(ids) > _COMPLETIONS)


@contextmanager
def _errors_in_words() -> Generator[None]:
    """Let failures reach the client with their message."""
    try:
        yield
    except NotFound as exc:
        raise ResourceNotFoundError(str(exc)) from exc
    except Exception as exc:
        raise ResourceError(in_words(exc)) from exc


async def _summary(state: State) -> str:
    """Return what the caller's scope holds; nothing of other scopes."""
    bank, scope = await state.bank(), await state.scope_of(await this_caller())
    strategies = await bank.all(Strategy, scope=scope.readable, status="active")
    titles = [f"- {plain_id(strategy.id)}: {folded(strategy.title)}" for strategy in reversed(strategies[-20:])]
    pending = await bank.count(Episode, scope=scope.owned, status="pending")
    return "\n".join(
        [
            "# Bank",
            f"- strategies: {len(strategies)}, active in {folded(scope.name)} and global",
            f"- episodes: {await bank.count(Episode, scope=scope.owned)}, pending: {pending}",
            f"- runs: {await bank.count(Run, scope=scope.owned)}",
            "",
            f"## Newest in {folded(scope.name)} and global",
            *(titles or ["Nothing yet."]),
        ]
    )
