"""Everything that the bank knows of one run, for a person who compares its attempts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio.to_thread

from strategy_bank.store.errors import NotFound
from strategy_bank.store.records import Episode, Run, Strategy, StrategyStatus
from strategy_bank.tools.judging.judgement import Comparison, Judgement
from strategy_bank.tools.viewing.episodes.judged import read_judged
from strategy_bank.tools.viewing.episodes.steps import Trail
from strategy_bank.tools.viewing.episodes.trajectory import ShownPart, ending

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

MOST = 16  # attempts that are shown
_LAST, _HEAD, _TAIL = 4, 300, 600  # parts at the end of an attempt, and characters of each


@dataclass(frozen=True)
class AttemptView:
    """An attempt of a run; without an episode it was not reported. `last` are the last parts of its trajectory."""

    number: int
    is_best: bool
    episode: Episode | None = None
    judgement: Judgement | None = None
    last: Sequence[ShownPart] = ()


@dataclass(frozen=True)
class RunView:
    """A run with its attempts in order. Without a comparison where there is none, or its JSON is damaged.

    `statuses` are those of the lessons that were recalled for it, by id; a forgotten one has none.
    """

    run: Run
    comparison: Comparison | None
    attempts: Sequence[AttemptView]
    statuses: dict[str, StrategyStatus]


async def found_run(bank: "Bank", id: str) -> Run:
    """Return a run. Raises NotFound."""
    if run := await bank.find(Run, id):
        return run
    raise NotFound(f"There is no run {id!r} in this bank. It may have been forgotten.")


async def run_view(bank: "Bank", id: str) -> RunView:
    """Return a run with its attempts. Raises NotFound."""
    run = await found_run(bank, id)
    episodes = await bank.all(Episode, run_id=id)
    recalled = [hit.id for hit in run.recalled]
    rows = await bank.cells(Strategy, ["status"], id=recalled) if recalled else []
    return RunView(
        run=run,
        comparison=read_judged(Comparison, run.comparison),
        attempts=await anyio.to_thread.run_sync(_attempts, run, episodes),
        statuses={row["id"]: row["status"] for row in rows},
    )


def _attempts(run: Run, episodes: Sequence[Episode]) -> list[AttemptView]:
    reported = {each.attempt: each for each in episodes}
    numbers = sorted({*range(1, min(run.attempts, MOST) + 1), *reported})[:MOST]
    return [_attempt(number, number == run.best_attempt, reported.get(number)) for number in numbers]


def _attempt(number: int, is_best: bool, episode: Episode | None) -> AttemptView:
    if episode is None:
        return AttemptView(number, is_best)
    last = ending(Trail(episode.trajectory), _LAST, _HEAD, _TAIL)
    return AttemptView(number, is_best, episode, read_judged(Judgement, episode.judgement), last)
