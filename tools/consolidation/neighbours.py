"""Strategies near each other, compared word by word.

This stands apart from merge.py because it needs numpy, which a server loads late.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from strategy_bank.store.lance.filters import Other
from strategy_bank.store.records import Strategy
from strategy_bank.tools.consolidation.likeness import NEAR, Likeness, likeness_of
from strategy_bank.tools.consolidation.words import Words, read

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy

MERGE_COSINE = 0.92
"""Least cosine of two texts that say the same, where the model gives no vectors of words to look closer."""
_NEGATION = re.compile(
    r"\b(?:not|no|never|avoid|without|instead|rather|don't|doesn't|cannot|can't|stop|refuse)\b|n't\b", re.I
)


@dataclass(frozen=True)
class Neighbour:
    """A strategy near a new one."""

    strategy: Strategy
    likeness: Likeness


class Neighbourhood:
    """Compares strategies word by word, and reads none twice."""

    def __init__(self, bank: "Bank") -> None:
        self._bank = bank
        self._read: dict[str, Words | None] = {}

    async def of(self, item: "EmbeddedStrategy") -> list[Neighbour]:
        """Return what the bank has near it in its scope, of any status."""
        return await self.compared(item, await self._bank.nearest(item, scope=item.strategy.scope))

    async def elsewhere(self, item: "EmbeddedStrategy") -> list[Neighbour]:
        """Return the active strategies near it in all other scopes."""
        others = Other(item.strategy.scope)
        return await self.compared(item, await self._bank.nearest(item, scope=others, status="active"))

    async def among(self, item: "EmbeddedStrategy", others: "Sequence[EmbeddedStrategy]") -> list[Neighbour]:
        """Return what is near it among the others."""
        return await self.compared(item, [(other, float(other.text @ item.text)) for other in others])

    async def compared(
        self, item: "EmbeddedStrategy", others: "Iterable[tuple[EmbeddedStrategy, float]]"
    ) -> list[Neighbour]:
        """Return those of the others whose cosine is at least NEAR, with their likeness."""
        close = [(other, cosine) for other, cosine in others if cosine >= NEAR]
        await self._read_words([item, *(other for other, _ in close)] if close else [])
        return [Neighbour(other.strategy, self._likeness(item, other, cosine)) for other, cosine in close]

    async def _read_words(self, items: "Sequence[EmbeddedStrategy]") -> None:
        unread = [item for item in items if item.strategy.id not in self._read]
        for item, pieces in zip(unread, await self._bank.pieces(unread), strict=True):
            self._read[item.strategy.id] = read(item.strategy, pieces) if pieces else None

    def _likeness(self, one: "EmbeddedStrategy", other: "EmbeddedStrategy", cosine: float) -> Likeness:
        a, b = self._read[one.strategy.id], self._read[other.strategy.id]
        if a is None or b is None:
            same = cosine >= MERGE_COSINE and _negations(one.strategy) == _negations(other.strategy)
            return Likeness(1.0 if same else -9.0, 0.0 if same else 1.0, forbidden=False, contrary=False)
        return likeness_of(a, b)


def _negations(strategy: Strategy) -> int:
    return len(_NEGATION.findall(f"{strategy.title} {strategy.content}"))
