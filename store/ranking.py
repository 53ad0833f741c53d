"""Which strategies fit a task: what is embedded, how the two searches are fused, and when nothing fits.

Scores are fused, not ranks: equal-weight rank fusion lets a lexical list of mere word overlaps outvote a good semantic one.
Pure functions; the numbers they need come from the bank.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from strategy_bank.store.records import Hit, Strategy

if TYPE_CHECKING:
    from strategy_bank.store.embedding import Vector, Vectors

CANDIDATES = 50
"""How many each of the two searches brings."""
FLOOR = 0.25
"""Below this relevance a strategy is not shown: an irrelevant hint costs more than none."""
LEXICAL_WEIGHT = 0.2
LEXICAL_HALF = 10.0
"""The BM25 score at which half of the lexical weight is reached: saturated, so that it never dominates."""
UTILITY_WEIGHT = 0.1
LEXICAL_TERMS = 64


@dataclass(frozen=True)
class Candidate:
    """One row that a search brought: cosine −1…1 of task and strategy, BM25 ≥ 0, and the strategy's columns."""

    cosine: float
    bm25: float
    row: Mapping[str, Any]


def strategy_texts(strategy: Strategy) -> list[str]:
    """What stands for a strategy in retrieval: its whole text, when it applies, and the task it came from.

    The first is also what consolidation compares. The mean of the three cosines beats each of them alone (docs: ranking).
    """
    applies = f"{strategy.title}\n{strategy.description}"
    texts = [f"{applies}\n{strategy.content}", applies]
    return [*texts, strategy.source_task] if strategy.source_task.strip() else texts


def mean_vector(vectors: "Vectors") -> "Vector":
    """Shape (texts, d) to (d,). Its dot product with a unit query is the mean of the cosines; so it stays unnormalised."""
    return vectors.mean(axis=0)


def relevance(cosine: float, bm25: float) -> float:
    """0–1: the cosine and a little saturated BM25 for exact tokens such as error codes and identifiers."""
    return min(1.0, max(0.0, cosine + LEXICAL_WEIGHT * bm25 / (bm25 + LEXICAL_HALF)))


def utility(helped: int, hurt: int) -> float:
    """0–1: smoothed share of the uses that went well; 0.5 for a strategy nobody has used."""
    return (helped + 1) / (helped + hurt + 2)


def rank(candidates: Iterable[Candidate], limit: int) -> list[Hit]:
    """The best, best first, at most `limit`, none below the floor.

    Utility moves the order, never the floor: a strategy is not relevant because it was useful elsewhere. A lesson from a
    failure ranks like any other.
    """
    hits = [Hit(relevance=round(relevance(c.cosine, c.bm25), 3), **c.row) for c in candidates]
    return sorted((hit for hit in hits if hit.relevance >= FLOOR), key=_order)[:limit]


def lexical_query(task: str) -> str:
    """The distinct words of a task, at most 64: full-text search needs no more and gets slow with thousands."""
    words = list(dict.fromkeys(re.findall(r"[\w.\-]+", task.lower())))
    return " ".join(words[:LEXICAL_TERMS])


def _order(hit: Hit) -> tuple[float, str]:
    return -(hit.relevance + UTILITY_WEIGHT * (utility(hit.helped, hit.hurt) - 0.5)), hit.id
