"""Decides which texts are embedded, how several signals become one order, and when nothing fits.

Scores are fused, not ranks: equal-weight rank fusion lets a list of mere word overlaps outvote a good semantic one. All
functions are pure. bench/results/recall.md says how the constants were chosen.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from math import exp
from typing import TYPE_CHECKING, Any

from strategy_bank.store.records import SURE as SUREST
from strategy_bank.store.records import Hit, Menu, Strategy
from strategy_bank.store.retrieval.teachers import MOST, teacher

if TYPE_CHECKING:
    from strategy_bank.store.retrieval.coverage import Coverage

# candidates that the searches by vector and by words return: with fewer a best lesson is out of reach, more cost time
NEAREST, WORDED = 40, 8
# relevance from which the best strategy is shown in full, one beside it, and one as a line; a best one below `POSSIBLE` says
# that nothing fits, since an irrelevant hint costs more than none
SURE, BESIDE, LISTED, POSSIBLE = 0.4, 0.6, 0.01, 0.08
SHOWN = 8  # strategies in a menu, those in full included
# relevance is a logistic function of a strategy's standing and of its margin over the best other (bench.recall.fitting)
BY_STANDING, BY_MARGIN, OFFSET = 6.5, 5.7, -5.5
TYPICAL = 0.4  # standing of a strategy that has little to do with the task, for a bank that holds only one
# what makes a cosine as telling as the sum of both coverages
COSINE_SCALE, COSINE_OFFSET = 1.3, 0.26
# beside a cosine only: coverage accounts for shared words itself, whatever else the bank holds
LEXICAL_WEIGHT = 0.05
LEXICAL_HALF = 20.0  # the BM25 score that reaches half of the weight: saturated, so that it never dominates
UTILITY_WEIGHT = 0.3
REPEATS = 0.86  # cosine of two texts from which one repeats the other, and would take the place of a third
LEXICAL_TERMS = 64
SPELT_OUT = 3  # word pieces from which a word is unknown to the model, which spells it out: a name, an error code
HEAD, TAIL = 400, 200  # characters of a long task that count: pasted text stands in the middle and dilutes the subject


@dataclass(frozen=True)
class Candidate:
    """A row found by a search: cosine −1…1 of task and strategy, BM25 ≥ 0, coverage if the model gives it, columns."""

    cosine: float
    bm25: float
    coverage: "Coverage | None"
    row: Mapping[str, Any]


Chance = tuple[float, Candidate]
"""A standing or a relevance, and what has it."""


def strategy_texts(strategy: Strategy) -> list[str]:
    """Return the texts to embed: the whole wording, which consolidation compares too, and the source task if there is one."""
    return [strategy.wording, *([gist(strategy.source_task)] if strategy.source_task.strip() else [])]


def gist(task: str) -> str:
    """Return a task as it is, or the beginning and end of a long one."""
    return task if len(task) <= HEAD + TAIL else f"{task[:HEAD]}\n{task[-TAIL:]}"


def fit(candidate: Candidate) -> float:
    """Return how well strategy and task fit, about 0–1.4, whatever else the bank holds: the sum of both coverages."""
    covers = candidate.coverage
    return COSINE_OFFSET + COSINE_SCALE * _fused(candidate) if covers is None else covers.of_task + covers.of_strategy


def standing(candidate: Candidate) -> float:
    """Return the score that orders the candidates of one task: their fit, and a little experience."""
    row = candidate.row
    return fit(candidate) + UTILITY_WEIGHT * (promise(row["helped"], row["hurt"]) - promise(0, 0))


def relevances(standings: Sequence[float]) -> list[float]:
    """Return the chance that each strategy fits, 0 to `SUREST`, from their standings, the best first.

    Within a project all lessons share words with every task. So what counts beside a standing is how far it is from the best
    other one.
    """
    each = zip(standings, margins(standings), strict=True)
    return [min(SUREST, _logistic(BY_STANDING * standing + BY_MARGIN * margin + OFFSET)) for standing, margin in each]


def margins(standings: Sequence[float]) -> list[float]:
    """Return how far each is above the best other one, the best first."""
    best, second, *_ = [*standings, TYPICAL, TYPICAL]
    return [one - (second if place == 0 else best) for place, one in enumerate(standings)]


def _logistic(score: float) -> float:
    return 1 / (1 + exp(min(50.0, -score)))


def utility(helped: int, hurt: int) -> float:
    """Return how often using the strategy goes well, 0–1: the mean of Beta(1 + helped, 1 + hurt).

    It is 0.5 for an unused strategy, 0.67 for 1 of 1, 0.83 for 4 of 4, 0.92 for 10 of 10 and 0.99 for 100 of 100.
    """
    return (helped + 1) / (helped + hurt + 2)


def promise(helped: int, hurt: int) -> float:
    """Return `utility` and half a standard deviation of that distribution, so that an unused strategy gets its turn.

    It is 0.64 for an unused strategy, 0.90 for 4 of 4, 0.59 for 2 of 4 and 0.24 for 0 of 4.
    """
    mean = utility(helped, hurt)
    return mean + (mean * (1 - mean) / (helped + hurt + 3)) ** 0.5 / 2


def ordered(candidates: Iterable[Candidate]) -> list[Hit]:
    """Return all candidates, best first, then those that repeat a better one, and last what is too much of one session.

    A lesson from a failure ranks like any other.
    """
    every = [*chain.from_iterable(_parted(candidates))]
    chances = _chances(every)
    return [_hit(chances[each.row["id"]], each) for _, each in every]


def rank(candidates: Iterable[Candidate], limit: int, loud: str = "") -> Menu:
    """Return what is recalled: at most `limit` and one opposite in full, and others to choose from.

    The order of the candidates does not matter. Nothing is in either list where none may fit. No session makes others' lessons
    too unlikely to be listed, and the session `loud` takes none from those in full.
    """
    parts = _parted(candidates)
    every = [*chain.from_iterable(parts)]
    sure, may = (_chances(every, session) for session in (loud, teacher(every[0][1].row) if every else ""))
    first = [(sure[each.row["id"]], each) for _, each in parts[0]]
    if not any(chance >= POSSIBLE for chance, _ in first):
        return Menu([], [])
    few = [_hit(*each) for each in _in_full(first, limit, loud)]
    few.sort(key=lambda hit: bool(hit.caution))  # advice that may do harm never comes first
    full = [*few, *_opposite(few, [(sure[each.row["id"]], each) for _, each in every])]
    shown = {hit.id for hit in full}
    # what cannot be shown, nearly all in a large bank, is not made into a hit, which costs time
    others = ((may[id], each) for _, each in every if (id := each.row["id"]) not in shown and may[id] >= LISTED)
    return Menu(full, [_hit(*each) for each in islice(others, max(0, SHOWN - len(full)))])


def _in_full(first: Sequence[Chance], limit: int, loud: str) -> list[Chance]:
    """Return what surely fits, in its order; of the session `loud` only what others leave room for."""
    theirs = {each.row["id"] for _, each in first if loud and teacher(each.row) == loud}
    ids = [each.row["id"] for _, each in first]
    best = {*ids[:1], *[id for id in ids if id not in theirs][:1]}
    fitting = [id for id, (chance, _) in zip(ids, first, strict=True) if chance >= (SURE if id in best else BESIDE)]
    few = sorted(fitting, key=lambda id: id in theirs)[:limit]
    return [one for id, one in zip(ids, first, strict=True) if id in few]


def _parted(candidates: Iterable[Candidate]) -> tuple[list[Chance], list[Chance], list[Chance]]:
    """Return the candidates with their standings, best first; apart from them those that repeat a better one, and then what is
    too much of one session beside others.
    """
    first, again, more = list[Chance](), list[Chance](), list[Chance]()
    each = [(standing(candidate), candidate) for candidate in candidates]
    heard, bounded = Counter[str](), len({teacher(candidate.row) for _, candidate in each}) > 1
    for one in sorted(each, key=lambda one: (-one[0], one[1].row["id"])):
        who = teacher(one[1].row)
        heard[who] += 1
        if who and bounded and heard[who] > MOST:
            more.append(one)
        else:
            (again if any(_repeats(one[1], other) for _, other in first) else first).append(one)
    return first, again, more


def _chances(every: Sequence[Chance], session: str = "") -> dict[str, float]:
    """Return the relevances by id; of what is not of this session, as if nothing of it were there."""
    others = [one for one in every if teacher(one[1].row) != session] if session else []
    return {
        candidate.row["id"]: round(chance, 3)
        for some in (every, others)
        for chance, (_, candidate) in zip(relevances([standing for standing, _ in some]), some, strict=True)
    }


def _repeats(one: Candidate, other: Candidate) -> bool:
    """Tell whether one says nearly the same as a better other. If it contradicts that, it does not, however alike they are.

    What a single session vouches for repeats nothing of others for them: whoever copies a lesson would take its place.
    """
    if not (one.coverage and other.coverage) or one.coverage.text is None or other.coverage.text is None:
        return False
    if float(one.coverage.text @ other.coverage.text) < REPEATS:
        return False
    against = other.row["id"] in one.row["contradicts"] or one.row["id"] in other.row["contradicts"]
    return not against and teacher(other.row) in ("", teacher(one.row))


def _hit(relevance: float, candidate: Candidate) -> Hit:
    return Hit(relevance=relevance, **candidate.row)


def _opposite(few: list[Hit], every: Iterable[Chance]) -> list[Hit]:
    """Return the best other candidate that contradicts a shown one, whatever its relevance, so that a task gets both sides."""
    known = {id for hit in few for id in hit.contradicts} - {hit.id for hit in few}
    return [_hit(*each) for each in islice((each for each in every if each[1].row["id"] in known), 1)]


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
