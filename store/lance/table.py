"""LanceDB, and nothing about strategies: tables of rows, found by equal values, by vector or by words.

Its errors leave it as those of lance_errors.py. Filters are expressions, never strings. How the tables lie in their files is
the business of layout.py.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false
# (pyarrow ships no types, and lancedb's refer to them)

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import timedelta
from functools import reduce
from typing import Any

import pyarrow as pa

from strategy_bank.store.lance.errors import committing, translated
from strategy_bank.store.lance.files import Layout, Metric, words_index
from strategy_bank.store.lance.library import Expr, col, lancedb, lit
from strategy_bank.store.lance.schema import Row, to_table
from strategy_bank.store.location import Location

KEEP_OLD_VERSIONS, KEEP_IN_STORES = timedelta(minutes=1), timedelta(minutes=15)
"""Readers of other processes may still be on an old version of a table for the length of one query. All that are kept are
listed by every read and write. The machines that share an object store have clocks that differ."""

CACHE_BYTES, CACHE_BYTES_A_ROW = 8 * 2**20, 192
"""For each of LanceDB's two caches, and more in that of indexes; its own limits are gigabytes, and every write leaves something
in them. What is read of every row, by words or in the parts of a vector index, has to find room, or is read anew each time."""

PROBES = 32
"""Parts of a vector index that a search looks into."""

REFINED = 64
"""Of what an index finds by three bits for each number, how many are compared exactly where that is asked for."""

Equal = Mapping[str, str | int | Sequence[str]]
"""Column to the value that it has, or to the values of which it has one."""


class Connection:
    """A folder or an object store that holds tables. Every read sees the newest committed version of any process."""

    def __init__(self, location: Location, connection: lancedb.AsyncConnection) -> None:
        self.uri = location.tables_uri
        self._is_service = location.is_service
        self._kept = KEEP_OLD_VERSIONS if location.lock_file else KEEP_IN_STORES
        self._connection = connection

    @classmethod
    async def open(cls, location: Location, rows: int = 0) -> "Connection":
        """With caches for so many rows."""
        cache_bytes = CACHE_BYTES + CACHE_BYTES_A_ROW * rows
        with translated(location.tables_uri):
            connection = await lancedb.connect_async(
                location.tables_uri,
                read_consistency_interval=timedelta(0),
                session=lancedb.Session(index_cache_size_bytes=cache_bytes, metadata_cache_size_bytes=CACHE_BYTES),
                api_key=location.api_key or None,
                host_override=location.host or None,
            )
            return cls(location, connection)

    async def has(self, name: str) -> bool:
        with translated(self.uri):
            return name in (await self._connection.list_tables()).tables

    async def table(self, name: str) -> "Table":
        with translated(self.uri):
            return Table(self.uri, await self._connection.open_table(name), self._kept)

    async def frozen(self, name: str) -> "Table":
        """A table as it is now, whatever is written to it later; it can be read for as long as old versions are kept."""
        with translated(self.uri):
            table = await self._connection.open_table(name)
            await table.checkout(await table.version())
            return Table(self.uri, table, self._kept)

    async def make(self, name: str, schema: Any, *, words: str = "", rows: Any = None) -> "Table":
        """A table with `id` as primary key and a full-text index on the column `words`; also finishes one half made.

        A LanceDB service takes no primary key from outside.

        With rows, a list of them or a pyarrow.RecordBatchReader, they take the place of what is there, in one commit.
        """
        with committing(self.uri):
            if rows is None and await self.has(name):
                made = await self._connection.open_table(name)
            else:
                data = rows if isinstance(rows, pa.RecordBatchReader) else to_table(rows or [], schema)
                mode = "create" if rows is None else "overwrite"
                made = await self._connection.create_table(name, data, schema=schema, mode=mode)
            if not self._is_service and b"lance-schema:unenforced-primary-key:position" not in (
                (await made.schema()).field("id").metadata or {}
            ):
                await made.set_unenforced_primary_key("id")
            if words and not await made.list_indices():
                await made.create_index(words, config=words_index())
        return Table(self.uri, made, self._kept)

    def close(self) -> None:
        self._connection.close()


class Table:
    """Rows with an `id`. Without the primary key, two processes that insert the same new id would double it."""

    def __init__(self, uri: str, table: lancedb.AsyncTable, kept: timedelta) -> None:
        """`kept`: for how long old versions are."""
        self._uri = uri
        self._table = table
        self._kept = kept
        self._counted = (-1, "", 0)
        """Last: the version of the table, what was counted, and how many they were."""

    async def schema(self) -> Any:
        with translated(self._uri):
            return await self._table.schema()

    async def insert(self, rows: Sequence[Row]) -> int:
        """Add rows in one commit; how many were new. An id that is there already keeps its row."""
        with committing(self._uri):
            merge = self._table.merge_insert("id").when_not_matched_insert_all()
            return (await merge.execute(to_table(rows, await self._table.schema()))).num_inserted_rows

    async def amend(self, rows: Sequence[Row]) -> int:
        """Update the columns that the rows have, in one commit; how many rows were. An id that is gone stays gone.

        A row with a `revision` is updated only if the stored one is exactly one lower: compare and swap, whoever commits.
        Rows are written whole, with what the given ones lack as it is: of single columns, LanceDB would write those of all rows
        that lie in the same piece, seconds in a large bank.
        """
        unchanged = "target.revision = source.revision - 1" if rows and "revision" in rows[0] else None
        with committing(self._uri):
            schema = await self._table.schema()
            whole = await self._completed(rows, [name for name in schema.names if rows and name not in rows[0]])
            if not whole:
                return 0
            merge = self._table.merge_insert("id").when_matched_update_all(where=unchanged)
            return (await merge.execute(to_table(whole, schema))).num_updated_rows

    async def _completed(self, rows: Sequence[Row], lacking: Sequence[str]) -> Sequence[Row]:
        """Those of the rows that are there, with the columns that they lack."""
        if not lacking:
            return rows
        stored = await self.select(["id", *lacking], {"id": [row["id"] for row in rows]})
        there = {row["id"]: row for row in stored}
        return [there[row["id"]] | row for row in rows if row["id"] in there]

    async def add_column(self, name: str, value: str) -> None:
        """A column with the same SQL value in every row; nothing to do where it is there."""
        with committing(self._uri):
            if name not in (await self._table.schema()).names:
                await self._table.add_columns({name: value})

    async def delete(self, ids: Sequence[str]) -> None:
        with committing(self._uri):
            await self._table.delete(col("id").isin(list(ids)))

    async def select(self, columns: Sequence[str], equal: Equal) -> list[Row]:
        query = self._table.query().select(list(columns))
        with translated(self._uri):
            return await (query.where(_expression(equal)) if equal else query).to_list()

    async def batches(self) -> AsyncGenerator[Any]:
        """All rows and columns as pyarrow.RecordBatches, a part of the table at a time."""
        with translated(self._uri):
            async for batch in await self._table.query().to_batches():
                yield batch

    async def count(self, equal: Equal) -> int:
        """Counted anew when the table has changed: each recall asks, and counting took a tenth of its processor time."""
        where = _expression(equal).to_sql() if equal else ""
        with translated(self._uri):
            version = await self._table.version()
            if self._counted[:2] != (version, where):
                self._counted = (version, where, await self._table.count_rows(where or None))
            return self._counted[2]

    async def nearest(
        self,
        column: str,
        vector: Any,
        metric: Metric,
        columns: Sequence[str],
        equal: Equal,
        limit: int,
        *,
        exact: bool,
    ) -> list[tuple[Row, float]]:
        """Rows with the similarity of their vector to this one, the most similar first; filtered before the search.

        If not `exact`, an index may answer from its few bits for each number: near enough to choose candidates.
        """
        query = self._table.query().nearest_to(vector).column(column).distance_type(metric).nprobes(PROBES)
        if exact:
            query = query.refine_factor(max(REFINED // limit, 1))
        with translated(self._uri):
            rows = await query.where(_expression(equal)).select([*columns, "_distance"]).limit(limit).to_list()
        return [(row, 1 - row["_distance"]) for row in rows]

    async def matching(
        self, column: str, words: str, columns: Sequence[str], equal: Equal, limit: int
    ) -> list[tuple[Row, float]]:
        """Rows with their BM25 score for any of the words, the best first; filtered before the search."""
        query = self._table.query().nearest_to_text(words, columns=[column])
        with translated(self._uri):
            rows = await query.where(_expression(equal)).select([*columns, "_score"]).limit(limit).to_list()
        return [(row, row["_score"]) for row in rows]

    @property
    def layout(self) -> Layout:
        """Its pieces, versions and indexes."""
        return Layout(self._uri, self._table, self._kept)

    def close(self) -> None:
        self._table.close()


def _expression(equal: Equal) -> Expr:
    terms = [
        col(name) == lit(value) if isinstance(value, str | int) else col(name).isin(list(value))
        for name, value in equal.items()
    ]
    return reduce(lambda left, right: left & right, terms)
