"""Pages of the rows of a table, in an order, and how many there are of each kind, in a table of any size.

What a filter lets through is read as columns of Arrow, never as objects of Python, and kept until the table changes: the next
page of a list, another order of it and its counts read nothing again.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types)

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from strategy_bank.store.lance.filters import Equal

BYTES_KEPT = 48_000_000  # of the columns of one table; those of the newest filter stay however large they are

R = TypeVar("R")
compute: Any = pc


@dataclass(frozen=True)
class Listing:
    """Which rows a list shows: those that a filter lets through, in the order of a column (`-` for the largest first)."""

    where: Equal = field(default_factory=dict[str, Any])
    order: str = "-created_at"
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True)
class Listed(Generic[R]):
    """One page of a list, and how many rows all its pages have."""

    total: int
    records: list[R]


class KeptColumns:
    """The columns of one table that were read, by filter, as of one version of the table."""

    def __init__(self) -> None:
        self._version = -1
        self._by_filter = OrderedDict[str, Any]()

    async def read(
        self, version: int, where: str, names: Sequence[str], read: Callable[[Sequence[str]], Awaitable[Any]]
    ) -> Any:
        """Return a pyarrow.Table with at least these columns, read again where they are not kept as of this version."""
        if version != self._version:
            self._version = version
            self._by_filter.clear()
        kept = self._by_filter.get(where)
        had: list[str] = kept.column_names if kept else []
        if kept is None or not set(names) <= set(had):
            # all in one reading, so that its rows stay together whatever is written meanwhile
            kept = await read(list(dict.fromkeys([*had, *names])))
            if version == self._version:
                self._by_filter[where] = kept
        if where in self._by_filter:
            self._by_filter.move_to_end(where)
        while len(self._by_filter) > 1 and sum(each.nbytes for each in self._by_filter.values()) > BYTES_KEPT:
            self._by_filter.popitem(last=False)
        return kept


def ids_of_page(rows: Any, listing: Listing) -> list[str]:
    """Return the ids of one page; rows that are equal in the order's column follow by their ids."""
    column, direction = listing.order.removeprefix("-"), "descending" if listing.order[:1] == "-" else "ascending"
    keys = [(column, direction), *([("id", direction)] if column != "id" else [])]
    last = listing.offset + listing.limit
    places = compute.sort_indices(rows, sort_keys=keys)
    return rows["id"].take(places[listing.offset : last]).to_pylist()


def tallied(rows: Any, columns: Sequence[str]) -> Mapping[tuple[Any, ...], int]:
    """Return how many rows have which values in these columns.

    A time counts as its day in UTC, a list as its length, and no value as an empty text.
    """
    counted = pa.table({name: _countable(rows[name]) for name in columns}).group_by(list(columns))
    found = counted.aggregate([([], "count_all")]).to_pydict()
    return dict(zip(zip(*(found[name] for name in columns), strict=True), found["count_all"], strict=True))


def _countable(column: Any) -> Any:
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us")).cast(pa.date32(), safe=False)
    if pa.types.is_list(column.type):
        return compute.fill_null(compute.list_value_length(column), 0)
    return compute.fill_null(column, "") if pa.types.is_string(column.type) else column
