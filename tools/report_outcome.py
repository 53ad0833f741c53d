"""report_outcome: one attempt, durable first, then judged, then learned from.

report ─▶ record_episode.py (durable, pending) ─▶ judgement: given, of the endpoint, or asked of the agent ─▶ learning/settle.py
an attempt of a run ─▶ episodes/onward.py: what comes next
"""

from typing import TYPE_CHECKING, Literal

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, Field

from strategy_bank.store.errors import JudgeFailed
from strategy_bank.store.records import Episode, LearnedStrategy, Verdict, now
from strategy_bank.store.visible_text import folded
from strategy_bank.tools.episodes.onward import Onward, after_report
from strategy_bank.tools.episodes.record import Report, is_settled, record_episode
from strategy_bank.tools.judging.evidence import hold_to_evidence
from strategy_bank.tools.judging.judge import AgentJudge, Judge
from strategy_bank.tools.judging.judge_requests import JudgeRequest, judgement_request
from strategy_bank.tools.judging.judgement import Judgement
from strategy_bank.tools.learning.answers import answer
from strategy_bank.tools.learning.settle import Settled, settle
from strategy_bank.tools.prompting import section
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.sharing.describe import learned_line

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


class OutcomeResult(BaseModel):
    """The reply of report_outcome. `verdict` is null until somebody has judged."""

    model_config = ConfigDict(frozen=True)

    episode_id: str
    status: Literal["learned", "judgement_needed", "recorded"]
    verdict: Verdict | None = None
    strategies: list[LearnedStrategy] = Field(default_factory=list[LearnedStrategy])
    judgement_request: JudgeRequest | None = None
    comparison_request: JudgeRequest | None = None
    brief: str = ""
    warnings: list[str] = Field(default_factory=list)
    next_step: str

    def as_text(self) -> str:
        """Return the reply in few words: the agent pays for each of them."""
        lines = [f"{self.status}: episode {self.episode_id}, verdict {self.verdict or 'open'}"]
        lines += map(learned_line, self.strategies)
        lines += [f"Warning: {folded(warning)}" for warning in self.warnings]
        if self.judgement_request:
            lines.append(self.judgement_request["rubric"])
        if self.comparison_request:
            lines.append(self.comparison_request["rubric"])
        lines.append(self.next_step)
        return "\n".join([*lines, section("brief", self.brief)] if self.brief else lines)


async def report_outcome(bank: "Bank", judge: Judge, report: Report) -> OutcomeResult:
    """Store the report, have it judged, and learn from it; an attempt of a run is told what comes next.

    Raises InvalidInput and the errors of the bank.
    """
    episode, warnings = await record_episode(bank, report)
    reply = await _answered(bank, judge, report, episode, warnings)
    if not episode.run_id or reply.status == "judgement_needed":
        return reply
    # an agent that judges its attempts itself compares them itself, too
    by = judge if report.judgement is None else AgentJudge(judge.trust)
    return await _with_what_comes_next(bank, by, reply, episode, report)


async def _with_what_comes_next(
    bank: "Bank", judge: Judge, reply: OutcomeResult, episode: Episode, report: Report
) -> OutcomeResult:
    sent = not report.episode_id or report.reporter.sent(episode.session)
    if report.same_as or not sent:  # it was told before, or its attempt was made by somebody else, perhaps long ago
        onward = Onward(f"Go on with scale_attempts, run_id {episode.run_id!r}.")
    else:
        onward = await after_report(bank, judge, episode, report.reporter)
    return reply.model_copy(
        update={
            "strategies": [*reply.strategies, *onward.learned],
            "comparison_request": onward.comparison_request,
            "brief": onward.brief,
            "warnings": [*reply.warnings, *onward.warnings],
            "next_step": "\n".join(filter(None, [reply.next_step, onward.next_step])),
        }
    )


async def _answered(bank: "Bank", judge: Judge, report: Report, episode: Episode, warnings: list[str]) -> OutcomeResult:
    session = report.reporter.session
    if report.judgement is not None:
        return await _with_agents_judgement(bank, judge, episode, report.judgement, warnings, session)
    if report.same_as:
        answered = await answer(bank, episode, report.same_as, report.scope, judge.trust, session)
        reply = _reply(Settled(answered.episode, answered.warnings), warnings)
        return reply.model_copy(update={"strategies": answered.learned})
    if is_settled(episode):
        return _reply(Settled(episode, ["This was reported before; nothing was changed."]), warnings)
    return await _with_judge(bank, judge, episode, warnings, carries_trajectory=bool(report.episode_id))


async def distill(bank: "Bank", judge: Judge, episode: Episode) -> Settled[Episode]:
    """Judge a pending episode with `judge` and learn from it; if the judge fails, it stays pending, with the reason."""
    try:
        judgement = await judge.judge(episode.task, episode.trajectory, episode.outcome, distill=not episode.run_id)
        if judgement is None:
            return Settled(episode, [])
        judgement = await _held(judgement, episode)
    except JudgeFailed as exc:
        return await _not_judged(bank, episode, judge, redact(str(exc)).text)
    return await settle(bank, episode, judgement, judge.name, judge)


async def _held(judgement: Judgement, episode: Episode) -> Judgement:
    """Hold the judgement to evidence in a thread, since trajectories are long. Raises JudgeFailed."""
    return await anyio.to_thread.run_sync(hold_to_evidence, judgement, episode.trajectory, episode.outcome)


async def _not_judged(bank: "Bank", episode: Episode, judge: Judge, reason: str) -> Settled[Episode]:
    """Store why the episode is still pending, unless somebody else has settled it meanwhile."""

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
        return _reply(judged, warnings)
    shown = episode.trajectory if carries_trajectory else ""
    request = await anyio.to_thread.run_sync(judgement_request, episode.task, episode.outcome, shown)
    return _asked(judged.record, request, warnings)


async def _with_agents_judgement(
    bank: "Bank",
    judge: Judge,
    episode: Episode,
    judgement: Judgement,
    warnings: list[str],
    session: str,
) -> OutcomeResult:
    try:
        judgement = await _held(judgement, episode)
    except JudgeFailed as exc:
        if episode.outcome is None and not is_settled(episode):
            return _asked(episode, judgement_request(episode.task, None), [*warnings, str(exc)])
    return _reply(await settle(bank, episode, judgement, AgentJudge.name, judge, session), warnings)


def _reply(settled: Settled[Episode], warnings: list[str]) -> OutcomeResult:
    """Return the reply about a stored episode; `warnings` came up before it was settled."""
    episode = settled.record
    return OutcomeResult(
        episode_id=episode.id,
        status="learned" if episode.status == "learned" else "recorded",
        verdict=episode.verdict or episode.outcome,
        strategies=episode.learned,
        warnings=[*warnings, *settled.warnings],
        next_step="\n".join(
            filter(
                None,
                [_marked(episode), settled.merged, settled.question, _next_step(episode, asked=bool(settled.question))],
            )
        ),
    )


def _marked(episode: Episode) -> str:
    """Return what the report said of recalled lessons, so that the agent knows it was read; empty where it said nothing."""
    fates = {"helped": episode.helped_ids, "wrong": episode.wrong_ids, "unfit": episode.unfit_ids}
    told = ", ".join(f"{len(ids)} {fate}" for fate, ids in fates.items() if ids)
    return f"Of the recalled lessons: {told}." if told else ""


def _asked(episode: Episode, request: JudgeRequest, warnings: list[str]) -> OutcomeResult:
    return OutcomeResult(
        episode_id=episode.id,
        status="judgement_needed",
        verdict=episode.outcome,
        judgement_request=request,
        warnings=warnings,
        next_step=f"Judge it: call report_outcome with episode_id {episode.id!r} and judgement; the rest is stored.",
    )


def _next_step(episode: Episode, *, asked: bool) -> str:
    if episode.flagged_ids:
        return (
            f"Optional: call report_outcome with episode_id {episode.id!r} and a judgement whose strategies are worded "
            "generally; they replace the ones named in the warnings."
        )
    if episode.run_id:
        return ""
    if not is_settled(episode):
        return (
            "The report is stored and will be judged later (`strategy-bank distill`); or judge it yourself now with "
            f"episode_id {episode.id!r} and judgement."
        )
    return "" if asked else "Nothing more to do."
