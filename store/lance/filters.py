"""Filters of rows by equal values, as expressions, never strings."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types, and lancedb's refer to them)

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from strategy_bank.store.lance.library import Expr, col, lit


@dataclass(frozen=True)
class Other:
    """Any value but this one."""

    than: str


Value = str | int | Sequence[str] | Other
Equal = Mapping[str, Value]
"""Maps a column to its value, or to several of which it has one, or to one that it does not have."""


def expression(equal: Equal) -> Expr:
    return reduce(lambda left, right: left & right, [_term(col(name), value) for name, value in equal.items()])


def _term(column: Expr, value: Value) -> Expr:
    if isinstance(value, Other):
        return column != lit(value.than)
    return column == lit(value) if isinstance(value, str | int) else column.isin(list(value))
