"""Moves the counters of strategies that were used by what came of it, and retires one that keeps hurting.

The share of uses that go well is estimated over distinct tasks, not reports: ten reports of one task are one witness, and one
session is a few (consolidation/witnesses.py). The estimate is Beta-distributed with a uniform prior (its mean is
ranking.utility); its upper bound is Wilson's, which needs no library. The functions are pure, and the order of the episodes
does not matter.
"""

from collections import defaultdict
from collections.abc import Iterable
from math import sqrt

from strategy_bank.store.records import MOST_USES, PROVENANCE_KEPT, Strategy, Verdict, now
from strategy_bank.tools.consolidation.witnesses import Use, counts, same_task

HURT = "hurt: "
"""Begins the status reason of a strategy that was retired by what came of its uses."""
LEAST_TASKS = 6
"""Number of different tasks that must have used a strategy before it can be retired for hurting."""
LEAST_SESSIONS = 2
"""Number of sessions in which it must have failed then."""
CLEARING = 2
"""Number of other sessions than its own whose tasks must have succeeded with a strategy before it needs no caution more."""
FAIR = (
    0.5  # a share of successes that retires nothing, however well other tasks go: a strategy may be for the hard ones
)
_Z = 2.24  # 97.5 %: of strategies as good as a coin, one in twenty is retired within 20 uses, looked at after each failure
_NAMED = 20
"""Number of episodes that a reason names at most."""


def credited(strategy: Strategy, use: Use, earlier: Iterable[Use]) -> Strategy:
    """Return the strategy after an episode used it.

    An episode counts once, and so does nearly the same task with the same verdict again, and a session counts MOST_USES times.
    A caution goes once tasks of CLEARING other sessions have succeeded with it.
    """
    if use.episode_id in strategy.credited_by:
        return strategy
    counter = "helped" if use.verdict == "success" else "hurt"
    alike = [each for each in earlier if each.verdict == use.verdict]
    counted = counts(use, alike, MOST_USES)
    others = {each.session for each in (*alike, use)} - {strategy.session}
    cleared = use.verdict == "success" and len(others) >= CLEARING
    return strategy.model_copy(
        update={
            counter: getattr(strategy, counter) + counted,
            "credited_by": [*strategy.credited_by, use.episode_id][-PROVENANCE_KEPT:],
            "caution": "" if cleared else strategy.caution,
            "updated_at": now(),
        }
    )


def evidence(strategy: Strategy) -> list[str]:
    """Return the ids of the episodes that may count against it; none if they are too few, or it is out of recall already."""
    counted = [id for id in strategy.credited_by if id not in strategy.pardoned]
    return counted if strategy.status == "active" and len(counted) >= LEAST_TASKS else []


def harm(uses: Iterable[Use], base_rate: float) -> str:
    """Return why a strategy with these uses is to be retired, with the episodes that decide it; empty if it may stay.

    It is retired when at least LEAST_TASKS different tasks used it and the upper bound of its share of successes lies below
    both FAIR and `base_rate`, the share of all tasks that succeed: where most fail anyway, failing proves little. One session
    alone retires nothing.
    """
    judged = _bounded(sorted(set(uses), key=lambda use: (use.at, use.episode_id)))
    successes = _by_task(judged)
    failed = [use for use in judged if use.verdict == "failure"]
    if len(successes) < LEAST_TASKS or len({use.session for use in failed}) < LEAST_SESSIONS:
        return ""
    if upper_bound(sum(successes), len(successes)) >= min(FAIR, base_rate):
        return ""
    more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    return (
        f"{sum(successes):.3g} of {len(successes)} tasks that used it succeeded, of all tasks {base_rate:.0%}; "
        f"it failed in {', '.join(use.episode_id for use in failed[:_NAMED])}{more}"
    )


def upper_bound(successes: float, uses: float) -> float:
    """Return the upper bound of Wilson's 97.5 % interval, 0–1; it falls towards the share with more uses."""
    return interval(successes, uses, _Z)[1]


def interval(successes: float, uses: float, z: float = 1.96) -> tuple[float, float]:
    """Return the bounds of Wilson's interval of a share (1927), 0–1; by default 95 %."""
    if not uses:
        return 0.0, 1.0
    share, extra = successes / uses, z * z / uses
    spread = z * sqrt(max(0.0, share * (1 - share)) / uses + extra / (4 * uses))
    middle = share + extra / 2
    return max(0.0, (middle - spread) / (1 + extra)), min(1.0, (middle + spread) / (1 + extra))


def _bounded(uses: Iterable[Use]) -> list[Use]:
    """Return the uses without those in which a session says more than MOST_USES tasks of the same verdict."""
    kept, told = list[Use](), defaultdict[tuple[str, Verdict], list[str]](list)
    for use in uses:
        tasks = told[use.session, use.verdict]
        known = any(same_task(use.task, task) for task in tasks)
        if known or len(tasks) < MOST_USES:
            kept.append(use)
            tasks += [] if known else [use.task]
    return kept


def _by_task(uses: Iterable[Use]) -> list[float]:
    """Return the share of successes of each task, whatever the number of its reports."""
    found = list[tuple[str, list[bool]]]()
    for use in uses:
        verdicts = next((verdicts for task, verdicts in found if same_task(use.task, task)), None)
        if verdicts is None:
            found.append((use.task, verdicts := []))
        verdicts.append(use.verdict == "success")
    return [sum(verdicts) / len(verdicts) for _, verdicts in found]
