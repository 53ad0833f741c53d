"""Strategies near each other, compared word by word.

Apart from `consolidate.py`, since it needs numpy, which a server loads late.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from strategy_bank.store.records import Strategy
from strategy_bank.tools.consolidation.likeness import NEAR, Likeness, Words, compare, read

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy

MERGE_COSINE = 0.92
"""Cosine of the two texts from which they may say the same where the model gives no vectors of words to look closer."""
_NEGATION = re.compile(
    r"\b(?:not|no|never|avoid|without|instead|rather|don't|doesn't|cannot|can't|stop|refuse)\b|n't\b", re.I
)


@dataclass(frozen=True)
class Neighbour:
    """A strategy near a new one, with the cosine of their texts and how alike they are."""

    strategy: Strategy
    cosine: float
    likeness: Likeness


class Neighbourhood:
    """Compares strategies word by word; none is read twice."""

    def __init__(self, bank: "Bank") -> None:
        self._bank = bank
        self._read: dict[str, Words | None] = {}

    async def of(self, item: "EmbeddedStrategy", beside: "Sequence[EmbeddedStrategy]" = ()) -> list[Neighbour]:
        """What stands near it in its scope, and of `beside`; the most alike first."""
        near = await self._bank.nearest(item, item.strategy.scope)
        near += [(other, float(other.text @ item.text)) for other in beside]
        return await self.compared(item, near)

    async def compared(
        self, item: "EmbeddedStrategy", near: "Iterable[tuple[EmbeddedStrategy, float]]"
    ) -> list[Neighbour]:
        close = [(other, cosine) for other, cosine in near if cosine >= NEAR]
        await self._read_words([item, *(other for other, _ in close)] if close else [])
        found = [
            Neighbour(other.strategy, cosine, self._likeness(item.strategy, other.strategy, cosine))
            for other, cosine in close
        ]
        return sorted(found, key=lambda each: (each.strategy.id != item.strategy.id, -each.likeness.score))

    async def _read_words(self, items: "Sequence[EmbeddedStrategy]") -> None:
        unread = [item for item in items if item.strategy.id not in self._read]
        for item, pieces in zip(unread, await self._bank.pieces(unread), strict=True):
            self._read[item.strategy.id] = read(item.strategy, pieces) if pieces else None

    def _likeness(self, one: Strategy, other: Strategy, cosine: float) -> Likeness:
        a, b = self._read[one.id], self._read[other.id]
        if a is None or b is None:
            same = cosine >= MERGE_COSINE and _negations(one) == _negations(other)
            return Likeness(1.0 if same else -9.0, 0.0 if same else 1.0, "", contrary=False)
        return compare(a, b)


def _negations(strategy: Strategy) -> int:
    return len(_NEGATION.findall(f"{strategy.title} {strategy.content}"))
