"""scale_attempts: MaTTS, memory-aware test-time scaling (arXiv 2509.25140, section 3.3), as guidance for the agent.

    start ─▶ lessons, briefs ─▶ report_outcome(run_id, attempt) ─┬▶ the next brief …
                                                              └▶ comparison: of the endpoint, or asked ─▶ settle.conclude
    continue ─▶ the same again, in full, for other processes and after a lost connection

parallel: independent attempts that explore, then a self-contrast over all of them. sequential: one attempt after the other,
each re-examining the one before. All state is the run in the bank, so any process may go on with it. What an agent has sent
itself is not told to it again, unless it asks.
"""

import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from strategy_bank.store.errors import InvalidInput, JudgeFailed
from strategy_bank.store.records import (
    Episode,
    Hit,
    LearnedStrategy,
    Recall,
    Run,
    RunMode,
    RunStatus,
    Strategy,
    Verdict,
    now,
)
from strategy_bank.store.visible_text import folded
from strategy_bank.tools.episodes.attempts import Attempt, brief, close_run, reported_attempts
from strategy_bank.tools.judging.judge import Judge
from strategy_bank.tools.judging.judge_requests import JudgeRequest, comparison_request
from strategy_bank.tools.judging.judgement import AttemptView, Comparison
from strategy_bank.tools.learning.settle import conclude
from strategy_bank.tools.named_ids import check_id
from strategy_bank.tools.prompting import render, section
from strategy_bank.tools.recall_strategies import (
    OtherStrategy,
    fence_others,
    fence_strategies,
    fitting,
    guidance_for,
    is_unread,
)
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.scopes.registry import Scope, own_run
from strategy_bank.tools.sharing.describe import learned_line
from strategy_bank.tools.trajectory.text import shorten

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

DEFAULT_ATTEMPTS = 3
RECALLED = 3
LINE_CHARS = 160
"""Length of what an agent is told of an attempt that it has sent itself."""


class AttemptState(BaseModel):
    """One attempt of a run. It has a brief while it is open."""

    model_config = ConfigDict(frozen=True)

    attempt: int
    status: Literal["open", "waiting", "reported"]
    brief: str = ""
    episode_id: str = ""
    verdict: Verdict | None = None


class ScaleRequest(BaseModel):
    """The arguments of scale_attempts, as they came."""

    model_config = ConfigDict(frozen=True)

    scope: Scope
    task: str = ""
    attempts: int | None = None
    mode: RunMode = "parallel"
    run_id: str = ""
    comparison: Comparison | None = None


class ScalingResult(BaseModel):
    """The reply of scale_attempts. Strategies are in it while there are open attempts."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    mode: RunMode
    status: RunStatus
    attempts: list[AttemptState]
    strategies: list[Hit]
    others: list[OtherStrategy] = Field(default_factory=list[OtherStrategy])
    recall_id: str
    comparison_request: JudgeRequest | None = None
    best_attempt: int | None = None
    learned: list[LearnedStrategy] = Field(default_factory=list[LearnedStrategy])
    warnings: list[str] = Field(default_factory=list)
    next_step: str

    def as_text(self) -> str:
        """Return the briefs, the request to compare, or what was learned."""
        lines = [f"{self.status}: run {self.run_id}, {self.mode}, recall_id {self.recall_id}"]
        lines += self._lessons() if self.status == "running" else []
        for state in self._worth_telling():
            episode = f", episode {state.episode_id}" if state.episode_id else ""
            lines.append(f"Attempt {state.attempt}: {state.status}{episode}, verdict {state.verdict or 'open'}")
            lines += [section("brief", state.brief)] if state.brief else []
        if self.best_attempt:
            lines.append(f"Best attempt: {self.best_attempt}")
        lines += map(learned_line, self.learned)
        lines += [f"Warning: {folded(warning)}" for warning in self.warnings]
        if self.comparison_request:
            lines.append(self.comparison_request["rubric"])
        return "\n".join(filter(None, [*lines, self.next_step]))

    def _worth_telling(self) -> list[AttemptState]:
        """Return the attempts that a reader has to know of for its next step."""
        return [] if self.status == "finished" else [state for state in self.attempts if state.status != "waiting"]

    def _lessons(self) -> list[str]:
        if not (self.strategies or self.others):
            return []
        full = [fence_strategies(self.strategies)] if self.strategies else []
        others = [fence_others(self.others)] if self.others else []
        return [guidance_for(self.strategies, self.others), *full, *others]


class Onward(NamedTuple):
    """What the report of an attempt is told about its run."""

    next_step: str
    brief: str = ""
    comparison_request: JudgeRequest | None = None
    learned: Sequence[LearnedStrategy] = ()
    warnings: Sequence[str] = ()


async def scale(bank: "Bank", judge: Judge, request: ScaleRequest) -> ScalingResult:
    """Start a run, go on with it, or finish it. Raises InvalidInput and the errors of the bank."""
    if request.run_id:
        check_id("run_id", "run", request.run_id)
    run = await own_run(bank, request.run_id, request.scope) if request.run_id else await _start(bank, request)
    if request.comparison is not None:
        return await _finish(bank, judge, run, await _episodes(bank, run), request.comparison)
    reported = await reported_attempts(bank, run)
    no_more = bool(reported) and request.attempts is not None and request.attempts <= max(2, len(reported))
    run = await _closed(bank, run, reported, early=no_more)
    if run.status == "comparison_needed" and reported:
        return await compare_attempts(bank, judge, run)
    unread = not request.run_id and await is_unread(bank, run.task, request.scope)
    warnings = [f"Nothing was recalled for this run. {render('ask_in_english')}"] if unread else []
    previous = await _previous_attempt(bank, run, reported)
    known = not request.run_id  # whoever starts a run has the task before it
    result = _result(run, reported, previous=previous, known=known, warnings=warnings)
    return result.model_copy(update={"others": await _others(bank, run)}) if run.status == "running" else result


async def after_report(bank: "Bank", judge: Judge, episode: Episode, sent: Collection[str]) -> Onward:
    """Return what follows the report of an attempt: the next brief, the comparison, or the end of the run.

    `sent` are the ids of episodes whose trajectories came from the caller, this one among them.
    """
    run = await bank.get(Run, episode.run_id)
    reported = await reported_attempts(bank, run)
    run = await _closed(bank, run, reported)
    if run.status == "running":
        return await _onward(bank, run, reported, episode, sent)
    if run.status == "finished":
        return Onward(_next_step(run, reported), learned=run.learned)
    # Sub-agents share the connection of their client, and each knows its own attempt only.
    own = [episode.id] if run.mode == "parallel" else sent
    compared = await compare_attempts(bank, judge, run, own)
    return Onward(compared.next_step, "", compared.comparison_request, compared.learned, compared.warnings)


async def _onward(
    bank: "Bank", run: Run, reported: Mapping[int, Attempt], episode: Episode, sent: Collection[str]
) -> Onward:
    stop = ""
    if reported[episode.attempt].verdict == "success":
        stop = (
            f"If nothing is left to improve{_UNLESS[run.mode]}, finish now, in one call: scale_attempts(run_id={run.id!r}, "
            f"comparison={{analysis, best_attempt: {episode.attempt}, strategies}}), with 0 to 3 strategies for other tasks."
        )
    if run.mode == "parallel":
        left = ", ".join(str(number) for number in range(1, run.attempts + 1) if number not in reported)
        return Onward(f"{stop} Still open: {left}. The last report is answered with the comparison.".lstrip())
    number, previous = _next_open(run, reported), await _previous_attempt(bank, run, reported)
    known = previous is not None and previous.id in sent
    return Onward(f"{stop} Otherwise:" if stop else "Go on:", brief(run, number, previous, known=known))


_UNLESS: dict[RunMode, str] = {"sequential": "", "parallel": " and nobody works on the others"}


async def _closed(bank: "Bank", run: Run, reported: Mapping[int, Attempt], *, early: bool = False) -> Run:
    """Return the run, which awaits its comparison from now on if all attempts are reported, or `early`."""
    if run.status == "running" and (early or len(reported) >= run.attempts):
        return await bank.atomically(partial(close_run, bank, run.id, early=early))
    return run


async def _others(bank: "Bank", run: Run) -> list[OtherStrategy]:
    """Return the strategies that the recall of a run listed, as far as they are there; the run keeps only those in full."""
    recall = await bank.find(Recall, run.recall_id)
    listed = recall.listed_ids if recall else []
    there = {each.id: each for each in await bank.all(Strategy, id=listed, status="active")} if listed else {}
    return [OtherStrategy.model_validate(dict(there[id])) for id in listed if id in there]


async def compare_attempts(bank: "Bank", judge: Judge, run: Run, own: Collection[str] = ()) -> ScalingResult:
    """Have the judge compare the attempts of a run that awaits it, or ask the agent to; note why if the judge fails.

    `own` are the ids of episodes that the agent has sent itself: it is told one line of each.
    """
    episodes = await _episodes(bank, run)
    views = [
        AttemptView(each.attempt, each.verdict or each.outcome, each.trajectory, _line(each) if each.id in own else "")
        for each in episodes
    ]
    try:
        comparison = await judge.compare(run.task, views)
        if comparison is not None:
            return await _finish(bank, judge, run, episodes, comparison)
        warnings = list[str]()
    except (JudgeFailed, InvalidInput) as exc:
        reason = f"Not compared by {judge.name}: {redact(str(exc)).text}"
        await bank.atomically(partial(_note, bank, run.id, reason))
        warnings = [reason]
    result = _result(run, _attempts(episodes), request=comparison_request(run.task, views), warnings=warnings)
    return result.model_copy(update={"next_step": f"{result.next_step}{_left_out(run, own)}"})


def _line(episode: Episode) -> str:
    """Return the reason of an attempt's verdict, else how the attempt ended."""
    reason = json.loads(episode.judgement)["reason"] if episode.judgement else episode.trajectory.rpartition("\n")[2]
    return shorten(folded(reason), LINE_CHARS)


def _left_out(run: Run, own: Collection[str]) -> str:
    if not own:
        return ""
    leave = " If another agent gave you your attempt, leave that to it." if run.mode == "parallel" else ""
    return f" With run_id alone it tells all attempts.{leave}"


async def _note(bank: "Bank", id: str, reason: str) -> None:
    """Store why the run is still open, unless somebody else has finished it meanwhile."""
    current = await bank.get(Run, id)
    if current.status != "finished":
        await bank.amend([current.model_copy(update={"reason": reason, "updated_at": now()})])


async def _start(bank: "Bank", request: ScaleRequest) -> Run:
    if request.comparison is not None:
        raise InvalidInput("comparison was given without run_id. Give the run_id that scale_attempts returned.")
    task = redact(request.task.encode("utf-8", "replace").decode().strip()).text
    if not task:
        raise InvalidInput("task is missing: give the task to start a run, or run_id to go on with one.")
    attempts = request.attempts or DEFAULT_ATTEMPTS
    if same := await _same_unused_run(bank, request, task, attempts):
        return same
    recall_id, recalled = await fitting(bank, task, RECALLED, request.scope)
    run = Run(
        id=f"run_{secrets.token_hex(8)}",
        scope=request.scope.name,
        task=task,
        mode=request.mode,
        attempts=attempts,
        recall_id=recall_id,
        recalled=recalled.full,
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


async def _episodes(bank: "Bank", run: Run) -> list[Episode]:
    """Return the reported attempts of a run with their trajectories, in order."""
    return sorted(await bank.all(Episode, run_id=run.id), key=lambda episode: episode.attempt)


def _attempts(episodes: Sequence[Episode]) -> dict[int, Attempt]:
    return {each.attempt: Attempt(each.id, each.verdict or each.outcome) for each in episodes}


async def _finish(
    bank: "Bank", judge: Judge, run: Run, episodes: Sequence[Episode], comparison: Comparison
) -> ScalingResult:
    reported = _attempts(episodes)
    if not reported:
        raise InvalidInput(f"Run {run.id} has no reported attempt yet. Report at least one with run_id and attempt.")
    if comparison.best_attempt not in reported:
        raise InvalidInput(
            f"best_attempt {comparison.best_attempt} is not a reported attempt of this run; these are: "
            f"{', '.join(map(str, reported))}."
        )
    finished = await conclude(bank, run, episodes, comparison, judge)
    result = _result(finished.record, reported, warnings=finished.warnings)
    said = filter(None, [result.next_step, finished.merged, finished.question])
    return result.model_copy(update={"next_step": "\n".join(said)})


def _result(
    run: Run,
    reported: Mapping[int, Attempt],
    *,
    previous: Episode | None = None,
    known: bool = False,
    request: JudgeRequest | None = None,
    warnings: Sequence[str] = (),
) -> ScalingResult:
    return ScalingResult(
        run_id=run.id,
        mode=run.mode,
        status=run.status,
        attempts=[_state(run, number, reported, previous, known) for number in range(1, run.attempts + 1)],
        strategies=run.recalled if run.status == "running" else [],
        recall_id=run.recall_id,
        comparison_request=request,
        best_attempt=run.best_attempt or None,
        learned=run.learned,
        warnings=list(warnings),
        next_step=_next_step(run, reported),
    )


def _state(
    run: Run, number: int, reported: Mapping[int, Attempt], previous: Episode | None, known: bool
) -> AttemptState:
    if attempt := reported.get(number):
        return AttemptState(attempt=number, status="reported", episode_id=attempt.episode_id, verdict=attempt.verdict)
    if run.status != "running" or (run.mode == "sequential" and number != _next_open(run, reported)):
        return AttemptState(attempt=number, status="waiting")
    return AttemptState(attempt=number, status="open", brief=brief(run, number, previous, known=known))


def _next_open(run: Run, reported: Mapping[int, Attempt]) -> int:
    return next(number for number in range(1, run.attempts + 1) if number not in reported)


async def _previous_attempt(bank: "Bank", run: Run, reported: Mapping[int, Attempt]) -> Episode | None:
    """Return the attempt that the next one of a sequential run re-examines; None where there is none."""
    if run.status != "running" or run.mode == "parallel":
        return None
    number = _next_open(run, reported) - 1
    return await bank.get(Episode, reported[number].episode_id) if number else None


def _next_step(run: Run, reported: Mapping[int, Attempt]) -> str:
    if run.status == "finished":
        made = f" after {len(reported)} of {run.attempts} attempts" if len(reported) < run.attempts else ""
        return f"Finished{made}: keep the result of attempt {run.best_attempt}; no more attempts are to be reported."
    if run.status == "comparison_needed":
        return f"Compare them: call scale_attempts with run_id {run.id!r} and comparison{{analysis, best_attempt, strategies}}."
    if not reported:
        return "Ideally by sub-agents, each on its own." if run.mode == "parallel" else ""
    return (
        f"If no more will come, call scale_attempts with run_id {run.id!r} and comparison, or with attempts="
        f"{max(2, len(reported))} to be told all of them first."
    )
