"""Resources and prompts: the bank to look at, and the habit as two prompts."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference
from pydantic import Field

from strategy_bank.server.state import State
from strategy_bank.store.errors import NotFound, StrategyBankError
from strategy_bank.store.records import Episode, Run, Strategy
from strategy_bank.tools.judge import judgement_request
from strategy_bank.tools.prompting import fence, render
from strategy_bank.tools.recall import fence_strategies, scopes_read

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


def add_resources(server: MCPServer[State], state: State) -> None:
    """`bank://summary` and `strategy://{id}`."""

    @server.resource("bank://summary", title="What the bank holds", mime_type="text/markdown")
    async def summary() -> str:
        """Counts of the bank, and the titles of this project's newest strategies."""
        with _told():
            return await _summary(state)

    @server.resource("strategy://{id}", title="One strategy", mime_type="text/markdown")
    async def strategy(id: str) -> str:
        """A strategy with its counters and where it came from."""
        with _told():
            return describe(await (await state.bank()).get(Strategy, id))

    @server.completion()
    async def complete(
        ref: PromptReference | ResourceTemplateReference, argument: CompletionArgument, _: CompletionContext | None
    ) -> Completion:
        """The ids of this project's strategies, the newest first."""
        if not isinstance(ref, ResourceTemplateReference) or ref.uri != "strategy://{id}":
            return Completion(values=[])
        rows = await (await state.bank()).cells(Strategy, [], scope=scopes_read(state.scope), status="active")
        ids = [row["id"] for row in reversed(rows) if row["id"].startswith(argument.value)]
        return Completion(values=ids[:_COMPLETIONS], total=len(ids), has_more=len(ids) > _COMPLETIONS)


_PENDING_NAMED = 9
_COMPLETIONS = 100
"""The protocol allows no more in one answer."""


def add_prompts(server: MCPServer[State], state: State) -> None:
    """`solve_with_strategies`, `reflect` and `distill_pending`."""

    @server.prompt(title="Solve a task with strategies")
    async def solve_with_strategies(task: Annotated[str, Field(description="The task to solve")]) -> str:
        """Work on a task with what earlier tasks taught."""
        hits = await (await state.bank()).search(task, scopes_read(state.scope), 3)
        strategies = fence_strategies(hits) if hits else "Nothing in the bank fits this task."
        return render("solve_with_strategies", task=fence("task", task), strategies=strategies)

    @server.prompt(title="Reflect on a task")
    def reflect(task: Annotated[str, Field(description="The task that was worked on")]) -> str:
        """Judge what was just done and keep what it teaches."""
        return render("reflect", task=fence("task", task))

    @server.prompt(title="Judge what is pending")
    async def distill_pending() -> str:
        """Judge this project's episodes that nobody has judged yet, one by one, the oldest first."""
        return await _pending(await state.bank(), state.scope)


async def _pending(bank: "Bank", scope: str) -> str:
    """The oldest pending episode with all that is needed to judge it, and the ids of those that come next."""
    rows = await bank.cells(Episode, ["run_id"], scope=scope, status="pending")
    ids = [row["id"] for row in rows if not row["run_id"]]  # attempts are judged together, by their run
    if not ids:
        return f"No episode of {scope} waits for a judgement. There is nothing to do."
    first = await bank.get(Episode, ids[0])
    request = judgement_request(first.task, first.outcome, first.trajectory)
    later = ", ".join(ids[1 : 1 + _PENDING_NAMED]) or "none"
    return render("distill_pending", id=first.id, request=request["rubric"], later=later, count=str(len(ids)))


@contextmanager
def _told() -> Generator[None]:
    """Expected failures reach the client with their message."""
    try:
        yield
    except NotFound as exc:
        raise ResourceNotFoundError(str(exc)) from exc
    except StrategyBankError as exc:
        raise ResourceError(str(exc)) from exc


def describe(strategy: Strategy) -> str:
    """A strategy as Markdown."""
    origin = {"success": "a success", "failure": "a failure", "contrast": "comparing attempts"}[strategy.outcome]
    reason = f" ({strategy.status_reason})" if strategy.status_reason else ""
    return "\n".join(
        [
            f"# {strategy.title}",
            "",
            f"*{strategy.description}*",
            "",
            strategy.content,
            "",
            f"- id: {strategy.id}",
            f"- from: {origin}, scope {strategy.scope}, {strategy.created_at:%Y-%m-%d}",
            f"- status: {strategy.status}{reason}",
            f"- told by {strategy.support}, helped {strategy.helped}, hurt {strategy.hurt}",
            f"- episodes: {', '.join(strategy.episode_ids) or 'none'}",
            *([f"- runs: {', '.join(strategy.run_ids)}"] if strategy.run_ids else []),
            *([f"- advises the opposite of: {', '.join(strategy.contradicts)}"] if strategy.contradicts else []),
        ]
    )


async def _summary(state: State) -> str:
    bank = await state.bank()
    strategies = await bank.all(Strategy, scope=scopes_read(state.scope), status="active")
    titles = [f"- {strategy.title} ({strategy.id})" for strategy in reversed(strategies[-20:])]
    return "\n".join(
        [
            "# Bank",
            f"- strategies: {await bank.count(Strategy)}, of them active in {state.scope} and global: {len(strategies)}",
            f"- episodes: {await bank.count(Episode)}, pending: {await bank.count(Episode, status='pending')}",
            f"- runs: {await bank.count(Run)}",
            "",
            f"## Newest in {state.scope}",
            *(titles or ["Nothing yet."]),
        ]
    )
