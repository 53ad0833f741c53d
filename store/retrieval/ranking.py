"""Which strategies fit a task: what is embedded, how the signals become one order, and when nothing fits.

    nearest by vector ─┐
    best by words     ─┴▶ candidates ─▶ coverage of task and strategy (late.py) ─▶ order ─▶ floor ─▶ hits

Scores are fused, not ranks: equal-weight rank fusion lets a lexical list of mere word overlaps outvote a good semantic one.
Pure functions; the numbers they need come from the bank. bench/results/recall.md says how the constants were chosen.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from math import exp
from typing import TYPE_CHECKING, Any

from strategy_bank.store.records import Hit, Strategy

if TYPE_CHECKING:
    from strategy_bank.store.embedding.embedder import Vector, Vectors
    from strategy_bank.store.retrieval.coverage import Coverage

NEAREST, WORDED = 16, 8
"""Candidates that the searches by vector and by words return; more changed no figure (bench/results/recall.md)."""
FLOOR = 0.5
"""Nothing is shown unless some strategy is so relevant: an irrelevant hint costs more than none. Small banks: `floor`."""
LARGE = 160
"""Strategies from which the floor is no longer lowered."""
BESIDE = 0.38
"""From this relevance a strategy is shown beside one that reaches the floor."""
LEXICAL_WEIGHT = 0.05
LEXICAL_HALF = 20.0
"""The BM25 score at which half of the lexical weight is reached: saturated, so that it never dominates. Only beside a cosine; a
coverage counts the words that both have itself, and does so whatever else the bank holds."""
TASK_SHARE = 0.1
"""What the coverage of the task counts towards relevance, where that of the strategy counts 1: a task of another subject is
easily covered by some strategy, a strategy by such a task hardly."""
UTILITY_WEIGHT = 0.1
LEXICAL_TERMS = 64
SPELT_OUT = 3
"""Word pieces from which a word is one that the model does not know but spells out: a name, the code of an error."""
HEAD, TAIL = 400, 200
"""Characters of a long task that count: what is pasted stands in the middle, and waters down what the task is about."""


@dataclass(frozen=True)
class Scale:
    """The logistic curve that makes a relevance of a score: 0.5 at `middle`, 0.73 one `width` above it."""

    middle: float
    width: float

    def __call__(self, score: float) -> float:
        return 1 / (1 + exp(min(50.0, (self.middle - score) / self.width)))


BY_COVERAGE = Scale(0.278, 0.06)
BY_COSINE = Scale(0.255, 0.12)


@dataclass(frozen=True)
class Candidate:
    """One row that a search brought: cosine −1…1 of task and strategy, BM25 ≥ 0, coverage where the model gives it, columns."""

    cosine: float
    bm25: float
    coverage: "Coverage | None"
    row: Mapping[str, Any]


def strategy_texts(strategy: Strategy) -> list[str]:
    """What stands for a strategy in retrieval: its whole text, which consolidation compares too, and the task it came from."""
    return [strategy.wording, *([gist(strategy.source_task)] if strategy.source_task.strip() else [])]


def gist(task: str) -> str:
    """Of a long task its beginning and its end."""
    return task if len(task) <= HEAD + TAIL else f"{task[:HEAD]}\n{task[-TAIL:]}"


def mean_vector(vectors: "Vectors") -> "Vector":
    """Shape (texts, d) to (d,). Its dot product with a unit query is the mean of the cosines; so it stays unnormalised."""
    return vectors.mean(axis=0)


def relevance(candidate: Candidate) -> float:
    """0–1: how surely the strategy fits; it grows with every signal, and does not depend on what else is in the bank."""
    covers = candidate.coverage
    if covers is None:
        return BY_COSINE(_fused(candidate))
    return BY_COVERAGE((covers.of_strategy + TASK_SHARE * covers.of_task) / (1 + TASK_SHARE))


def fit(candidate: Candidate) -> float:
    """What puts candidates of one task in order: there both coverages count alike."""
    covers = candidate.coverage
    return _fused(candidate) if covers is None else (covers.of_task + covers.of_strategy) / 2


def utility(helped: int, hurt: int) -> float:
    """0–1: how often its use goes well, the mean of a Beta(1 + helped, 1 + hurt): 0.5 for a strategy nobody has used.

    Few uses say little (1 of 1 is 0.67, 4 of 4 0.83), and many say hardly more than some (10 of 10 0.92, 100 of 100 0.99).
    """
    return (helped + 1) / (helped + hurt + 2)


def ordered(candidates: Iterable[Candidate]) -> list[Hit]:
    """All of them, the best first. Utility moves the order, never the relevance: a strategy does not fit because it was useful
    elsewhere. A lesson from a failure ranks like any other."""
    return [Hit(relevance=round(relevance(c), 3), **c.row) for c in sorted(candidates, key=_order)]


def shown(hits: list[Hit], limit: int, known: int) -> list[Hit]:
    """The first of them that are worth showing, at most `limit` and one opposite; none where none reaches the
    floor."""
    needed = floor(known)
    if not any(hit.relevance >= needed for hit in hits):
        return []
    few = [hit for hit in hits if hit.relevance >= min(BESIDE, needed)][:limit]
    return [*few, *_opposite(few, hits)]


def _opposite(few: list[Hit], hits: list[Hit]) -> list[Hit]:
    """The best candidate that advises the opposite of one that is shown, if it is not shown anyway: at most one, whatever its
    relevance, so that a task gets both sides and the limit is passed by one at most."""
    known = {id for hit in few for id in hit.contradicts} - {hit.id for hit in few}
    return [hit for hit in hits if hit.id in known][:1]


def floor(known: int) -> float:
    """0–FLOOR: the fewer strategies there are to be recalled, the less likely the best of them seems to fit by chance.

    FLOOR from LARGE on, 0.36 for 32, 0.14 for a single one.
    """
    return FLOOR * 2 / (1 + (LARGE / min(max(known, 1), LARGE)) ** 0.35)


def rank(candidates: Iterable[Candidate], limit: int, known: int) -> list[Hit]:
    """What is recalled, out of so many; the order in which the candidates come does not matter."""
    return shown(ordered(candidates), limit, known)


def lexical_query(task: str, count_pieces: Callable[[str], int] | None = None) -> str:
    """The distinct words of a task, at most 64: full-text search needs no more and gets slow with thousands.

    Where the model tells in how many pieces it has a word, only those that it spells out: the others are what the vector is
    about, and a search for them takes its time for nothing (bench/results/recall.md). More than half of the tasks have none.
    """
    words = dict.fromkeys(re.findall(r"\w+", task.lower()))
    telling = (word for word in words if count_pieces is None or count_pieces(word) >= SPELT_OUT)
    return " ".join(islice(telling, LEXICAL_TERMS))


def _fused(candidate: Candidate) -> float:
    return candidate.cosine + LEXICAL_WEIGHT * candidate.bm25 / (candidate.bm25 + LEXICAL_HALF)


def _order(candidate: Candidate) -> tuple[float, str]:
    row = candidate.row
    return -(fit(candidate) + UTILITY_WEIGHT * (utility(row["helped"], row["hurt"]) - 0.5)), row["id"]
