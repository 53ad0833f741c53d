"""Figures of a ranking, and of knowing that nothing fits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

WRONGLY_EMPTY = 0.1
"""Share of the answerable tasks that may come back empty when abstention is compared."""
Gains = Mapping[int, int]


def ndcg(order: Sequence[int], relevant: Gains, at: int = 3) -> float:
    """With the gain 2^relevance − 1."""
    discounts = 1 / np.log2(np.arange(2, at + 2))
    gains = [2 ** relevant.get(k, 0) - 1 for k in order[:at]]
    ideal = sorted((2**gain - 1 for gain in relevant.values()), reverse=True)[:at]
    return float(np.dot(gains, discounts[: len(gains)]) / np.dot(ideal, discounts[: len(ideal)]))


def hit_at_1(order: Sequence[int], relevant: Gains) -> float:
    return float(any(k in relevant for k in order[:1]))


def hit_at_3(order: Sequence[int], relevant: Gains) -> float:
    return float(any(k in relevant for k in order[:3]))


def reciprocal_rank(order: Sequence[int], relevant: Gains) -> float:
    return next((1 / rank for rank, k in enumerate(order, 1) if k in relevant), 0.0)


@dataclass(frozen=True)
class Abstention:
    """With the floor at which at most a tenth of the answerable tasks comes back empty."""

    empty: float
    """Share of the tasks that nothing fits which come back empty: the recall of "nothing fits"."""
    precision: float
    """Share of the empty answers that are right."""
    area: float
    """Chance that an answerable task gets more confidence than one that nothing fits."""


def abstention(answerable: Any, nothing: Any) -> Abstention:
    """Of the confidences in the first of the list."""
    floor = np.sort(answerable)[int(WRONGLY_EMPTY * len(answerable))]
    right, wrong = float((nothing < floor).sum()), float((answerable < floor).sum())
    wins = (answerable[:, None] > nothing).mean() + (answerable[:, None] == nothing).mean() / 2
    return Abstention(right / len(nothing), right / max(1.0, right + wrong), float(wins))
