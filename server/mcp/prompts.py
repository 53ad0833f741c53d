"""Prompts: the habit of recalling and reporting, as three prompts."""

from typing import TYPE_CHECKING, Annotated

from mcp.server import MCPServer
from pydantic import Field

from strategy_bank.server.mcp.app_state import State
from strategy_bank.store.records import Episode
from strategy_bank.tools.judging.judge import judgement_request
from strategy_bank.tools.prompting import fence, render
from strategy_bank.tools.recall_strategies import fence_strategies, scopes_read

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_PENDING_NAMED = 9


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
