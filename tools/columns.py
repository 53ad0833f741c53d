"""Counts with columns of tables: lists, ids and groups as arrays of numbers, since objects for 100,000 rows take seconds."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
# (pyarrow ships no types)

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

Ints = np.ndarray[tuple[int], np.dtype[np.int64]]
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]
Column = Any
"""A pyarrow.ChunkedArray or pyarrow.Array."""
pc: Any = compute  # its functions are made when it is imported
SPACE = 2**31  # more than there are ids: a pair of a row and an id is one number


class Sums:
    """Adds up what is counted of rows, by their groups."""

    def __init__(self, group: Ints, groups: int) -> None:
        self._group, self._groups = group, groups

    def number(self, rows: Flags) -> list[int]:
        return np.bincount(self._group[rows], minlength=self._groups).tolist()

    def sum(self, numbers: Ints) -> list[int]:
        # exact below 2**53
        return np.bincount(self._group, numbers, minlength=self._groups).astype(np.int64).tolist()


def joined(columns: Sequence[Column]) -> Any:
    """Return columns of one type as one pyarrow.Array."""
    return pa.concat_arrays([each.combine_chunks() if isinstance(each, pa.ChunkedArray) else each for each in columns])


def id_pairs(lists: Sequence[Column]) -> list[Ints]:
    """Return the ids of columns of lists, each as its row times `SPACE` and the number that the id has in all of them."""
    rows = [pc.list_parent_indices(joined([each])).to_numpy() for each in lists]
    ids = joined([pc.list_flatten(joined([each])) for each in lists]).dictionary_encode().indices.to_numpy()
    ends = np.cumsum([len(each) for each in rows])
    return [each.astype(np.int64) * SPACE + part for each, part in zip(rows, np.split(ids, ends[:-1]), strict=True)]


def unique(numbers: Ints) -> Ints:
    """Return each number once, all ≥ 0. Pairs come nearly in order, so that sorting them is faster than hashing them."""
    inorder = np.sort(numbers, kind="stable")
    return inorder[np.flatnonzero(np.diff(inorder, prepend=-1))]


def lengths(lists: Column) -> Ints:
    return as_numbers(pc.list_value_length(lists))


def as_numbers(column: Column) -> Ints:
    return pc.fill_null(column, 0).to_numpy().astype(np.int64)


def as_flags(column: Column) -> Flags:
    return np.asarray(pc.fill_null(column, fill_value=False).to_numpy(zero_copy_only=False), np.bool_)


def has_text(column: Column) -> Flags:
    return as_numbers(pc.binary_length(column)) > 0


def places_of(wanted: Column, there: Column) -> Ints:
    """Return the place in one column of each cell of another; -1 where it has none, or is empty."""
    found = pc.if_else(pc.equal(wanted, ""), None, pc.index_in(wanted, value_set=joined([there]), skip_nulls=True))
    return pc.fill_null(found, -1).to_numpy().astype(np.int64)


def at_places(values: Flags, places: Ints) -> Flags:
    """Return the value at each place; any where a place is -1."""
    return values[places] if len(values) else np.zeros(len(places), np.bool_)


def distinct(group: Ints, places: Ints, groups: int) -> list[int]:
    """Return how many different places each group has."""
    some = places >= 0
    pairs = unique(group[some] * SPACE + places[some])
    return np.bincount(pairs // SPACE, minlength=groups).tolist()
