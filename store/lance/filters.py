"""Filters of rows by equal values, as expressions, never strings."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types, and lancedb's refer to them)

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce

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


Value = str | int | Sequence[str] | Other | NotAlone | Since | OwnAndGiven
Equal = Mapping[str, Value]
"""Maps a column to its value, or to several of which it has one, or to one that it does not have."""


def expression(equal: Equal) -> Expr:
    return reduce(lambda left, right: left & right, [_term(col(name), value) for name, value in equal.items()])


def _term(column: Expr, value: Value) -> Expr:
    if isinstance(value, Other):
        return column != lit(value.than)
    if isinstance(value, Since):
        return column >= lit(value.at.astimezone(UTC))
    if isinstance(value, NotAlone):
        others = func("concat", column, lit("")) != lit(value.session)  # null in most, and null is not another session
        return others | (col("support") > lit(value.support)) | (col("helped") > lit(value.helped))
    if isinstance(value, OwnAndGiven):
        reason = col("status_reason")
        own = [_begins(reason, f"{PROMOTED}{name} and ") for name in value.scopes]
        kept = reduce(lambda left, right: left | right, own, ~_begins(reason, PROMOTED))
        return column.isin(list(value.scopes)) | ((column == lit(GLOBAL_SCOPE)) & kept)
    return column == lit(value) if isinstance(value, str | int) else column.isin(list(value))


def _begins(column: Expr, text: str) -> Expr:
    """Return whether a column begins with a text that ends in a space: it sorts from there to before the next character."""
    return (column >= lit(text)) & (column < lit(f"{text[:-1]}!"))
