"""scale_attempts: MaTTS, memory-aware test-time scaling (arXiv 2509.25140, section 3.3), as guidance for the agent.

    start ─▶ lessons, briefs ─▶ report_outcome(run_id, attempt) ─┬▶ the next brief …
                                                              └▶ comparison: of the endpoint, or asked ─▶ settle.conclude
    continue ─▶ the same again, in full, for other processes and after a lost connection

parallel: independent attempts that explore, then a self-contrast over all of them. sequential: one attempt after the other,
each re-examining the one before. All state is the run in the bank, so any process may go on with it. What an agent has sent
itself is not told to it again, unless it asks.
"""

import secrets
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Episode, Recall, Run, RunMode, Strategy
from strategy_bank.tools.episodes.attempts import reported_attempts
from strategy_bank.tools.episodes.comparison import compare_attempts, episodes_of, finish
from strategy_bank.tools.episodes.onward import closed
from strategy_bank.tools.episodes.reporter import NOBODY, Reporter
from strategy_bank.tools.episodes.run_reply import AttemptState, ScalingResult, previous_attempt, result_of
from strategy_bank.tools.judging.judge import Judge
from strategy_bank.tools.judging.judgement import Comparison
from strategy_bank.tools.named_ids import check_id
from strategy_bank.tools.prompting import render
from strategy_bank.tools.recall_strategies import OtherStrategy, fitting, is_unread
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.scopes.registry import Scope, own_run

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

__all__ = ["AttemptState", "ScaleRequest", "ScalingResult", "compare_attempts", "scale"]

DEFAULT_ATTEMPTS = 3
RECALLED = 3
LEAST_CHANCE = 0.1
"""Of fitting, from which a lesson is listed by title. A title costs some 45 tokens, of which most runs have no use; who wants
more of them recalls."""


class ScaleRequest(BaseModel):
    """The arguments of scale_attempts, as they came."""

    model_config = ConfigDict(frozen=True)

    scope: Scope
    reporter: Reporter = NOBODY
    task: str = ""
    attempts: int | None = None
    mode: RunMode = "parallel"
    run_id: str = ""
    comparison: Comparison | None = None


async def scale(bank: "Bank", judge: Judge, request: ScaleRequest) -> ScalingResult:
    """Start a run, go on with it, or finish it. Raises InvalidInput and the errors of the bank."""
    if request.run_id:
        check_id("run_id", "run", request.run_id)
    run = await own_run(bank, request.run_id, request.scope) if request.run_id else await _start(bank, request)
    if request.comparison is not None:
        return await finish(
            bank, judge, run, await episodes_of(bank, run), request.comparison, request.reporter.session
        )
    reported = await reported_attempts(bank, run)
    no_more = bool(reported) and request.attempts is not None and request.attempts <= max(2, len(reported))
    run = await closed(bank, run, reported, early=no_more)
    if run.status == "comparison_needed" and reported:
        return await compare_attempts(bank, judge, run)
    unread = not request.run_id and await is_unread(bank, run.task, request.scope)
    warnings = [f"Nothing was recalled for this run. {render('ask_in_english')}"] if unread else []
    previous = await previous_attempt(bank, run, reported)
    known = not request.run_id  # whoever starts a run has the task before it
    result = result_of(run, reported, previous=previous, known=known, warnings=warnings)
    return result.model_copy(update={"others": await _others(bank, run)}) if run.status == "running" else result


async def _others(bank: "Bank", run: Run) -> list[OtherStrategy]:
    """Return the strategies that the recall of a run listed, as far as they are there; the run keeps only those in full."""
    recall = await bank.find(Recall, run.recall_id)
    listed = recall.listed_ids if recall else []
    there = {each.id: each for each in await bank.all(Strategy, id=listed, status="active")} if listed else {}
    return [OtherStrategy.model_validate(dict(there[id])) for id in listed if id in there]


async def _start(bank: "Bank", request: ScaleRequest) -> Run:
    if request.comparison is not None:
        raise InvalidInput("comparison was given without run_id. Give the run_id that scale_attempts returned.")
    task = redact(request.task.encode("utf-8", "replace").decode().strip()).text
    if not task:
        raise InvalidInput("task is missing: give the task to start a run, or run_id to go on with one.")
    attempts = request.attempts or DEFAULT_ATTEMPTS
    if same := await _same_unused_run(bank, request, task, attempts):
        return same
    recall_id, recalled = await fitting(bank, task, RECALLED, request.scope, least=LEAST_CHANCE)
    run = Run(
        id=f"run_{secrets.token_hex(8)}",
        scope=request.scope.name,
        task=task,
        mode=request.mode,
        attempts=attempts,
        recall_id=recall_id,
        recalled=recalled.full,
        session=request.reporter.session,
    )

    async def step() -> None:
        await bank.add(run)
        await bank.flush_recalls()

    await bank.atomically(step)
    return run


async def _same_unused_run(bank: "Bank", request: ScaleRequest, task: str, attempts: int) -> Run | None:
    """Return the newest run that began with the same words and has no attempt: clients ask again after a time-out."""
    equal = {"status": "running", "scope": request.scope.name, "task": task, "mode": request.mode, "attempts": attempts}
    ids = [row["id"] for row in await bank.cells(Run, [], **equal)]
    used = {row["run_id"] for row in await bank.cells(Episode, ["run_id"], run_id=ids)} if ids else set[str]()
    unused = [id for id in ids if id not in used]
    return await bank.get(Run, unused[-1]) if unused else None
