"""Says of each strategy that a recall looked at where it stands in its order and why; and of others where they would stand.

It takes the same way as a recall: what `search.gather` finds, compared and put in order by the same functions.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import anyio.to_thread
import numpy as np

from strategy_bank.store.embedding.embedder import Embedder, Reading
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.table import Table
from strategy_bank.store.records import FOR_A_PERSON, Menu, OwnAndGiven
from strategy_bank.store.retrieval import ranking, search
from strategy_bank.store.retrieval.ranking import Candidate, Order

Place = Literal["full", "listed", "missed", "aside"]
"""Read in full, listed by title, neither; or not looked at: retired, waiting, of another scope, or too far away."""
Cause = Literal[
    "best", "beside", "opposite",  # in full: the best one; one as sure; one that advises against one of these
    "limit", "unsure", "repeats", "crowd",  # by title: no room in full; not sure; says what a better one says; one session's
    "nothing_fits", "unlikely", "beyond",  # not at all: the best is too unlikely; it is; enough stand before it
    "",
]  # fmt: skip
ASIDE = 5  # strategies that are kept from recalls and of which it is said where they would stand
_KEPT = ["retired", *FOR_A_PERSON]
_FIRST = 1e9  # makes a strategy certain to be compared


@dataclass(frozen=True)
class Parts:
    """The parts of a score. Coverages are None where the model gives no word pieces, 0 where they were not compared."""

    of_task: float | None  # how much of the task the strategy covers, as in coverage.Coverage
    of_strategy: float | None
    compared: bool
    cosine: float
    bm25: float
    experience: float  # of its record
    standing: float  # the fit, which is both coverages or made of the cosine and BM25, and the experience
    margin: float  # how far it stands above the best other one
    relevance: float  # 0–1, made of the two


@dataclass(frozen=True)
class Considered:
    """A strategy, where a recall puts it, and why."""

    row: Mapping[str, Any]
    parts: Parts
    place: Place
    cause: Cause
    floor: float  # chance from which it would be read in full
    chance: float  # its own that counts for that: less than the relevance beside one session's lessons that fit better
    repeats: str = ""  # the id of a better one that it repeats, behind which it stands
    crowd: bool = (
        False  # it stands behind what other sessions taught, since its own has taught enough of the candidates
    )
    opposes: str = ""  # the id of one in full that it contradicts


class Explained(NamedTuple):
    """What a recall finds, and all that it looked at in their order; `aside` are those that it did not look at."""

    menu: Menu
    considered: list[Considered]
    aside: list[Considered]
    can_read: bool
    least: float  # the cosine from which a strategy was near enough to be found; -1 where all were


async def explain(
    table: Table, embedder: Embedder, task: str, scopes: Sequence[str] | OwnAndGiven, limit: int, about: Collection[str]
) -> Explained:
    """Return what `search.search` finds for the task, and why.

    Aside are the strategies `about`, whatever their status and scope, and those of the scopes that are kept from recalls and
    would be listed by their own standing. What others have is not changed by them.
    """
    gathered = await search.gather(table, embedder, task, scopes)
    found = {row["id"] for row, _, _ in gathered.found}
    named = [id for id in about if id not in found]
    kept = await search.nearest(table, embedder, gathered.query, {"status": _KEPT, "scope": scopes})
    ids = dict.fromkeys([*named, *(row["id"] for row, _ in kept if gathered.can_read)])
    aside = await _found(table, embedder, task, gathered.query, list(ids)) if ids else []
    return await anyio.to_thread.run_sync(_explained, embedder, gathered, aside, limit, set(named))


async def _found(table: Table, embedder: Embedder, task: str, query: Reading, ids: Sequence[str]) -> list[search.Found]:
    """Return strategies as a search would find them, whatever their status."""
    column = schema.retrieval_column(embedder.stamp)
    read = dict.fromkeys([*search.columns(embedder, vectors=True), column])
    rows = await table.select(list(read), {"id": list(ids)})
    worded = {row["id"]: bm25 for row, bm25 in await search.matching(table, embedder, task, {"id": list(ids)})}
    return [
        (row, float(query.vector @ np.asarray(row[column], np.float32)), worded.get(row["id"], 0.0)) for row in rows
    ]


def _explained(
    embedder: Embedder, gathered: search.Gathered, aside: Sequence[search.Found], limit: int, named: Collection[str]
) -> Explained:
    looked_at = search.candidates(embedder, gathered)
    order = ranking.order(looked_at, gathered.loud)
    menu = ranking.menu(order, limit)
    others = [_aside(order, each) for each in _compared_aside(embedder, gathered, aside)]
    others.sort(key=lambda each: (each.row["id"] not in named, -each.parts.standing, each.row["id"]))
    likely = [each for each in others if each.row["id"] not in named and each.parts.relevance >= ranking.LISTED]
    shown = [*(each for each in others if each.row["id"] in named), *likely[:ASIDE]]
    return Explained(menu, considered(order, menu, limit), shown, gathered.can_read, gathered.least)


def _compared_aside(embedder: Embedder, gathered: search.Gathered, aside: Sequence[search.Found]) -> list[Candidate]:
    """Compare strategies that were not found beside those that were: apart, so that they do not say which words all have."""
    found = [*gathered.found, *aside]
    first = len(gathered.found)
    likely = [*(0.0 for _ in gathered.found), *(_FIRST for _ in aside)]
    apart = [*search.crowding(gathered), *range(first, len(found))]
    return search.compared(embedder, gathered.query, found, likely, apart)[first:]


def considered(order: Order, menu: Menu, limit: int) -> list[Considered]:
    """Return all candidates in their order, those in full first, with the reason for the place that the menu gives each."""
    places = {hit.id: place for place, hit in enumerate([*menu.full, *menu.others])}
    every = _Reasons(order, menu, limit).each()
    return sorted(every, key=lambda each: places.get(each.row["id"], len(places)))


class _Reasons:
    """Tells by an order of candidates why a menu made of it is what it is."""

    def __init__(self, order: Order, menu: Menu, limit: int) -> None:
        self._order, self._menu = order, menu
        self._full, self._listed = ({hit.id for hit in hits} for hits in menu)
        self._own = {each.row["id"] for _, each in ranking.in_full(order, limit)}
        self._again, self._more = ({each.row["id"] for _, each in part} for part in (order.again, order.more))
        self._floors = dict(zip((each.row["id"] for _, each in order.first), order.floors, strict=True))
        self._margins = ranking.margins_of(order)

    def each(self) -> list[Considered]:
        return [self._one(standing, candidate) for standing, candidate in self._order.every]

    def _one(self, standing: float, candidate: Candidate) -> Considered:
        id = candidate.row["id"]
        place: Place = "full" if id in self._full else "listed" if id in self._listed else "missed"
        chances, margins = (
            (self._order.sure, self._margins[0]) if place == "full" else (self._order.may, self._margins[1])
        )
        cause = self._cause(id, place)
        return Considered(
            candidate.row,
            _parts(candidate, standing, margins[id], chances[id]),
            place,
            cause,
            self._floor(id),
            self._order.sure[id],
            repeats=self._better(candidate) if id in self._again else "",
            crowd=id in self._more,
            opposes=self._opposed(id) if cause == "opposite" else "",
        )

    def _floor(self, id: str) -> float:
        return self._floors.get(id, ranking.BESIDE)

    def _cause(self, id: str, place: Place) -> Cause:
        if place == "full":
            return "opposite" if id not in self._own else "best" if self._floor(id) == ranking.SURE else "beside"
        if not self._order.fits:
            return "nothing_fits"
        if place == "missed":
            return "unlikely" if self._order.may[id] < ranking.LISTED else "beyond"
        if id in self._again:
            return "repeats"
        if id in self._more:
            return "crowd"
        return "limit" if self._order.sure[id] >= self._floor(id) else "unsure"

    def _better(self, candidate: Candidate) -> str:
        return next(other.row["id"] for _, other in self._order.first if ranking.repeats(candidate, other))

    def _opposed(self, id: str) -> str:
        return next(hit.id for hit in self._menu.full if id in hit.contradicts)


def _aside(order: Order, candidate: Candidate) -> Considered:
    """Return where a strategy would stand by itself beside what was found."""
    standing = ranking.standing(candidate)
    best = order.every[0][0] if order.every else ranking.TYPICAL
    margin = standing - best
    chance = round(ranking.relevance(standing, margin), 3)
    floor = ranking.SURE if margin > 0 else ranking.BESIDE
    return Considered(candidate.row, _parts(candidate, standing, margin, chance), "aside", "", floor, chance)


def _parts(candidate: Candidate, standing: float, margin: float, relevance: float) -> Parts:
    covers = candidate.coverage
    return Parts(
        of_task=covers.of_task if covers else None,
        of_strategy=covers.of_strategy if covers else None,
        compared=covers is not None and covers.text is not None,
        cosine=candidate.cosine,
        bm25=candidate.bm25,
        experience=ranking.experience(candidate),
        standing=standing,
        margin=margin,
        relevance=relevance,
    )
