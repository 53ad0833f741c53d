"""report_outcome: one attempt, durable first, then judged, then distilled.

report ─▶ record (durable, pending) ─▶ judgement: given, of the endpoint, or asked of the agent ─▶ learn.settle
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, Field

from strategy_bank.store.errors import InvalidInput, JudgeFailed
from strategy_bank.store.records import Episode, LearnedStrategy, Run, Strategy, Verdict, content_id, now
from strategy_bank.tools.consolidation.undecided import OpenPair, answer, question
from strategy_bank.tools.judging.evidence import hold_to_evidence
from strategy_bank.tools.judging.judge import AgentJudge, Judge
from strategy_bank.tools.judging.models import Judgement
from strategy_bank.tools.judging.requests import JudgeRequest, judgement_request
from strategy_bank.tools.learning.settle import Settled, settle
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.trajectory.normal_form import Trajectory, normalise

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

Status = Literal["learned", "judgement_needed", "recorded"]


class Report(BaseModel):
    """The arguments of report_outcome, as they came."""

    model_config = ConfigDict(frozen=True)

    scope: str
    task: str | None = None
    trajectory: Any = None
    judgement: Judgement | None = None
    outcome: Verdict | None = None
    recall_id: str = ""
    used_strategy_ids: list[str] = Field(default_factory=list)
    run_id: str = ""
    attempt: int = 0
    episode_id: str = ""
    same_as: dict[str, str] = Field(default_factory=dict[str, str])
    """New strategies of the episode that say what known ones say: id of the new one → id of the known one."""


class OutcomeResult(BaseModel):
    """What report_outcome answers. `verdict` is null until somebody has judged."""

    model_config = ConfigDict(frozen=True)

    episode_id: str
    status: Status
    verdict: Verdict | None = None
    strategies: list[LearnedStrategy] = Field(default_factory=list[LearnedStrategy])
    judgement_request: JudgeRequest | None = None
    warnings: list[str] = Field(default_factory=list)
    next_step: str

    def as_text(self) -> str:
        """Short: the agent pays for every word of it."""
        lines = [f"{self.status}: episode {self.episode_id}, verdict {self.verdict or 'open'}"]
        lines += [f"- {strategy.action} {strategy.id}: {strategy.title}" for strategy in self.strategies]
        lines += [f"Warning: {warning}" for warning in self.warnings]
        if self.judgement_request:
            lines.append(self.judgement_request["rubric"])
        return "\n".join([*lines, self.next_step])


async def report(bank: "Bank", judge: Judge, report: Report) -> OutcomeResult:
    """Store the report, have it judged, and learn from it. Raises InvalidInput and the errors of the bank."""
    episode, warnings = await record(bank, report)
    if report.judgement is not None:
        return await _with_agents_judgement(bank, judge, episode, report.judgement, warnings)
    if report.same_as:
        episode, more = await answer(bank, episode, report.same_as)
        return _told(Settled(episode, more), warnings)
    if is_settled(episode):
        return _told(Settled(episode, ["This was reported before; nothing was changed."]), warnings)
    return await _with_judge(bank, judge, episode, warnings, carries_trajectory=bool(report.episode_id))


async def record(bank: "Bank", report: Report) -> tuple[Episode, list[str]]:
    """The episode of a report, durable from here on. The same report twice is one episode."""
    if report.episode_id:
        return await _completed(bank, await bank.get(Episode, report.episode_id), report), []
    run = await _run_of(bank, report)
    episode, warnings = await anyio.to_thread.run_sync(_episode, report, run)  # seconds for 2 MB

    async def step() -> None:
        if run:
            await _check_free(bank, run, episode)
        await bank.add(episode)
        await bank.flush_recalls()

    await bank.atomically(step)
    stored = await _completed(bank, await bank.get(Episode, episode.id), report)
    return stored, [*warnings, *await _unknown_strategies(bank, episode.used_ids)]


async def _completed(bank: "Bank", episode: Episode, report: Report) -> Episode:
    """What a later call adds to a pending episode: the world's outcome, the strategies that were used."""
    if _with_additions(episode, report) == episode:
        return episode

    async def step() -> Episode:
        completed = _with_additions(await bank.get(Episode, episode.id), report)
        await bank.amend([completed])
        return completed

    return await bank.atomically(step)


def _with_additions(episode: Episode, report: Report) -> Episode:
    if is_settled(episode):
        return episode
    return episode.model_copy(
        update={
            "outcome": episode.outcome or report.outcome,
            "recall_id": episode.recall_id or report.recall_id,
            "used_ids": list(dict.fromkeys([*episode.used_ids, *report.used_strategy_ids])),
        }
    )


def is_settled(episode: Episode) -> bool:
    return episode.status != "pending"


async def distill(bank: "Bank", judge: Judge, episode: Episode) -> Settled[Episode]:
    """Judge a pending episode with `judge` and learn from it; a failing judge leaves it pending, with the reason."""
    try:
        judgement = await judge.judge(episode.task, episode.trajectory, episode.outcome, distill=not episode.run_id)
        if judgement is None:
            return Settled(episode, [])
        judgement, warnings = hold_to_evidence(judgement, episode.trajectory, episode.outcome)
    except JudgeFailed as exc:
        return await _not_judged(bank, episode, judge, redact(str(exc)).text)
    settled = await settle(bank, episode, judgement, judge.name, judge)
    return replace(settled, warnings=[*warnings, *settled.warnings])


async def _not_judged(bank: "Bank", episode: Episode, judge: Judge, reason: str) -> Settled[Episode]:
    """The episode with the reason why it is still pending; as it stands, if somebody else settled it meanwhile."""

    async def step() -> Episode:
        current = await bank.get(Episode, episode.id)
        if is_settled(current):
            return current
        failed = current.model_copy(update={"reason": reason, "judge": judge.name, "updated_at": now()})
        await bank.amend([failed])
        return failed

    return Settled(await bank.atomically(step), [f"Not judged: {reason}"])


async def _with_judge(
    bank: "Bank", judge: Judge, episode: Episode, warnings: list[str], *, carries_trajectory: bool
) -> OutcomeResult:
    judged = await distill(bank, judge, episode)
    if is_settled(judged.record) or judged.record.reason:
        return _told(judged, warnings)
    request = judgement_request(episode.task, episode.outcome, episode.trajectory if carries_trajectory else "")
    return _asked(judged.record, request, warnings)


async def _with_agents_judgement(
    bank: "Bank", judge: Judge, episode: Episode, judgement: Judgement, warnings: list[str]
) -> OutcomeResult:
    try:
        judgement, missing = hold_to_evidence(judgement, episode.trajectory, episode.outcome)
    except JudgeFailed as exc:
        if episode.outcome is None and not is_settled(episode):
            return _asked(episode, judgement_request(episode.task, None), [*warnings, str(exc)])
        missing = [str(exc)]
    return _told(await settle(bank, episode, judgement, AgentJudge.name, judge), [*warnings, *missing])


def _told(settled: Settled[Episode], warnings: list[str]) -> OutcomeResult:
    """`warnings` are of what came before."""
    episode = settled.record
    return OutcomeResult(
        episode_id=episode.id,
        status="learned" if episode.status == "learned" else "recorded",
        verdict=episode.verdict or episode.outcome,
        strategies=episode.learned,
        warnings=[*warnings, *settled.warnings],
        next_step=_next_step(episode, settled.left_open),
    )


def _asked(episode: Episode, request: JudgeRequest, warnings: list[str]) -> OutcomeResult:
    return OutcomeResult(
        episode_id=episode.id,
        status="judgement_needed",
        verdict=episode.outcome,
        judgement_request=request,
        warnings=warnings,
        next_step=f"Judge it: call report_outcome with episode_id {episode.id!r} and judgement; the rest is stored.",
    )


def _next_step(episode: Episode, left_open: Sequence[OpenPair]) -> str:
    steps = [question(left_open, episode.id), _after(episode, bool(left_open))]
    return "\n".join(filter(None, steps))


def _after(episode: Episode, asked: bool) -> str:
    if episode.flagged_ids:
        return (
            f"Optional: call report_outcome with episode_id {episode.id!r} and a judgement whose strategies are worded "
            "generally; they replace the ones named in the warnings."
        )
    if episode.run_id:
        return f"Go on with scale_attempts, run_id {episode.run_id!r}."
    if not is_settled(episode):
        return (
            "The report is stored and will be judged later (`strategy-bank distill`); or judge it yourself now with "
            f"episode_id {episode.id!r} and judgement."
        )
    return "" if asked else "Nothing more to do."


async def _run_of(bank: "Bank", report: Report) -> Run | None:
    if not report.run_id:
        if report.attempt:
            raise InvalidInput(
                "attempt was given without run_id. Give the run_id that scale_attempts returned, or neither."
            )
        return None
    run = await bank.get(Run, report.run_id)
    if not 1 <= report.attempt <= run.attempts:
        raise InvalidInput(f"Run {run.id} has attempts 1 to {run.attempts}; say in `attempt` which one this was.")
    return run


def _episode(report: Report, run: Run | None) -> tuple[Episode, list[str]]:
    task = redact(_clean_task(report.task or (run.task if run else "")))
    trajectory = normalise(report.trajectory)
    text = redact(trajectory.text)
    scope = run.scope if run else report.scope
    episode = Episode(
        id=content_id("ep", scope, task.text, text.text, report.run_id, str(report.attempt)),
        scope=scope,
        task=task.text,
        trajectory=text.text,
        steps=trajectory.steps,
        outcome=report.outcome,
        recall_id=report.recall_id or (run.recall_id if run else ""),
        used_ids=list(dict.fromkeys(report.used_strategy_ids)),
        run_id=report.run_id,
        attempt=report.attempt,
    )
    return episode, _input_warnings(trajectory, {*task.kinds, *text.kinds})


def _clean_task(task: str) -> str:
    cleaned = task.encode("utf-8", "replace").decode().replace("\x00", "").strip()
    if not cleaned:
        raise InvalidInput(
            "task is missing: give the task as you were given it, or episode_id to finish a pending report."
        )
    return cleaned


def _input_warnings(trajectory: Trajectory, secrets: set[str]) -> list[str]:
    warnings: list[str] = []
    if trajectory.cut:
        warnings.append("The trajectory was longer than 2,000,000 characters; its middle was cut and marked.")
    if secrets:
        warnings.append(f"Secrets were redacted before storing: {', '.join(sorted(secrets))}.")
    return warnings


async def _check_free(bank: "Bank", run: Run, episode: Episode) -> None:
    """One report per attempt. Raises InvalidInput."""
    taken = await bank.all(Episode, run_id=run.id, attempt=episode.attempt)
    if taken and taken[0].id != episode.id:
        raise InvalidInput(
            f"Attempt {episode.attempt} of run {run.id} was reported already, as {taken[0].id}, with another trajectory. "
            "Use the number of an attempt that is still open."
        )
    if not taken and run.status == "finished":
        raise InvalidInput(f"Run {run.id} is finished. Report this attempt without run_id, or start a new run.")


async def _unknown_strategies(bank: "Bank", ids: list[str]) -> list[str]:
    known = {strategy.id for strategy in await bank.all(Strategy, id=ids)} if ids else set[str]()
    unknown = [id for id in ids if id not in known]
    return [f"Unknown used_strategy_ids, ignored: {', '.join(unknown)}."] if unknown else []
