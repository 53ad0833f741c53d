"""What the report of an attempt is answered with: the next brief, the request to compare, or the end of the run."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from strategy_bank.store.records import Episode, LearnedStrategy, Run, RunMode
from strategy_bank.tools.episodes.attempts import Attempt, brief, close_run, reported_attempts
from strategy_bank.tools.episodes.comparison import compare_attempts
from strategy_bank.tools.episodes.reporter import NOBODY, Reporter
from strategy_bank.tools.episodes.run_reply import next_open, next_step, previous_attempt
from strategy_bank.tools.judging.judge import Judge
from strategy_bank.tools.judging.judge_requests import JudgeRequest

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


class Onward(NamedTuple):
    """What the report of an attempt is told about its run."""

    next_step: str
    brief: str = ""
    comparison_request: JudgeRequest | None = None
    learned: Sequence[LearnedStrategy] = ()
    warnings: Sequence[str] = ()


async def after_report(bank: "Bank", judge: Judge, episode: Episode, by: Reporter) -> Onward:
    """Return what follows the report of an attempt: the next brief, the comparison, or the end of the run; `by` has sent it."""
    run = await bank.get(Run, episode.run_id)
    reported = await reported_attempts(bank, run)
    run = await closed(bank, run, reported)
    if run.status == "running":
        return await _onward(bank, run, reported, episode, by)
    if run.status == "finished":
        return Onward(next_step(run, reported), learned=run.learned)
    # Sub-agents share the connection of their client, and each knows its own attempt only.
    compared = await compare_attempts(bank, judge, run, episode.id, by if run.mode == "sequential" else NOBODY)
    return Onward(compared.next_step, "", compared.comparison_request, compared.learned, compared.warnings)


async def _onward(bank: "Bank", run: Run, reported: Mapping[int, Attempt], episode: Episode, by: Reporter) -> Onward:
    stop = ""
    if reported[episode.attempt].verdict == "success":
        stop = (
            f"If nothing is left to improve{_UNLESS[run.mode]}, finish now, in one call: scale_attempts(run_id={run.id!r}, "
            f"comparison={{analysis, best_attempt: {episode.attempt}, strategies}}), with 0 to 3 strategies for other tasks."
        )
    if run.mode == "parallel":
        left = ", ".join(str(number) for number in range(1, run.attempts + 1) if number not in reported)
        return Onward(f"{stop} Still open: {left}. The last report is answered with the comparison.".lstrip())
    number, previous = next_open(run, reported), await previous_attempt(bank, run, reported)
    known = previous is not None and (previous.id == episode.id or by.sent(previous.session))
    return Onward(f"{stop} Otherwise:" if stop else "Go on:", brief(run, number, previous, known=known))


_UNLESS: dict[RunMode, str] = {"sequential": "", "parallel": " and nobody works on the others"}


async def closed(bank: "Bank", run: Run, reported: Mapping[int, Attempt], *, early: bool = False) -> Run:
    """Return the run, which awaits its comparison from now on if all attempts are reported, or `early`."""
    if run.status == "running" and (early or len(reported) >= run.attempts):
        return await bank.atomically(partial(close_run, bank, run.id, early=early))
    return run
