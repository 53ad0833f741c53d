"""Where a new strategy goes: beside the old ones, or into one that says the same.

Merging adds provenance and support and leaves the old text as it is: banks that rewrite themselves collapse. Pure functions.
"""

import re
from collections.abc import Iterable

from strategy_bank.store.records import PROVENANCE_KEPT, Strategy, Verdict, now

MERGE_COSINE = 0.92
"""Cosine of the two texts from which they may say the same; below it, near-confusable lessons begin."""
_NEGATION = re.compile(
    r"\b(?:not|no|never|avoid|without|instead|rather|don't|doesn't|cannot|can't|stop|refuse)\b|n't\b", re.I
)


def same_lesson(new: Strategy, neighbours: Iterable[tuple[Strategy, float]]) -> Strategy | None:
    """The strategy that says what the new one says, if any. Same words with the opposite advice are not the same.

    A quarantined one takes nothing in, which it would hide, and goes into nothing, which it would support.
    """
    for old, cosine in neighbours:
        if old.id == new.id or (
            cosine >= MERGE_COSINE
            and "quarantined" not in (old.status, new.status)
            and old.outcome == new.outcome
            and _negations(old) == _negations(new)
        ):
            return old
    return None


def merged(old: Strategy, new: Strategy) -> Strategy:
    """The old strategy with the new one's provenance; told twice by the same episodes it counts once."""
    added = [id for id in new.episode_ids if id not in old.episode_ids]
    if not added and set(new.run_ids) <= set(old.run_ids):
        return old
    return old.model_copy(
        update={
            "support": old.support + 1,
            "episode_ids": [*old.episode_ids, *added][-PROVENANCE_KEPT:],
            "run_ids": list(dict.fromkeys([*old.run_ids, *new.run_ids]))[-PROVENANCE_KEPT:],
            "updated_at": now(),
        }
    )


def credited(strategy: Strategy, verdict: Verdict, episode_id: str) -> Strategy:
    """The strategy after an episode used it; the same episode counts once."""
    if episode_id in strategy.credited_by:
        return strategy
    counter = "helped" if verdict == "success" else "hurt"
    return strategy.model_copy(
        update={
            counter: getattr(strategy, counter) + 1,
            "credited_by": [*strategy.credited_by, episode_id][-PROVENANCE_KEPT:],
            "updated_at": now(),
        }
    )


def _negations(strategy: Strategy) -> int:
    return len(_NEGATION.findall(f"{strategy.title} {strategy.content}"))
