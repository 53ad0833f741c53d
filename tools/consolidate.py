"""Where a new strategy goes: beside the old ones, or into one that says the same.

Merging adds provenance and support and leaves the old text as it is: banks that rewrite themselves collapse."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from strategy_bank.store.records import PROVENANCE_KEPT, Strategy, Verdict, now
from strategy_bank.tools.likeness import NEAR, Likeness, Reading, compare, read, text_of

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank, EmbeddedStrategy

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
    """Compares strategies word by word. Reading words is slow: `look` before the write lock is taken; nothing is read twice."""

    def __init__(self, bank: "Bank") -> None:
        self._bank = bank
        self._read: dict[str, Reading | None] = {}

    async def look(self, embedded: "Sequence[EmbeddedStrategy]") -> None:
        for item in embedded:
            await self.of(item)

    async def of(self, item: "EmbeddedStrategy", beside: "Sequence[EmbeddedStrategy]" = ()) -> list[Neighbour]:
        """What stands near it in its scope, and of `beside`; the most alike first."""
        near = await self._bank.nearest(item, item.strategy.scope)
        near += [(other.strategy, float(other.text @ item.text)) for other in beside]
        return await self.compared(item.strategy, near)

    async def compared(self, strategy: Strategy, near: Iterable[tuple[Strategy, float]]) -> list[Neighbour]:
        close = [(other, cosine) for other, cosine in near if cosine >= NEAR]
        await self._read_words([strategy, *(other for other, _ in close)] if close else [])
        found = [Neighbour(other, cosine, self._likeness(strategy, other, cosine)) for other, cosine in close]
        return sorted(found, key=lambda each: (each.strategy.id != strategy.id, -each.likeness.score))

    async def _read_words(self, strategies: Sequence[Strategy]) -> None:
        unread = [strategy for strategy in strategies if strategy.id not in self._read]
        tokens = await self._bank.tokens([text_of(strategy) for strategy in unread]) or [None] * len(unread)
        for strategy, each in zip(unread, tokens, strict=True):
            self._read[strategy.id] = read(strategy, each) if each else None

    def _likeness(self, one: Strategy, other: Strategy, cosine: float) -> Likeness:
        a, b = self._read[one.id], self._read[other.id]
        if a is None or b is None:
            same = cosine >= MERGE_COSINE and _negations(one) == _negations(other)
            return Likeness(1.0 if same else -9.0, "", contrary=False)
        return compare(a, b)


def same_lesson(new: Strategy, neighbours: Iterable[Neighbour]) -> Strategy | None:
    """The strategy that says what the new one says, if any. Same words with the opposite advice are not the same.

    A quarantined one takes nothing in, which it would hide, and goes into nothing, which it would support.
    """
    for near in neighbours:
        old = near.strategy
        if old.id == new.id or (
            near.likeness.same and "quarantined" not in (old.status, new.status) and old.outcome == new.outcome
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
