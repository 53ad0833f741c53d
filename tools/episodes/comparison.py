"""The comparison of a run's attempts: by the endpoint, or asked of the agent, and the end of the run."""

import json
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from strategy_bank.store.errors import InvalidInput, JudgeFailed
from strategy_bank.store.records import Episode, Run, now
from strategy_bank.store.visible_text import folded
from strategy_bank.tools.episodes.attempts import Attempt
from strategy_bank.tools.episodes.reporter import NOBODY, Reporter
from strategy_bank.tools.episodes.run_reply import ScalingResult, result_of
from strategy_bank.tools.judging.judge import Judge
from strategy_bank.tools.judging.judge_requests import comparison_request
from strategy_bank.tools.judging.judgement import AttemptView, Comparison
from strategy_bank.tools.learning.settle import conclude
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.trajectory.text import shorten

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


LINE_CHARS = 160
"""Length of what an agent is told of an attempt that it has sent itself."""


async def compare_attempts(bank: "Bank", judge: Judge, run: Run, own: str = "", by: Reporter = NOBODY) -> ScalingResult:
    """Have the judge compare the attempts of a run that awaits it, or ask the agent to; note why if the judge fails.

    `own` is the id of the episode that the agent has just sent. It is told one line of that and of others that `by` has sent.
    """
    episodes = await episodes_of(bank, run)
    lines = {each.id: _line(each) for each in episodes if each.id == own or by.sent(each.session)}
    views = [
        AttemptView(each.attempt, each.verdict or each.outcome, each.trajectory, lines.get(each.id, ""))
        for each in episodes
    ]
    try:
        comparison = await judge.compare(run.task, views)
        if comparison is not None:
            return await finish(bank, judge, run, episodes, comparison)
        warnings = list[str]()
    except (JudgeFailed, InvalidInput) as exc:
        reason = f"Not compared by {judge.name}: {redact(str(exc)).text}"
        await bank.atomically(partial(_note, bank, run.id, reason))
        warnings = [reason]
    result = result_of(run, attempts_of(episodes), request=comparison_request(run.task, views), warnings=warnings)
    return result.model_copy(update={"next_step": f"{result.next_step}{_left_out(run, own)}"})


def _line(episode: Episode) -> str:
    """Return the reason of an attempt's verdict, else how the attempt ended."""
    reason = json.loads(episode.judgement)["reason"] if episode.judgement else episode.trajectory.rpartition("\n")[2]
    return shorten(folded(reason), LINE_CHARS)


def _left_out(run: Run, own: str) -> str:
    if not own:
        return ""
    leave = " If another agent gave you your attempt, leave that to it." if run.mode == "parallel" else ""
    return f" With run_id alone it tells all attempts.{leave}"


async def _note(bank: "Bank", id: str, reason: str) -> None:
    """Store why the run is still open, unless somebody else has finished it meanwhile."""
    current = await bank.get(Run, id)
    if current.status != "finished":
        await bank.amend([current.model_copy(update={"reason": reason, "updated_at": now()})])


async def episodes_of(bank: "Bank", run: Run) -> list[Episode]:
    """Return the reported attempts of a run with their trajectories, in order."""
    return sorted(await bank.all(Episode, run_id=run.id), key=lambda episode: episode.attempt)


def attempts_of(episodes: Sequence[Episode]) -> dict[int, Attempt]:
    return {each.attempt: Attempt(each.id, each.verdict or each.outcome) for each in episodes}


async def finish(
    bank: "Bank",
    judge: Judge,
    run: Run,
    episodes: Sequence[Episode],
    comparison: Comparison,
    session: str = "",
) -> ScalingResult:
    reported = attempts_of(episodes)
    if not reported:
        raise InvalidInput(f"Run {run.id} has no reported attempt yet. Report at least one with run_id and attempt.")
    if comparison.best_attempt not in reported:
        raise InvalidInput(
            f"best_attempt {comparison.best_attempt} is not a reported attempt of this run; these are: "
            f"{', '.join(map(str, reported))}."
        )
    finished = await conclude(bank, run, episodes, comparison, judge, session)
    result = result_of(finished.record, reported, warnings=finished.warnings)
    said = filter(None, [result.next_step, finished.merged, finished.question])
    return result.model_copy(update={"next_step": "\n".join(said)})
