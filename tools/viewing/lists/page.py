"""One page of a list with the counts of its facets, and the whole of it for a file."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic

from strategy_bank.store.records import Record, Strategy
from strategy_bank.tools.viewing.lists.asked import PAGE, Asked
from strategy_bank.tools.viewing.lists.kinds import LESSONS, Choice, R
from strategy_bank.tools.viewing.lists.spans import AGE, AGES, CROSSED, RECORD, SHOW, by_age, more

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

NEAR, READ_AT_ONCE = 10, 4_000
ALL = 2**31  # more than any list has


@dataclass(frozen=True)
class Facet:
    name: str
    title: str
    chosen: str  # a value, or empty
    chosen_label: str
    choices: list[Choice]


@dataclass(frozen=True)
class Near:
    lesson: Strategy
    cosine: float


@dataclass(frozen=True)
class Page(Generic[R]):
    asked: Asked
    total: int
    records: list[R]
    facets: list[Facet]
    near: list[Near]  # lessons that are near in meaning to what was asked for, whether they have its words or not

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))

    @property
    def first(self) -> int:
        return (self.asked.page - 1) * PAGE + 1


async def page_of(bank: "Bank", asked: Asked) -> Page[Any]:
    """Return one page of a list with the counts of its facets."""
    kind = asked.kind
    facets = await _facets(bank, asked)
    listed = await bank.listed(kind.record, asked.listing(), kind.cells)
    near: list[Near] = []
    if kind is LESSONS and asked.q and asked.page == 1 and await bank.can_read(asked.q):
        there = {each.id for each in listed.records}
        found = await bank.near(asked.q, asked.facets(), NEAR)
        near = [Near(lesson, cosine) for lesson, cosine in found if lesson.id not in there]
    return Page(asked, listed.total, listed.records, facets, near)


async def everything(bank: "Bank", asked: Asked, columns: tuple[str, ...] | None = None) -> AsyncGenerator[Record]:
    """Yield all records of a list in its order, some at a time: those that it had at the start and that are still there."""
    _, ids = await bank.listed_ids(asked.kind.record, replace(asked, page=1).listing(ALL))
    for start in range(0, len(ids), READ_AT_ONCE):
        for record in await bank.those(asked.kind.record, ids[start : start + READ_AT_ONCE], columns):
            yield record


async def _facets(bank: "Bank", asked: Asked) -> list[Facet]:
    kind, where = asked.kind, asked.where()
    columns = [*kind.facets, "created_at"]
    extra = {"lessons": ["helped", "hurt"], "recalls": ["strategy_ids", "listed_ids"]}.get(kind.name, [])
    order = asked.order.removeprefix("-")
    tallies = await bank.tallies(kind.record, columns, where, [*extra, order])
    found = [
        _facet(asked, name, facet.title, facet.choices(tallies[name]), facet.label)
        for name, facet in kind.facets.items()
    ]
    for name, labels in more(kind).items():
        crossed = await bank.cross_tally(kind.record, extra, where)
        numbers = CROSSED[name](crossed)
        choices = [Choice(value, label, numbers[value]) for value, label in labels.items()]
        found.append(_facet(asked, name, {RECORD: "Record", SHOW: "Handed out"}[name], choices, labels.__getitem__))
    ages = by_age(tallies["created_at"])
    choices = [Choice(value, label, ages[value]) for value, label in AGES.items()]
    return [*found, _facet(asked, AGE, "Made", choices, AGES.__getitem__)]


def _facet(asked: Asked, name: str, title: str, choices: list[Choice], label: Callable[[str], str]) -> Facet:
    chosen = asked.chosen.get(name, "")
    return Facet(name, title, chosen, label(chosen) if chosen else "", [each for each in choices if each.number])
