"""Lists of lessons, episodes, runs and recalls: what somebody asks for in words and by facets, and one page of it.

A list is known by the parameters of its address, which stay the same: `q` for words, a facet by its name, `order`, `page`.
"""

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Episode, Recall, Record, Run, Strategy, now

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.lance.filters import Equal
    from strategy_bank.store.lance.listing import Listing

PAGE, NEAR, READ_AT_ONCE = 50, 10, 4_000
ALL = 2**31  # more than any list has
WORDS, WORD_CHARS = 8, 200  # of one search
_AGES = {"1": "today", "7": "in 7 days", "30": "in 30 days", "90": "in 90 days", "365": "in a year", "older": "older"}
_SHOWN = {"full": "shown in full", "listed": "only as lines", "nothing": "nothing fitted"}
_RECORDS = {"helped": "has helped", "hurt": "has hurt", "unused": "never used"}
_NONE = "none"  # stands in addresses for no value

R = TypeVar("R", bound=Record)
Where = dict[str, Any]
"""A filter of store/lance/filters.py, which brings LanceDB along."""


@dataclass(frozen=True)
class Choice:
    """One value of a facet, as the address has it and in words, and how many records have it."""

    value: str
    label: str
    number: int


@dataclass(frozen=True)
class Facet:
    name: str
    title: str
    chosen: str  # a value, or empty
    chosen_label: str
    choices: list[Choice]


@dataclass(frozen=True)
class Plain:
    """A facet whose values are those of one column."""

    title: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])

    def where(self, column: str, value: str) -> Where:
        return {column: None if value == _NONE else value}

    def label(self, value: str) -> str:
        value = "" if value == _NONE else value
        return self.labels.get(value, value or "none")

    def choices(self, counted: Mapping[Any, int]) -> list[Choice]:
        found = [Choice(value or _NONE, self.label(value), number) for value, number in counted.items()]
        return sorted(found, key=lambda each: (-each.number, each.label))


@dataclass(frozen=True)
class Kind(Generic[R]):
    """A list: where its words are looked for, its facets, and the columns by which it may be ordered."""

    name: str
    record: type[R]
    searched: tuple[str, ...]
    facets: Mapping[str, Plain]
    orders: Mapping[str, str]
    cells: tuple[str, ...]  # columns of the CSV
    long: str = ""  # a column that is searched only if that is asked for


_SCOPE = Plain("Scope")
_NEWEST = {"-created_at": "newest first", "created_at": "oldest first"}
_AGE, _RECORD, _SHOW = "age", "record", "shown"
LESSONS = Kind(
    "lessons",
    Strategy,
    ("title", "description", "content", "source_task", "status_reason", "id"),
    {
        "scope": _SCOPE,
        "status": Plain("State", {"quarantined": "kept out: reads as an order", "waiting": "waits for you"}),
        "outcome": Plain("Learned from", {"success": "a success", "failure": "a failure", "contrast": "a comparison"}),
        "holds": Plain("Holds", {"here": "in its project only"}),
    },
    _NEWEST
    | {"-updated_at": "changed last", "-helped": "helped most", "-hurt": "hurt most", "-support": "taught most"}
    | {"title": "title"},
    ("id", "title", "description", "content", "scope", "outcome", "holds", "status", "status_reason", "caution", "support",
     "helped", "hurt", "created_at", "updated_at"),
)  # fmt: skip
_VERDICT = {"": "not judged"}
EPISODES = Kind(
    "episodes",
    Episode,
    ("task", "reason", "judgement", "client", "run_id", "id"),
    {
        "scope": _SCOPE,
        "verdict": Plain("Verdict", _VERDICT),
        "outcome": Plain("Outcome in the world", {"": "not known"}),
        "status": Plain("State", {"pending": "waits for a judgement", "learned": "learned from", "recorded": "recorded only"}),
        "client": Plain("Client", {"": "not known"}),
        "judge": Plain("Judge", {"": "nobody yet"}),
    },
    _NEWEST | {"-steps": "most steps", "-updated_at": "changed last"},
    ("id", "task", "scope", "verdict", "outcome", "self_verdict", "status", "reason", "judge", "client", "steps", "run_id",
     "recall_id", "created_at"),
    "trajectory",
)  # fmt: skip
RUNS = Kind(
    "runs",
    Run,
    ("task", "comparison", "reason", "id"),
    {
        "scope": _SCOPE,
        "status": Plain("State", {"comparison_needed": "waits for a comparison"}),
        "mode": Plain("Attempts", {"parallel": "side by side", "sequential": "one after the other"}),
    },
    _NEWEST | {"-attempts": "most attempts", "-updated_at": "changed last"},
    ("id", "task", "scope", "mode", "attempts", "status", "best_attempt", "reason", "created_at"),
)
RECALLS = Kind(
    "recalls",
    Recall,
    ("task", "id"),
    {"scope": _SCOPE},
    _NEWEST | {"-tokens": "most words"},
    ("id", "task", "scope", "strategy_ids", "listed_ids", "opened_ids", "held_out_ids", "tokens", "created_at"),
)
KINDS: Mapping[str, Kind[Any]] = {each.name: each for each in (LESSONS, EPISODES, RUNS, RECALLS)}


@dataclass(frozen=True)
class Asked:
    """What an address asks of a list."""

    kind: Kind[Any]
    q: str = ""
    thorough: bool = False  # the long column is searched too
    chosen: Mapping[str, str] = field(default_factory=dict[str, str])  # of facets, by name
    order: str = "-created_at"
    page: int = 1

    @classmethod
    def of(cls, kind: Kind[Any], given: Mapping[str, str]) -> "Asked":
        """Read the parameters of an address; those that nobody knows are left out. Raises InvalidInput."""
        names = [*kind.facets, _AGE, *_more(kind)]
        chosen = {name: value for name in names if (value := given.get(name, ""))}
        for name, known in ((_AGE, _AGES), *_more(kind).items()):
            if chosen.get(name, next(iter(known))) not in known:
                raise InvalidInput(f"{name} is one of {', '.join(known)}.")
        order = given.get("order") or "-created_at"
        if order not in kind.orders:
            raise InvalidInput(f"order is one of {', '.join(kind.orders)}.")
        page = given.get("page") or "1"
        if not page.isascii() or not page.isdigit() or not 0 < int(page) < 10_000_000:
            raise InvalidInput("page is a number from 1 on.")
        q = given.get("q", "").strip()
        return cls(kind, q, bool(kind.long and given.get("thorough")), chosen, order, int(page))

    @cached_property
    def words(self) -> list[str]:
        """The words that each stand somewhere in what is shown; what is in quotation marks is one."""
        return [(quoted or plain)[:WORD_CHARS] for quoted, plain in re.findall(r'"([^"]+)"|(\S+)', self.q)][:WORDS]

    def parameters(self, **changes: object) -> dict[str, str]:
        """Return the parameters of this list with changes; an empty value takes one away. The first page has no number."""
        own: dict[str, object] = {"q": self.q, "thorough": "yes" if self.thorough else "", **self.chosen}
        own |= {"order": "" if self.order == "-created_at" else self.order}
        own |= {"page": "" if self.page == 1 else self.page} if "page" in changes else {}
        return {name: str(value) for name, value in (own | changes).items() if value not in ("", 1)}

    def where(self) -> "Equal":
        """Return the filter of the whole list."""
        return self.facets() | self._holding()

    def _holding(self) -> Where:
        if not self.words:
            return {}
        from strategy_bank.store.lance.filters import Holding

        first, *others = [*self.kind.searched, *([self.kind.long] if self.thorough else [])]
        return {first: Holding(self.words, others)}

    def facets(self) -> Where:
        """Return the filter without the words."""
        filtered: Where = {}
        for name, value in self.chosen.items():
            if name in self.kind.facets:
                filtered |= self.kind.facets[name].where(name, value)
            else:
                filtered |= _WHERE[name](value)
        return filtered

    def listing(self, limit: int = PAGE) -> "Listing":
        from strategy_bank.store.lance.listing import Listing

        return Listing(self.where(), self.order, (self.page - 1) * limit, limit)


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
    for name, labels in _more(kind).items():
        crossed = await bank.cross_tally(kind.record, extra, where)
        numbers = _CROSSED[name](crossed)
        choices = [Choice(value, label, numbers[value]) for value, label in labels.items()]
        found.append(_facet(asked, name, {_RECORD: "Record", _SHOW: "Handed out"}[name], choices, labels.__getitem__))
    ages = _by_age(tallies["created_at"])
    choices = [Choice(value, label, ages[value]) for value, label in _AGES.items()]
    return [*found, _facet(asked, _AGE, "Made", choices, _AGES.__getitem__)]


def _facet(asked: Asked, name: str, title: str, choices: list[Choice], label: Callable[[str], str]) -> Facet:
    chosen = asked.chosen.get(name, "")
    return Facet(name, title, chosen, label(chosen) if chosen else "", [each for each in choices if each.number])


def _more(kind: Kind[Any]) -> dict[str, dict[str, str]]:
    """Return the facets of a list that look at several columns."""
    return {"lessons": {_RECORD: _RECORDS}, "recalls": {_SHOW: _SHOWN}}.get(kind.name, {})


def _of_record(crossed: Mapping[tuple[Any, ...], int]) -> dict[str, int]:
    return {
        "helped": sum(number for (helped, _), number in crossed.items() if helped),
        "hurt": sum(number for (_, hurt), number in crossed.items() if hurt),
        "unused": crossed.get((0, 0), 0),
    }


def _of_shown(crossed: Mapping[tuple[Any, ...], int]) -> dict[str, int]:
    return {
        "full": sum(number for (full, _), number in crossed.items() if full),
        "listed": sum(number for (full, lines), number in crossed.items() if lines and not full),
        "nothing": crossed.get((0, 0), 0),
    }


def _by_age(days: Mapping[Any, int]) -> dict[str, int]:
    """Return how many were made since each of the bounds, and how many before all of them."""
    since = {age: _since(age) for age in _AGES if age != "older"}
    counted = {age: sum(number for day, number in days.items() if day and day >= start) for age, start in since.items()}
    return counted | {"older": sum(days.values()) - counted["365"]}


def _since(age: str) -> date:
    return now().date() - timedelta(days=int(age) - 1)


def _where_age(age: str) -> Where:
    from strategy_bank.store.lance.filters import Between

    start = datetime.combine(_since("365" if age == "older" else age), time(), UTC)
    return {"created_at": Between(below=start) if age == "older" else Between(start)}


def _where_record(record: str) -> Where:
    from strategy_bank.store.lance.filters import Between

    return {"helped": 0, "hurt": 0} if record == "unused" else {record: Between(1)}


def _where_shown(shown: str) -> Where:
    from strategy_bank.store.lance.filters import Length

    if shown == "full":
        return {"strategy_ids": Length(some=True)}
    return {"strategy_ids": Length(some=False), "listed_ids": Length(some=shown == "listed")}


_WHERE: dict[str, Callable[[str], Where]] = {_AGE: _where_age, _RECORD: _where_record, _SHOW: _where_shown}
_CROSSED = {_RECORD: _of_record, _SHOW: _of_shown}
