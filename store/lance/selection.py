"""Selects records by what a person knows of them: their ids, their scope, a text that they hold, their age."""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# (pyarrow ships no types, and lancedb's refer to them)

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any

import pyarrow as pa
from pydantic_core import to_json

from strategy_bank.store.lance.library import Expr, col, lit
from strategy_bank.store.records import Hit, LearnedStrategy, Proposal, Record, Revision, StatusChange

_TEXTS: tuple[Any, ...] = (
    str,
    list[str],
    list[Hit],
    list[LearnedStrategy],
    list[Revision],
    list[Proposal],
    list[StatusChange],
)


@dataclass(frozen=True)
class Selection:
    """What all selected records have in common; a field that is empty selects nothing away."""

    ids: Sequence[str] = ()
    scope: str = ""
    matching: str = ""  # in any case, in any column of text
    before: datetime | None = None


def text_columns(kind: type[Record]) -> list[str]:
    """Return the columns in which a record keeps what somebody said: all but numbers, times and fixed words."""
    return [name for name, info in kind.model_fields.items() if info.annotation in _TEXTS]


def filter_of(selection: Selection, columns: Sequence[str]) -> Expr | None:
    """Return the filter of a selection, which looks for its text in these columns; None where it selects everything."""
    terms: list[Expr] = []
    if selection.ids:
        terms.append(col("id").isin(list(selection.ids)))
    if selection.scope:
        terms.append(col("scope") == lit(selection.scope))
    if selection.matching:
        holding = [_holds(column, form) for column in columns for form in forms_of(selection.matching)]
        terms.append(reduce(lambda left, right: left | right, holding))
    if selection.before:
        terms.append(col("created_at") < lit(selection.before.astimezone(UTC)))
    return reduce(lambda left, right: left & right, terms) if terms else None


def forms_of(text: str) -> list[str]:
    """Return how a text may be stored, in lower case: as it is, and as within JSON."""
    return list(dict.fromkeys([text.lower(), to_json(text).decode()[1:-1].lower()]))


def _holds(column: str, text: str) -> Expr:
    return col(column).cast(pa.string()).lower().contains(lit(text))
