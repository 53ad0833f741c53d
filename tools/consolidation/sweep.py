"""Finds strategies of the whole bank that say the same, and merges them."""

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from strategy_bank.store.errors import JudgeFailed
from strategy_bank.store.progress import Progress
from strategy_bank.store.records import GLOBAL_SCOPE, Strategy
from strategy_bank.tools.consolidation.likeness import NEAR
from strategy_bank.tools.consolidation.merge import merge

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.embedding.embedder import Vectors
    from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy
    from strategy_bank.tools.consolidation.neighbours import Neighbourhood
    from strategy_bank.tools.judging.judge import Judge

_ROWS = 512
"""Rows of the table of cosines that are in memory at once."""
_BATCH = 16
"""Pairs that are merged in one commit: others write between two of them, and the episodes that taught them fit in memory."""


@dataclass(frozen=True)
class Merge:
    """A planned merge: `kept` takes in `other`."""

    kept: Strategy
    other: Strategy
    why: str


@dataclass(frozen=True)
class Sweep:
    """The findings of a sweep. `failed` has an endpoint's errors; the pairs on which it failed stay two."""

    merges: list[Merge] = field(default_factory=list[Merge])
    failed: list[str] = field(default_factory=list[str])


async def sweep(bank: "Bank", judge: "Judge", progress: Progress, scope: str | None, *, dry_run: bool) -> Sweep:
    """Find what says the same and merge it, some pairs per commit; with `dry_run`, only find it."""
    found = await planned(bank, judge, progress, scope)
    pairs = [] if dry_run else [(each.kept.id, each.other.id) for each in found.merges]
    for start in range(0, len(pairs), _BATCH):
        await bank.atomically(partial(merge, bank, pairs[start : start + _BATCH]))
    return found


async def planned(bank: "Bank", judge: "Judge", progress: Progress, scope: str | None = None) -> Sweep:
    """Find the merges. Each strategy goes into at most one other, which may go into a third with all it has taken in."""
    from strategy_bank.tools.consolidation.neighbours import Neighbourhood

    where = {"scope": scope} if scope else {}
    items = sorted(await bank.embedded(status="active", **where), key=_standing)
    near, gone, found = Neighbourhood(bank), set[str](), Sweep()
    pairs = _near_pairs(np.stack([item.text for item in items])) if items else []
    for number, (first, second, cosine) in enumerate(pairs, 1):
        progress(number, len(pairs))
        kept, other = items[first].strategy, items[second].strategy
        parted = bank.location.apart and kept.scope != other.scope
        if kept.outcome == other.outcome and not parted and not {kept.id, other.id} & gone:
            try:
                why = await _why(near, items[first], items[second], cosine, judge)
            except JudgeFailed as exc:
                found.failed.append(str(exc))
                continue
            if why:
                found.merges.append(Merge(kept, other, why))
                gone.add(other.id)
    return found


def _standing(item: "EmbeddedStrategy") -> tuple[bool, int, int, object, str]:
    """Return the key by which the one to keep comes first: global, better supported, more useful, older."""
    one = item.strategy
    return one.scope != GLOBAL_SCOPE, -one.support, one.hurt - one.helped, one.created_at, one.id


def _near_pairs(texts: "Vectors") -> list[tuple[int, int, float]]:
    """Return pairs of places whose texts are near, with the cosine, the nearest first; in each, the lower place first."""
    found: list[tuple[int, int, float]] = []
    for start in range(0, len(texts), _ROWS):
        cosines = np.triu(texts[start : start + _ROWS] @ texts.T, start + 1)
        found += [(start + int(a), int(b), float(cosines[a, b])) for a, b in np.argwhere(cosines >= NEAR)]
    return sorted(found, key=lambda pair: -pair[2])


async def _why(
    near: "Neighbourhood", kept: "EmbeddedStrategy", other: "EmbeddedStrategy", cosine: float, judge: "Judge"
) -> str:
    """Return why they say the same; empty if they do not, or nobody can decide it. Raises JudgeFailed."""
    (found,) = await near.compared(kept, [(other, cosine)])
    how = f"likeness {found.likeness.score:+.1f}, above 0 is the same; cosine {cosine:.2f}"
    if found.likeness.same:
        return how
    if found.likeness.undecided and await judge.same(kept.strategy.wording, other.strategy.wording):
        return f"the endpoint decided; {how}"
    return ""
