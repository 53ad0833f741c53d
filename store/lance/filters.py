"""Filters of rows by what their columns hold, as expressions, never strings."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types, and lancedb's refer to them)

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce

import pyarrow as pa
from pydantic_core import to_json

from strategy_bank.store.lance.library import Expr, col, func, lit
from strategy_bank.store.records import GLOBAL_SCOPE, PROMOTED, OwnAndGiven


@dataclass(frozen=True)
class Other:
    """Any value but this one."""

    than: str


@dataclass(frozen=True)
class NotAlone:
    """Any session but this one, and of its strategies those whose support or helpfulness is above what it may say itself."""

    session: str
    support: int
    helped: int


@dataclass(frozen=True)
class Since:
    """Any time from this one on."""

    at: datetime


@dataclass(frozen=True)
class Between:
    """Any number or time from the least one on and below the other; None is no bound."""

    least: float | datetime | None = None
    below: float | datetime | None = None


@dataclass(frozen=True)
class Beginning:
    """Any text that begins with this one, which ends in a space."""

    text: str


@dataclass(frozen=True)
class Holding:
    """Texts in any case, each of which stands in the column or in one of the others that are named."""

    texts: Sequence[str]
    others: Sequence[str] = ()


@dataclass(frozen=True)
class Naming:
    """Any list that has this id, or whatever else without a comma or a bracket, as a member."""

    id: str


@dataclass(frozen=True)
class Length:
    """Any list without members, or any with some."""

    some: bool


Value = (
    str
    | int
    | None
    | Sequence[str]
    | Other
    | NotAlone
    | Since
    | Between
    | Beginning
    | Holding
    | Naming
    | Length
    | OwnAndGiven
)
Equal = Mapping[str, Value]
"""Maps a column to its value, or to several of which it has one, or to what else it holds; None: nothing or an empty text."""


def expression(equal: Equal) -> Expr:
    return all_of([_term(name, value) for name, value in equal.items()])


def all_of(terms: Sequence[Expr]) -> Expr:
    return reduce(lambda left, right: left & right, terms)


def any_of(terms: Sequence[Expr]) -> Expr:
    return reduce(lambda left, right: left | right, terms)


def forms_of(text: str) -> list[str]:
    """Return how a text may be stored, in lower case: as it is, and as within JSON."""
    return list(dict.fromkeys([text.lower(), to_json(text).decode()[1:-1].lower()]))


def holds(columns: Sequence[str], text: str) -> Expr:
    """Return whether a text stands in one of the columns, in any case."""
    forms = forms_of(text)
    return any_of([_as_text(name).lower().contains(lit(form)) for name in columns for form in forms])


def _as_text(column: str) -> Expr:
    return col(column).cast(pa.string())


def _term(name: str, value: Value) -> Expr:
    column = col(name)
    if value is None:
        return func("concat", column, lit("")) == lit("")
    if isinstance(value, Holding):
        return all_of([holds([name, *value.others], text) for text in value.texts])
    if isinstance(value, Naming):
        # as lists are written: [one, two]
        written = [f"[{value.id}]", f"[{value.id},", f" {value.id},", f" {value.id}]"]
        return any_of([_as_text(name).contains(lit(form)) for form in written])
    if isinstance(value, Length):
        empty = func("concat", _as_text(name), lit("")).isin(["", "[]"])
        return ~empty if value.some else empty
    if isinstance(value, Between):
        bounds = [column >= _number(value.least)] if value.least is not None else []
        return all_of([*bounds, *([column < _number(value.below)] if value.below is not None else [])])
    if isinstance(value, Other):
        return column != lit(value.than)
    if isinstance(value, Since):
        return column >= lit(value.at.astimezone(UTC))
    if isinstance(value, Beginning):
        return _begins(column, value.text)
    if isinstance(value, NotAlone):
        others = func("concat", column, lit("")) != lit(value.session)  # null in most, and null is not another session
        return others | (col("support") > lit(value.support)) | (col("helped") > lit(value.helped))
    if isinstance(value, OwnAndGiven):
        reason = col("status_reason")
        own = [_begins(reason, f"{PROMOTED}{name} and ") for name in value.scopes]
        kept = any_of([~_begins(reason, PROMOTED), *own])
        return column.isin(list(value.scopes)) | ((column == lit(GLOBAL_SCOPE)) & kept)
    return column == lit(value) if isinstance(value, str | int) else column.isin(list(value))


def _number(value: float | datetime) -> Expr:
    return lit(value.astimezone(UTC) if isinstance(value, datetime) else value)


def _begins(column: Expr, text: str) -> Expr:
    """Return whether a column begins with a text that ends in a space: it sorts from there to before the next character."""
    return (column >= lit(text)) & (column < lit(f"{text[:-1]}!"))
