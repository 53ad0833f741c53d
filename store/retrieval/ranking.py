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
from typing import TYPE_CHECKING, Any, NamedTuple

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


class Order(NamedTuple):
    """All candidates of a task with their standings, in three parts, each with the best first, and the chances by their ids."""

    first: list[Chance]
    again: list[Chance]  # that repeat a better one
    more: list[Chance]  # too much of one session, beside others
    sure: Mapping[str, float]  # of fitting, as it counts for what is read in full
    may: Mapping[str, float]  # the same for what is listed: no session makes others' lessons too unlikely
    loud: str  # a session that crowds out; empty without one

    @property
    def every(self) -> list[Chance]:
        return [*self.first, *self.again, *self.more]

    @property
    def surest(self) -> list[Chance]:
        """What may come in full, with its chance, in its order."""
        return [(self.sure[each.row["id"]], each) for _, each in self.first]

    @property
    def fits(self) -> bool:
        """Whether anything may fit."""
        return any(chance >= POSSIBLE for chance, _ in self.surest)

    @property
    def floors(self) -> list[float]:
        """The chance from which each of `surest` is read in full: less for the best one, and for the best beside a loud one."""
        ids = [each.row["id"] for _, each in self.first]
        others = [each.row["id"] for _, each in self.first if not self.loud or teacher(each.row) != self.loud]
        best = {*ids[:1], *others[:1]}
        return [SURE if id in best else BESIDE for id in ids]


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
    return fit(candidate) + experience(candidate)


def experience(candidate: Candidate) -> float:
    """Return what a strategy's record adds to its standing: 0 if it was never used, less than 0 if it mostly hurt."""
    row = candidate.row
    return UTILITY_WEIGHT * (promise(row["helped"], row["hurt"]) - promise(0, 0))


def relevances(standings: Sequence[float]) -> list[float]:
    """Return the chance that each strategy fits, 0 to `SUREST`, from their standings, the best first.

    Within a project all lessons share words with every task. So what counts beside a standing is how far it is from the best
    other one.
    """
    return [relevance(*each) for each in zip(standings, margins(standings), strict=True)]


def relevance(standing: float, margin: float) -> float:
    return min(SUREST, _logistic(BY_STANDING * standing + BY_MARGIN * margin + OFFSET))


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
    return menu(order(candidates, loud), limit)


def order(candidates: Iterable[Candidate], loud: str = "") -> Order:
    """Return the candidates in their order, whatever the order in which they come."""
    parts = _parted(candidates)
    every = [*chain.from_iterable(parts)]
    sure, may = (_chances(every, session) for session in (loud, _first_teacher(every)))
    return Order(*parts, sure, may, loud)


def menu(order: Order, limit: int) -> Menu:
    """Return what is recalled of the candidates."""
    if not order.fits:
        return Menu([], [])
    few = [_hit(*each) for each in in_full(order, limit)]
    few.sort(key=lambda hit: bool(hit.caution))  # advice that may do harm never comes first
    every, may = order.every, order.may
    full = [*few, *_opposite(few, [(order.sure[each.row["id"]], each) for _, each in every])]
    shown = {hit.id for hit in full}
    # what cannot be shown, nearly all in a large bank, is not made into a hit, which costs time
    others = ((may[id], each) for _, each in every if (id := each.row["id"]) not in shown and may[id] >= LISTED)
    return Menu(full, [_hit(*each) for each in islice(others, max(0, SHOWN - len(full)))])


def in_full(order: Order, limit: int) -> list[Chance]:
    """Return what surely fits, in its order; of a loud session only what others leave room for."""
    fitting = [one for one, floor in zip(order.surest, order.floors, strict=True) if one[0] >= floor]
    few = sorted(fitting, key=lambda one: bool(order.loud) and teacher(one[1].row) == order.loud)[:limit]
    ids = {each.row["id"] for _, each in few}
    return [one for one in fitting if one[1].row["id"] in ids]


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
            (again if any(repeats(one[1], other) for _, other in first) else first).append(one)
    return first, again, more


def margins_of(order: Order) -> tuple[dict[str, float], dict[str, float]]:
    """Return the margins behind the chances `sure` and `may`, by id."""
    every = order.every
    sure, may = (_by_id(margins, every, session) for session in (order.loud, _first_teacher(every)))
    return sure, may


def _chances(every: Sequence[Chance], session: str = "") -> dict[str, float]:
    """Return the relevances by id; of what is not of this session, as if nothing of it were there."""
    return {id: round(chance, 3) for id, chance in _by_id(relevances, every, session).items()}


def _by_id(of: Callable[[Sequence[float]], list[float]], every: Sequence[Chance], session: str) -> dict[str, float]:
    """Return what a function says of the standings, by id; of what is not of this session, as if nothing of it were there."""
    others = [one for one in every if teacher(one[1].row) != session] if session else []
    return {
        candidate.row["id"]: number
        for some in (every, others)
        for number, (_, candidate) in zip(of([standing for standing, _ in some]), some, strict=True)
    }


def _first_teacher(every: Sequence[Chance]) -> str:
    return teacher(every[0][1].row) if every else ""


def repeats(one: Candidate, other: Candidate) -> bool:
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
