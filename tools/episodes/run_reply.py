"""The reply of scale_attempts: a run as it now stands, and what is to be done next."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from strategy_bank.store.records import Episode, Hit, LearnedStrategy, Run, RunMode, RunStatus, Verdict
from strategy_bank.store.visible_text import folded
from strategy_bank.tools.episodes.attempts import Attempt, brief
from strategy_bank.tools.judging.judge_requests import JudgeRequest
from strategy_bank.tools.prompting import section
from strategy_bank.tools.recall_strategies import OtherStrategy, fences, guidance_for
from strategy_bank.tools.sharing.describe import learned_line

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


class AttemptState(BaseModel):
    """One attempt of a run. It has a brief while it is open."""

    model_config = ConfigDict(frozen=True)

    attempt: int
    status: Literal["open", "waiting", "reported"]
    brief: str = ""
    episode_id: str = ""
    verdict: Verdict | None = None


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
        under = f", recall_id {self.recall_id}" if self.strategies or self.others else ""
        lines = [f"{self.status}: run {self.run_id}, {self.mode}{under}"]
        lines += self._lessons() if self.status == "running" else []
        for state in self._worth_telling():
            episode = f", episode {state.episode_id}" if state.episode_id else ""
            if state.brief:
                lines.append(section("brief", state.brief))
            else:
                lines.append(f"Attempt {state.attempt}: reported{episode}, verdict {state.verdict or 'open'}")
        lines += [f"Best attempt: {self.best_attempt}"] if self.best_attempt else []
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
        return [guidance_for(self.strategies, self.others), *fences(self.strategies, self.others)]


def result_of(
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
        next_step=next_step(run, reported),
    )


def _state(
    run: Run, number: int, reported: Mapping[int, Attempt], previous: Episode | None, known: bool
) -> AttemptState:
    if attempt := reported.get(number):
        return AttemptState(attempt=number, status="reported", episode_id=attempt.episode_id, verdict=attempt.verdict)
    if run.status != "running" or (run.mode == "sequential" and number != next_open(run, reported)):
        return AttemptState(attempt=number, status="waiting")
    return AttemptState(attempt=number, status="open", brief=brief(run, number, previous, known=known))


def next_open(run: Run, reported: Mapping[int, Attempt]) -> int:
    return next(number for number in range(1, run.attempts + 1) if number not in reported)


async def previous_attempt(bank: "Bank", run: Run, reported: Mapping[int, Attempt]) -> Episode | None:
    """Return the attempt that the next one of a sequential run re-examines; None where there is none."""
    if run.status != "running" or run.mode == "parallel":
        return None
    number = next_open(run, reported) - 1
    return await bank.get(Episode, reported[number].episode_id) if number else None


def next_step(run: Run, reported: Mapping[int, Attempt]) -> str:
    if run.status == "finished":
        made = f" after {len(reported)} of {run.attempts} attempts" if len(reported) < run.attempts else ""
        return f"Finished{made}: keep the result of attempt {run.best_attempt}; no more attempts are to be reported."
    if run.status == "comparison_needed":
        return f"Compare them: scale_attempts(run_id={run.id!r}, comparison={{analysis, best_attempt, strategies}})."
    if not reported:
        return "Ideally by sub-agents, each on its own." if run.mode == "parallel" else ""
    return (
        f"If no more will come, call scale_attempts with run_id {run.id!r} and comparison, or with attempts="
        f"{max(2, len(reported))} to be told all of them first."
    )
