"""LanceDB, and nothing about strategies: tables of rows, found by equal values, by vector or by words.

The only module that imports lancedb; its errors leave it as BankUnavailable or ModelMismatch, with the place and the way out.
Filters are expressions, never strings.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false
# (pyarrow ships no types, and lancedb's refer to them)

import os
import re
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import reduce
from pathlib import Path
from typing import Any, Literal

import anyio
import numpy as np
import pyarrow as pa

from strategy_bank.store.deferring import without_the_catalogue
from strategy_bank.store.errors import BankUnavailable, Conflict, ModelMismatch
from strategy_bank.store.faults import bank_trouble
from strategy_bank.store.location import Location
from strategy_bank.store.tables import Row, to_table

os.environ.setdefault("LANCEDB_LOG", "error")  # it warns of each compaction that a write undid; that is done again

with without_the_catalogue():
    import lancedb
    from lancedb.expr import Expr, col, lit
    from lancedb.index import FTS, Bitmap, IvfRq

KEEP_OLD_VERSIONS, KEEP_IN_STORES = timedelta(minutes=2), timedelta(minutes=15)
"""Readers of other processes may still be on an old version of a table for the length of one query. All that are kept are
listed by every read and write. The machines that share an object store have clocks that differ."""

KEPT_AT_MOST = timedelta(days=1)
"""Old versions, in a bank that is used."""

CACHE_BYTES, CACHE_BYTES_A_ROW = 8 * 2**20, 64
"""For each of LanceDB's two caches; its own limits are gigabytes, and every write leaves something in them. What a search by
words reads of every row has to find room, or is read anew each time: a tenth of a second among a million rows."""

PROBES = 32
"""Parts of a vector index that a search looks into."""

REFINED = 96
"""Of what an index finds by a bit for each number, how many are compared exactly."""

Metric = Literal["dot", "cosine"]
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
        with _translated(location.tables_uri):
            connection = await lancedb.connect_async(
                location.tables_uri,
                read_consistency_interval=timedelta(0),
                session=lancedb.Session(index_cache_size_bytes=cache_bytes, metadata_cache_size_bytes=CACHE_BYTES),
                api_key=location.api_key or None,
                host_override=location.host or None,
            )
            return cls(location, connection)

    async def has(self, name: str) -> bool:
        with _translated(self.uri):
            return name in (await self._connection.list_tables()).tables

    async def table(self, name: str) -> "Table":
        with _translated(self.uri):
            return Table(self.uri, await self._connection.open_table(name), self._kept)

    async def frozen(self, name: str) -> "Table":
        """A table as it is now, whatever is written to it later; it can be read for as long as old versions are kept."""
        with _translated(self.uri):
            table = await self._connection.open_table(name)
            await table.checkout(await table.version())
            return Table(self.uri, table, self._kept)

    async def make(self, name: str, schema: Any, *, words: str = "", rows: Any = None) -> "Table":
        """A table with `id` as primary key and a full-text index on the column `words`; also finishes one half made.

        A LanceDB service takes no primary key from outside.

        With rows, a list of them or a pyarrow.RecordBatchReader, they take the place of what is there, in one commit.
        """
        with _committing(self.uri):
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
                await made.create_index(words, config=_words_index())
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

    async def schema(self) -> Any:
        with _translated(self._uri):
            return await self._table.schema()

    async def insert(self, rows: Sequence[Row]) -> int:
        """Add rows in one commit; how many were new. An id that is there already keeps its row."""
        with _committing(self._uri):
            merge = self._table.merge_insert("id").when_not_matched_insert_all()
            return (await merge.execute(to_table(rows, await self._table.schema()))).num_inserted_rows

    async def amend(self, rows: Sequence[Row]) -> int:
        """Update the columns that the rows have, in one commit; how many rows were. An id that is gone stays gone.

        A row with a `revision` is updated only if the stored one is exactly one lower: compare and swap, whoever commits.
        Rows are written whole, with what the given ones lack as it is: of single columns, LanceDB would write those of all rows
        that lie in the same piece, seconds in a large bank.
        """
        unchanged = "target.revision = source.revision - 1" if rows and "revision" in rows[0] else None
        with _committing(self._uri):
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
        with _committing(self._uri):
            if name not in (await self._table.schema()).names:
                await self._table.add_columns({name: value})

    async def delete(self, ids: Sequence[str]) -> None:
        with _committing(self._uri):
            await self._table.delete(col("id").isin(list(ids)))

    async def select(self, columns: Sequence[str], equal: Equal) -> list[Row]:
        query = self._table.query().select(list(columns))
        with _translated(self._uri):
            return await (query.where(_expression(equal)) if equal else query).to_list()

    async def batches(self) -> AsyncGenerator[Any]:
        """All rows and columns as pyarrow.RecordBatches, a part of the table at a time."""
        with _translated(self._uri):
            async for batch in await self._table.query().to_batches():
                yield batch

    async def count(self, equal: Equal) -> int:
        with _translated(self._uri):
            return await self._table.count_rows(_expression(equal).to_sql() if equal else None)

    async def nearest(
        self,
        column: str,
        vector: Any,
        metric: Metric,
        columns: Sequence[str],
        equal: Equal,
        limit: int,
    ) -> list[tuple[Row, float]]:
        """Rows with the similarity of their vector to this one, the most similar first; filtered before the search."""
        query = self._table.query().nearest_to(vector).column(column).distance_type(metric)
        query = query.nprobes(PROBES).refine_factor(max(REFINED // limit, 1))
        with _translated(self._uri):
            rows = await query.where(_expression(equal)).select([*columns, "_distance"]).limit(limit).to_list()
        return [(row, 1 - row["_distance"]) for row in rows]

    async def matching(
        self, column: str, words: str, columns: Sequence[str], equal: Equal, limit: int
    ) -> list[tuple[Row, float]]:
        """Rows with their BM25 score for any of the words, the best first; filtered before the search."""
        query = self._table.query().nearest_to_text(words, columns=[column])
        with _translated(self._uri):
            rows = await query.where(_expression(equal)).select([*columns, "_score"]).limit(limit).to_list()
        return [(row, row["_score"]) for row in rows]

    async def fragments(self) -> int:
        """In how many pieces the table is: each write makes one, and each makes every search a little slower."""
        return (await self.spread())[0]

    async def spread(self) -> tuple[int, float]:
        """How many pieces there are, and the share of the rows that lie outside the largest."""
        with _translated(self._uri):
            stats: Any = await self._table.stats()
        pieces = stats["fragment_stats"]
        return pieces["num_fragments"], 1 - pieces["lengths"]["max"] / max(stats["num_rows"], 1)

    async def is_outdated(self, share: float) -> bool:
        """Whether so many versions, as a share of the rows, are not needed any more, or the oldest is older than a day.

        What was deleted since is still in its files. Reads something of each version: a thousand take a quarter of a second.
        """
        with _translated(self._uri):
            made = [version["timestamp"] for version in await self._table.list_versions()]
            rows = await self._table.count_rows()
        now = datetime.now()
        return min(made) < now - KEPT_AT_MOST or sum(each < now - self._kept for each in made) >= share * rows

    async def scattered(self) -> Any:
        """The rows of the small pieces, a pyarrow.Table: of each that is at most twice as large as all smaller ones together.

        So a row is not written anew each time, but each time that its piece grows by half.
        """
        with _translated(self._uri):
            rows = await self._table.query().select(["id"]).with_row_id().to_arrow()
            piece_of = rows["_rowid"].to_numpy() >> 32  # a row's address: the number of its piece, then its place there
            pieces, sizes = np.unique(piece_of, return_counts=True)
            small, together = list[int](), 0
            for place in np.argsort(sizes):
                if small and sizes[place] > 2 * together:
                    break
                small.append(int(pieces[place]))
                together += int(sizes[place])
            ids = rows["id"].filter(np.isin(piece_of, small)).to_pylist() if len(small) > 1 else []
            return await self._table.query().where(_expression({"id": ids})).to_arrow()

    async def rewrite(self, rows: Any) -> None:
        """Write rows again as they are, into one piece; one that was changed or deleted since it was read stays so."""
        with _committing(self._uri):
            same = "target.revision = source.revision"
            await self._table.merge_insert("id").when_matched_update_all(where=same).execute(rows)

    async def compact(self) -> None:
        """Join the pieces and drop old versions. A full-text index that stops it is made anew.

        Raises Conflict when a row of the pieces was changed meanwhile: then nothing was done.
        """
        with _committing(self._uri):
            try:
                await self._table.optimize(cleanup_older_than=self._kept)
            except (OSError, RuntimeError, ValueError) as exc:
                if _is_conflict(exc):
                    raise
                for index in await self._table.list_indices():
                    if index.index_type == "FTS":
                        await self._table.create_index(index.columns[0], config=_words_index(), replace=True)
                await self._table.optimize(cleanup_older_than=self._kept)

    async def sweep(self) -> None:
        """Drop what killed processes left in a local folder: files that no version refers to, and unfinished ones.

        LanceDB keeps the first for a week, since somebody may be about to commit them, and the second for ever. So this is
        for a caller who knows that nobody is writing.
        """
        with _committing(self._uri):
            await self._table.optimize(cleanup_older_than=self._kept, delete_unverified=True)
            _drop_unfinished(self._folder)

    def versions(self) -> int:
        """How many are kept in a local folder."""
        return len(list((self._folder / "_versions").iterdir()))

    @property
    def _folder(self) -> Path:
        return Path(self._uri, f"{self._table.name}.lance")

    async def trained_on(self, column: str) -> int:
        """How many rows there were when the vector index of a column was trained; 0 where there is none."""
        with _translated(self._uri):
            names = [index.name for index in await self._table.list_indices() if index.columns == [column]]
        return max((int(name.removeprefix(f"{column}_of_")) for name in names), default=0)

    async def index_vectors(self, column: str, metric: Metric, rows: int) -> None:
        """Train an index for this many rows, in place of an older one.

        IVF_RQ (RaBitQ, arXiv 2405.12497): the parts that are probed are compared by one bit a number, the best of them exactly.
        """
        name = f"{column}_of_{rows}"
        with _committing(self._uri):
            partitions = IvfRq(distance_type=metric, num_partitions=int(rows**0.5))
            await self._table.create_index(column, config=partitions, name=name, replace=True)
            for index in await self._table.list_indices():
                if index.columns == [column] and index.name != name:
                    await self._table.drop_index(index.name)

    async def index_values(self, column: str) -> None:
        """For filters on a column of few different values."""
        with _committing(self._uri):
            await self._table.create_index(column, config=Bitmap(), replace=True)

    def close(self) -> None:
        self._table.close()


def _drop_unfinished(folder: Path) -> None:
    """LanceDB writes a file under this name and renames it when it is whole."""
    for file in folder.rglob(".tmp*"):
        file.unlink(missing_ok=True)


def _words_index() -> FTS:
    """Without positions: they make compaction crash."""
    return FTS(stem=True, with_position=False)


def _expression(equal: Equal) -> Expr:
    terms = [
        col(name) == lit(value) if isinstance(value, str | int) else col(name).isin(list(value))
        for name, value in equal.items()
    ]
    return reduce(lambda left, right: left & right, terms)


def _is_conflict(exc: Exception) -> bool:
    """Whether LanceDB gave up, after its own retries, because others committed first."""
    return re.search("commit conflict|concurrent writers", str(exc)) is not None


@contextmanager
def _committing(uri: str) -> Generator[None]:
    """Not to be cancelled: LanceDB would go on for a moment, when the caller has let go of the lock already."""
    with anyio.CancelScope(shield=True), _translated(uri):
        yield


@contextmanager
def _translated(uri: str) -> Generator[None]:
    try:
        yield
    except (OSError, RuntimeError, ValueError) as exc:
        if _is_conflict(exc):
            raise Conflict(f"Others write to the bank at {uri} at the same time.") from exc
        if re.search("does not exist in schema|No field named (vector|tokens)_", str(exc)):
            raise ModelMismatch(
                f"The bank at {uri} has been re-embedded with another model meanwhile. Restart the server."
            ) from exc
        raise BankUnavailable(bank_trouble(uri, exc)) from exc
