"""Reads and writes tables of rows, which are found by equal values, by vector or by words. Knows nothing about strategies.

Raises the errors of errors.py.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types, and lancedb's refer to them)

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import pyarrow as pa

from strategy_bank.store.lance.errors import committing, is_gone, translated
from strategy_bank.store.lance.files import Metric, TableFiles, words_index
from strategy_bank.store.lance.filters import Equal, expression
from strategy_bank.store.lance.library import Expr, col, lancedb
from strategy_bank.store.lance.listing import KeptColumns
from strategy_bank.store.location import Location

# how long old versions stay: readers in other processes may use one for the length of a query, but each read and write lists
# all of them. Machines that share an object store have different clocks.
KEEP_OLD_VERSIONS, KEEP_IN_STORES = timedelta(minutes=1), timedelta(minutes=15)

# the size of each of LanceDB's two caches, and what a row adds to the one for indexes. Its own limits are gigabytes, and every
# write leaves something there; but what searches read of every row must fit, or it is read anew each time
CACHE_BYTES, CACHE_BYTES_A_ROW = 8 * 2**20, 192

PROBES = 32  # partitions of a vector index that a search looks into

REFINED = 64  # rows found by an index, with its few bits a number, that an exact search compares again

READ_AGAIN = 3  # times that a read begins anew, since each time another process may have deleted the version it reads

ROWS_AT_ONCE = 256  # rows of a batch

T = TypeVar("T")
LAST_REVISION = 2**63 - 1
# after the last one, which only a made-up record has, they begin again
_UNCHANGED = f"target.revision = source.revision - 1 OR (source.revision = 0 AND target.revision = {LAST_REVISION})"

Row = dict[str, Any]
Schema = Any
"""A pyarrow.Schema; pyarrow ships no types."""


class Connection:
    """A folder or an object store that holds tables. Every read sees the newest committed version of any process."""

    def __init__(self, location: Location, connection: lancedb.AsyncConnection) -> None:
        self.uri = location.tables_uri
        self._is_service = location.is_service
        self._kept = KEEP_OLD_VERSIONS if location.lock_file else KEEP_IN_STORES
        self._connection = connection

    @classmethod
    async def open(cls, location: Location, rows: int = 0) -> "Connection":
        """Connect, with caches for so many rows."""
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
        """Open a table as it is now. Later writes do not change it; it is readable for as long as old versions are kept."""
        with translated(self.uri):
            table = await self._connection.open_table(name)
            await table.checkout(await table.version())
            return Table(self.uri, table, self._kept)

    async def make(self, name: str, schema: Schema, *, words: str = "", rows: Any = None) -> "Table":
        """Make a table with `id` as primary key and a full-text index on the column `words`, or finish one that is half made.

        With `rows`, a list or a pyarrow.RecordBatchReader, these replace in one commit whatever is there.
        """
        with committing(self.uri):
            if rows is None and await self.has(name):
                made = await self._connection.open_table(name)
            else:
                data = rows if isinstance(rows, pa.RecordBatchReader) else _arrow(rows or [], schema)
                mode = "create" if rows is None else "overwrite"
                made = await self._connection.create_table(name, data, schema=schema, mode=mode)
            # a LanceDB service takes no primary key
            if not self._is_service and b"lance-schema:unenforced-primary-key:position" not in (
                (await made.schema()).field("id").metadata or {}
            ):
                await made.set_unenforced_primary_key("id")
            if words and not await made.list_indices():
                await made.create_index(words, config=words_index())
        return Table(self.uri, made, self._kept)

    async def versions(self) -> dict[str, int]:
        """Return the newest version of each table."""
        with translated(self.uri):
            names = (await self._connection.list_tables()).tables
            return {name: await (await self._connection.open_table(name)).version() for name in names}

    async def go_back(self, versions: Mapping[str, int]) -> None:
        """Make each table what it was at a version, in their order, and drop the tables that were not there."""
        with committing(self.uri):
            for name, version in versions.items():
                table = await self._connection.open_table(name)
                await table.checkout(version)
                await table.restore()
            for name in set((await self._connection.list_tables()).tables) - versions.keys():
                await self._connection.drop_table(name)

    def close(self) -> None:
        self._connection.close()


class Table:
    """A table of rows with an `id`, which is the primary key: without one, two processes could insert the same id twice."""

    def __init__(self, uri: str, table: lancedb.AsyncTable, kept: timedelta) -> None:
        """`kept` says how long old versions stay."""
        self._uri = uri
        self._table = table
        self.files = TableFiles(uri, table, kept)
        self._kept = KeptColumns()
        self._counted = (-1, "", 0)  # by the last `count`: version of the table, filter, number of rows

    async def schema(self) -> Schema:
        with translated(self._uri):
            return await self._table.schema()

    async def insert(self, rows: Sequence[Row]) -> int:
        """Insert rows in one commit and return how many were new. An existing id keeps its row."""
        with committing(self._uri):
            merge = self._table.merge_insert("id").when_not_matched_insert_all()
            return (await merge.execute(_arrow(rows, await self._table.schema()))).num_inserted_rows

    async def amend(self, rows: Sequence[Row]) -> int:
        """Update the given columns of the rows in one commit, and return how many rows changed. A deleted id stays deleted.

        A row with a `revision` is updated only if the stored one is exactly one lower (compare and swap).
        """
        # rows are written whole: to update single columns, LanceDB would rewrite those of every row in the same fragment,
        # which takes seconds in a large bank
        unchanged = _UNCHANGED if rows and "revision" in rows[0] else None
        with committing(self._uri):
            schema = await self._table.schema()
            whole = await self._completed(rows, [name for name in schema.names if rows and name not in rows[0]])
            if not whole:
                return 0
            merge = self._table.merge_insert("id").when_matched_update_all(where=unchanged)
            return (await merge.execute(_arrow(whole, schema))).num_updated_rows

    async def _completed(self, rows: Sequence[Row], lacking: Sequence[str]) -> Sequence[Row]:
        """Return the rows that exist, with the columns that they lack."""
        if not lacking:
            return rows
        stored = await self.select(["id", *lacking], {"id": [row["id"] for row in rows]})
        there = {row["id"]: row for row in stored}
        return [there[row["id"]] | row for row in rows if row["id"] in there]

    async def add_column(self, name: str, value: str) -> None:
        """Add a column with the same SQL value in every row, if it is missing."""
        with committing(self._uri):
            if name not in (await self._table.schema()).names:
                await self._table.add_columns({name: value})

    async def delete(self, ids: Sequence[str]) -> None:
        with committing(self._uri):
            await self._table.delete(col("id").isin(list(ids)))

    async def select(self, columns: Sequence[str], equal: Equal) -> list[Row]:
        return await self.find(columns, expression(equal) if equal else None)

    async def find(self, columns: Sequence[str], where: Expr | None) -> list[Row]:
        """Return the rows that a filter lets through, all of them without one."""

        async def read() -> list[Row]:
            query = self._table.query().select(list(columns))
            return await (query if where is None else query.where(where)).to_list()

        return await self._read(read)

    async def arrow(self, columns: Sequence[str], equal: Equal) -> Any:
        """Return the rows like `select`, as a pyarrow.Table: a million cells in a tenth of a second."""

        async def read() -> Any:
            query = self._table.query().select(list(columns))
            return await (query.where(expression(equal)) if equal else query).to_arrow()

        return (await self._read(read)).combine_chunks()

    async def kept(self, columns: Sequence[str], equal: Equal) -> Any:
        """Return these columns and maybe others like `arrow`; they are kept until the table changes."""
        where = expression(equal).to_sql() if equal else ""
        version = await self.files.version()
        return await self._kept.read(version, where, columns, lambda names: self.arrow(names, equal))

    async def _read(self, read: Callable[[], Awaitable[T]]) -> T:
        """Read, and again on the newest version where another process deletes old ones at once, as `forget --purge` does."""
        with translated(self._uri):
            for _ in range(READ_AGAIN):
                try:
                    return await read()
                except (OSError, RuntimeError, ValueError) as exc:
                    if not is_gone(exc):
                        raise
            return await read()

    async def batches(self) -> AsyncGenerator[Any]:
        """Yield all rows and columns as pyarrow.RecordBatches of bounded size, whatever the length of a trajectory."""
        with translated(self._uri):
            async for batch in await self._table.query().to_batches(max_batch_length=ROWS_AT_ONCE):
                yield batch

    async def count(self, equal: Equal) -> int:
        """Return the number of rows."""
        # counted only when the table has changed: every recall asks, and counting took a tenth of its processor time
        where = expression(equal).to_sql() if equal else ""

        async def read() -> int:
            version = await self._table.version()
            if self._counted[:2] != (version, where):
                self._counted = (version, where, await self._table.count_rows(where or None))
            return self._counted[2]

        return await self._read(read)

    async def nearest(
        self, column: str, vector: Any, metric: Metric, columns: Sequence[str], equal: Equal, limit: int, *, exact: bool
    ) -> list[tuple[Row, float]]:
        """Return rows and the similarity of their vectors to `vector`, most similar first, filtered before the search.

        Unless `exact`, an index may answer from its few bits a number, which is near enough to choose candidates.
        """

        async def read() -> list[Row]:
            query = self._table.query().nearest_to(vector).column(column).distance_type(metric).nprobes(PROBES)
            if exact:
                query = query.refine_factor(max(REFINED // limit, 1))
            return (
                await (query.where(expression(equal)) if equal else query)
                .select([*columns, "_distance"])
                .limit(limit)
                .to_list()
            )

        rows = await self._read(read)
        return [(row, 1 - row["_distance"]) for row in rows]

    async def matching(
        self, column: str, words: str, columns: Sequence[str], equal: Equal, limit: int
    ) -> list[tuple[Row, float]]:
        """Return rows and their BM25 scores for any of the words, best first, filtered before the search."""

        async def read() -> list[Row]:
            query = self._table.query().nearest_to_text(words, columns=[column])
            return await query.where(expression(equal)).select([*columns, "_score"]).limit(limit).to_list()

        rows = await self._read(read)
        return [(row, row["_score"]) for row in rows]

    def close(self) -> None:
        self._table.close()


def _arrow(rows: Sequence[Row], schema: Schema) -> Any:
    """Return rows as a pyarrow.Table with the columns that the first one has."""
    if not rows:
        return schema.empty_table()
    columns = [schema.field(name) for name in schema.names if name in rows[0]]
    return pa.Table.from_pylist(list(rows), schema=pa.schema(columns))
