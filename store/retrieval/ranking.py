"""Decides which texts are embedded, how several signals become one order, and when nothing fits.

Scores are fused, not ranks: equal-weight rank fusion lets a list of mere word overlaps outvote a good semantic one. All
functions are pure. bench/results/recall.md says how the constants were chosen.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from math import exp
from typing import TYPE_CHECKING, Any

from strategy_bank.store.records import Hit, Menu, Strategy

if TYPE_CHECKING:
    from strategy_bank.store.retrieval.coverage import Coverage

# candidates that the searches by vector and by words return; more changed no figure (bench/results/recall.md)
NEAREST, WORDED = 16, 8
FLOOR = 0.5  # relevance that some strategy must reach, since an irrelevant hint costs more than none; see `floor`
LARGE = 160  # number of strategies from which the floor is no longer lowered
BESIDE = 0.38  # relevance from which a strategy is shown beside one that reaches the floor
LISTED, OTHERS = 0.2, 5  # relevance from which a strategy is offered as a line, and the greatest number of such lines
# beside a cosine only: coverage accounts for shared words itself, whatever else the bank holds
LEXICAL_WEIGHT = 0.05
LEXICAL_HALF = 20.0  # the BM25 score that reaches half of the weight: saturated, so that it never dominates
# the weight of the task's coverage, where the strategy's has 1: some strategy easily covers a task of another subject, but such
# a task hardly covers a strategy
TASK_SHARE = 0.1
UTILITY_WEIGHT = 0.1
LEXICAL_TERMS = 64
SPELT_OUT = 3  # word pieces from which a word is unknown to the model, which spells it out: a name, an error code
HEAD, TAIL = 400, 200  # characters of a long task that count: pasted text stands in the middle and dilutes the subject


# middle and width of the curves that turn scores into relevances
BY_COVERAGE, BY_COSINE = (0.278, 0.06), (0.255, 0.12)


@dataclass(frozen=True)
class Candidate:
    """A row found by a search: cosine −1…1 of task and strategy, BM25 ≥ 0, coverage if the model gives it, columns."""

    cosine: float
    bm25: float
    coverage: "Coverage | None"
    row: Mapping[str, Any]


def strategy_texts(strategy: Strategy) -> list[str]:
    """Return the texts to embed: the whole wording, which consolidation compares too, and the source task if there is one."""
    return [strategy.wording, *([gist(strategy.source_task)] if strategy.source_task.strip() else [])]


def gist(task: str) -> str:
    """Return a task as it is, or the beginning and end of a long one."""
    return task if len(task) <= HEAD + TAIL else f"{task[:HEAD]}\n{task[-TAIL:]}"


def relevance(candidate: Candidate) -> float:
    """Return how surely the strategy fits, 0–1. It grows with every signal and does not depend on the rest of the bank."""
    covers = candidate.coverage
    if covers is None:
        return _logistic(_fused(candidate), *BY_COSINE)
    return _logistic((covers.of_strategy + TASK_SHARE * covers.of_task) / (1 + TASK_SHARE), *BY_COVERAGE)


def _logistic(score: float, middle: float, width: float) -> float:
    """Return 0.5 for a score at `middle`, 0.73 one `width` above it."""
    return 1 / (1 + exp(min(50.0, (middle - score) / width)))


def fit(candidate: Candidate) -> float:
    """Return the score that orders the candidates of one task: here both coverages have the same weight."""
    covers = candidate.coverage
    return _fused(candidate) if covers is None else (covers.of_task + covers.of_strategy) / 2


def utility(helped: int, hurt: int) -> float:
    """Return how often using the strategy goes well, 0–1: the mean of Beta(1 + helped, 1 + hurt).

    It is 0.5 for an unused strategy, 0.67 for 1 of 1, 0.83 for 4 of 4, 0.92 for 10 of 10 and 0.99 for 100 of 100.
    """
    return (helped + 1) / (helped + hurt + 2)


def ordered(candidates: Iterable[Candidate]) -> list[Hit]:
    """Return all candidates, best first. A lesson from a failure ranks like any other."""
    # utility moves the order, never the relevance: a strategy does not fit because it was useful elsewhere
    return [Hit(relevance=round(relevance(c), 3), **c.row) for c in sorted(candidates, key=_order)]


def rank(candidates: Iterable[Candidate], limit: int, known: int) -> Menu:
    """Return what is recalled among `known` strategies: at most `limit` and one opposite in full, and others to choose from.

    The order of the candidates does not matter. Nothing is in either list where none reaches the floor.
    """
    hits, needed = ordered(candidates), floor(known)
    if not any(hit.relevance >= needed for hit in hits):
        return Menu([], [])
    few = [hit for hit in hits if hit.relevance >= min(BESIDE, needed)][:limit]
    full = [*few, *_opposite(few, hits)]
    others = [hit for hit in hits if hit.relevance >= min(LISTED, needed) and hit not in full]
    return Menu(full, others[:OTHERS])


def _opposite(few: list[Hit], hits: list[Hit]) -> list[Hit]:
    """Return the best other candidate that contradicts a shown one, whatever its relevance, so that a task gets both sides."""
    known = {id for hit in few for id in hit.contradicts} - {hit.id for hit in few}
    return [hit for hit in hits if hit.id in known][:1]


def floor(known: int) -> float:
    """Return the relevance that the best of `known` strategies must reach: 0.14 for 1, 0.36 for 32, FLOOR from LARGE on.

    The fewer there are, the less likely it is that the best of them seems to fit by chance.
    """
    return FLOOR * 2 / (1 + (LARGE / min(max(known, 1), LARGE)) ** 0.35)


def lexical_query(task: str, count_pieces: Callable[[str], int] | None = None) -> str:
    """Return the distinct words of a task to search for, at most 64, since full-text search gets slow with thousands.

    With `count_pieces` these are only the words that the model spells out. The vector covers the others, and searching for them
    takes time and finds nothing more (bench/results/recall.md). More than half of the tasks have none.
    """
    words = dict.fromkeys(re.findall(r"\w+", task.lower()))
    telling = (word for word in words if count_pieces is None or count_pieces(word) >= SPELT_OUT)
    return " ".join(islice(telling, LEXICAL_TERMS))


def _fused(candidate: Candidate) -> float:
    return candidate.cosine + LEXICAL_WEIGHT * candidate.bm25 / (candidate.bm25 + LEXICAL_HALF)


def _order(candidate: Candidate) -> tuple[float, str]:
    row = candidate.row
    return -(fit(candidate) + UTILITY_WEIGHT * (utility(row["helped"], row["hurt"]) - 0.5)), row["id"]
