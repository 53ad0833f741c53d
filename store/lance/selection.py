"""Selects records by what a person knows of them: their ids, their scope, a text that they hold, their age."""

# pyright: reportUnknownMemberType=false
# (lancedb's types refer to those of pyarrow, which ships none)

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from strategy_bank.store.lance.filters import all_of, holds
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
        terms.append(holds(columns, selection.matching))
    if selection.before:
        terms.append(col("created_at") < lit(selection.before.astimezone(UTC)))
    return all_of(terms) if terms else None
