"""The prompts: recalling and reporting as three texts that a user can choose."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.context import CallNext, ServerRequestContext
from mcp.types import INTERNAL_ERROR, INVALID_PARAMS
from pydantic import Field

from strategy_bank.server.mcp.app_state import State
from strategy_bank.server.mcp.caller import this_caller
from strategy_bank.server.unexpected import in_words
from strategy_bank.store.errors import StrategyBankError
from strategy_bank.store.records import Episode
from strategy_bank.store.visible_text import folded
from strategy_bank.tools.judging.judge_requests import judgement_request
from strategy_bank.tools.prompting import fence, plain_id, render
from strategy_bank.tools.recall_strategies import recall

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.scopes.registry import Scope

_PENDING_NAMED = 9


def add_prompts(server: MCPServer[State], state: State) -> None:
    """Add `solve_with_strategies`, `reflect` and `distill_pending`."""

    @server.prompt(title="Solve a task with strategies")
    async def solve_with_strategies(task: Annotated[str, Field(description="The task to solve")]) -> str:
        """Work on a task with what earlier tasks taught."""
        scope = await state.scope_of(await this_caller())
        found = await recall(await state.bank(), task, 3, scope)
        strategies = found.as_text()
        return render("solve_with_strategies", task=fence("task", task), strategies=strategies)

    @server.prompt(title="Reflect on a task")
    def reflect(task: Annotated[str, Field(description="The task that was worked on")]) -> str:
        """Judge what was just done and keep what it teaches."""
        return render("reflect", task=fence("task", task))

    @server.prompt(title="Judge what is pending")
    async def distill_pending() -> str:
        """Judge this project's episodes that nobody has judged yet, one by one, the oldest first."""
        return await _pending(await state.bank(), await state.scope_of(await this_caller()))


async def _pending(bank: "Bank", scope: "Scope") -> str:
    """Return the oldest pending episode with all that is needed to judge it, and the ids of the next ones."""
    rows = await bank.cells(Episode, ["run_id"], scope=scope.owned, status="pending")
    ids = [row["id"] for row in rows if not row["run_id"]]  # the attempts of a run are judged together
    if not ids:
        return f"No episode of {folded(scope.name)} waits for a judgement. There is nothing to do."
    first = await bank.get(Episode, ids[0])
    request = judgement_request(first.task, first.outcome, first.trajectory)
    later = ", ".join(map(plain_id, ids[1 : 1 + _PENDING_NAMED])) or "none"
    return render("distill_pending", id=plain_id(first.id), request=request["rubric"], later=later, count=str(len(ids)))


async def prompt_errors_in_words(ctx: ServerRequestContext[State, Any], call_next: CallNext) -> Any:
    """Tell the client why it gets no prompt: the SDK calls every such failure internal and gives no reason."""
    if ctx.method != "prompts/get":
        return await call_next(ctx)
    try:
        return await call_next(ctx)
    except ValueError as exc:
        causes = list(_causes(exc))
        expected = [cause for cause in causes if isinstance(cause, StrategyBankError)]
        if expected or len(causes) > 1:  # raised inside a prompt: no wrong name or missing argument
            raise MCPError(INTERNAL_ERROR, in_words((expected or causes[-1:])[0])) from exc
        raise MCPError(INVALID_PARAMS, str(exc)) from exc


def _causes(exc: BaseException) -> Iterator[BaseException]:
    while exc.__cause__ is not None:
        exc = exc.__cause__
        yield exc
