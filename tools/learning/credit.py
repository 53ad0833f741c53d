"""What outcomes do to the strategies that were used: counters move, and one that keeps hurting is retired.

The share of uses that go well is estimated over distinct tasks, not reports: who reports one task ten times is one witness.
The estimate is Beta-distributed with a uniform prior (its mean is ranking.utility); its upper bound is Wilson's, which needs no
library. Pure functions; what is decided depends on which episodes there were, not on their order.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from strategy_bank.store.records import PROVENANCE_KEPT, Strategy, Verdict, now

LEAST_TASKS = 6
"""Different tasks that must have used a strategy before it is retired for what came of it."""
FAIR = 0.5
"""A share of successes that retires nobody, however well the other tasks went: a strategy may be used for the hard ones."""
_Z = 2.24
"""97.5 %: of strategies as good as a coin, one in twenty goes within 20 uses though looked at after each failure."""
_NAMED = 20
"""Episodes that a reason names at most."""


@dataclass(frozen=True)
class Use:
    """One judged episode that used a strategy."""

    episode_id: str
    task: str
    verdict: Verdict


def credited(strategy: Strategy, use: Use, earlier: Iterable[Use]) -> Strategy:
    """The strategy after an episode used it. An episode counts once, and so does a task that comes to the same again."""
    if use.episode_id in strategy.credited_by:
        return strategy
    counter = "helped" if use.verdict == "success" else "hurt"
    told_before = any((_task(each), each.verdict) == (_task(use), use.verdict) for each in earlier)
    return strategy.model_copy(
        update={
            counter: getattr(strategy, counter) + (not told_before),
            "credited_by": [*strategy.credited_by, use.episode_id][-PROVENANCE_KEPT:],
            "updated_at": now(),
        }
    )


def evidence(strategy: Strategy) -> list[str]:
    """Ids of the episodes that may count against it; empty where they are too few, or it is out of recall already."""
    counted = [id for id in strategy.credited_by if id not in strategy.pardoned]
    return counted if strategy.status == "active" and len(counted) >= LEAST_TASKS else []


def harm(uses: Iterable[Use], base_rate: float) -> str:
    """Why a strategy with these uses is to be retired, with the episodes that decide it; empty where it may stay.

    It goes when at least LEAST_TASKS different tasks used it and the upper bound of its share of successes lies below both
    FAIR and `base_rate`, the share of all tasks that succeed: where most fail anyway, failing proves little.
    """
    told = sorted(set(uses), key=lambda use: use.episode_id)
    successes = _by_task(told)
    if len(successes) < LEAST_TASKS or upper_bound(sum(successes.values()), len(successes)) >= min(FAIR, base_rate):
        return ""
    failed = [use.episode_id for use in told if use.verdict == "failure"]
    more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    return (
        f"{sum(successes.values()):.3g} of {len(successes)} tasks that used it succeeded, of all tasks {base_rate:.0%}; "
        f"it failed in {', '.join(failed[:_NAMED])}{more}"
    )


def retired(strategy: Strategy, reason: str) -> Strategy:
    return strategy.model_copy(update={"status": "retired", "status_reason": f"hurt: {reason}", "updated_at": now()})


def upper_bound(successes: float, uses: float) -> float:
    """Of Wilson's 97.5 % interval (1927): 0–1, falling towards the observed share with more uses; 1 for none."""
    if not uses:
        return 1.0
    share, extra = successes / uses, _Z * _Z / uses
    spread = _Z * sqrt(max(0.0, share * (1 - share)) / uses + extra / (4 * uses))
    return min(1.0, (share + extra / 2 + spread) / (1 + extra))


def _by_task(uses: Iterable[Use]) -> dict[str, float]:
    """The share of successes of each task, whatever the number of its reports."""
    found: dict[str, list[bool]] = defaultdict(list)
    for use in uses:
        found[_task(use)].append(use.verdict == "success")
    return {task: sum(verdicts) / len(verdicts) for task, verdicts in found.items()}


def _task(use: Use) -> str:
    return " ".join(use.task.casefold().split())
