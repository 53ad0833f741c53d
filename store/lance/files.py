"""How a table lies in its files: pieces, old versions, indexes. What they hold for readers does not change here."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false
# (pyarrow ships no types, and lancedb's refer to them)

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np

from strategy_bank.store.lance.errors import committing, is_conflict, translated
from strategy_bank.store.lance.library import FTS, Bitmap, IvfRq, col, lancedb

KEPT_AT_MOST = timedelta(days=1)
"""Old versions, in a bank that is used."""

BITS = 3
"""Of each number of a vector, in its index."""

Metric = Literal["dot", "cosine"]


class Layout:
    """Of one table."""

    def __init__(self, uri: str, table: lancedb.AsyncTable, kept: timedelta) -> None:
        """`kept`: for how long old versions are."""
        self._uri = uri
        self._table = table
        self._kept = kept

    async def fragments(self) -> int:
        """In how many pieces the table is: each write makes one, and each makes every search a little slower."""
        return (await self.spread())[0]

    async def spread(self) -> tuple[int, float]:
        """How many pieces there are, and the share of the rows that lie outside the largest."""
        with translated(self._uri):
            stats: Any = await self._table.stats()
        pieces = stats["fragment_stats"]
        return pieces["num_fragments"], 1 - pieces["lengths"]["max"] / max(stats["num_rows"], 1)

    async def is_outdated(self, share: float) -> bool:
        """Whether so many versions, as a share of the rows, are not needed any more, or the oldest is older than a day.

        What was deleted since is still in its files. Reads something of each version: a thousand take a quarter of a second.
        One that is gone when its turn comes says that another process is dropping them.
        """
        with translated(self._uri):
            try:
                made = [version["timestamp"] for version in await self._table.list_versions()]
            except (OSError, RuntimeError, ValueError) as exc:
                if "not found" in str(exc).lower():
                    return False
                raise
            rows = await self._table.count_rows()
        now = datetime.now()
        return min(made) < now - KEPT_AT_MOST or sum(each < now - self._kept for each in made) >= share * rows

    async def scattered(self) -> Any:
        """The rows of the small pieces, a pyarrow.Table: of each that is at most twice as large as all smaller ones together.

        So a row is not written anew each time, but each time that its piece grows by half.
        """
        with translated(self._uri):
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
            return await self._table.query().where(col("id").isin(ids)).to_arrow()

    async def rewrite(self, rows: Any) -> None:
        """Write rows again as they are, into one piece; one that was changed or deleted since it was read stays so."""
        with committing(self._uri):
            same = "target.revision = source.revision"
            await self._table.merge_insert("id").when_matched_update_all(where=same).execute(rows)

    async def compact(self) -> None:
        """Join the pieces and drop old versions. A full-text index that stops it is made anew.

        Raises Conflict when a row of the pieces was changed meanwhile: then nothing was done.
        """
        with committing(self._uri):
            try:
                await self._table.optimize(cleanup_older_than=self._kept)
            except (OSError, RuntimeError, ValueError) as exc:
                if is_conflict(exc):
                    raise
                for index in await self._table.list_indices():
                    if index.index_type == "FTS":
                        await self._table.create_index(index.columns[0], config=words_index(), replace=True)
                await self._table.optimize(cleanup_older_than=self._kept)

    async def sweep(self, version: int) -> bool:
        """Drop what killed processes left in a local folder: files that no version refers to, and unfinished ones.

        Whether that was done: only where the newest version is still this one, made by a compaction.

        LanceDB keeps the first for a week, since somebody may be about to commit them, and the second for ever. So this is
        for a caller who knows that nobody is writing.
        """
        if await self.version() != version:
            return False
        with committing(self._uri):
            await self._table.optimize(cleanup_older_than=self._kept, delete_unverified=True)
            _drop_unfinished(self._folder)
        return True

    async def version(self) -> int:
        """The number of the newest: it changes with everything that is written."""
        with translated(self._uri):
            return await self._table.version()

    def versions(self) -> int:
        """How many are kept in a local folder."""
        return len(list((self._folder / "_versions").iterdir()))

    @property
    def _folder(self) -> Path:
        return Path(self._uri, f"{self._table.name}.lance")

    async def trained_on(self, column: str) -> int:
        """How many rows there were when the vector index of a column was trained; 0 where there is none."""
        with translated(self._uri):
            names = [index.name for index in await self._table.list_indices()]
        kind = _kind(column)
        return max((int(name.removeprefix(kind)) for name in names if name.startswith(kind)), default=0)

    async def index_vectors(self, column: str, metric: Metric, rows: int) -> None:
        """Train an index for this many rows, in place of an older one.

        IVF_RQ (RaBitQ, arXiv 2405.12497): the parts that are probed are compared by a few bits a number.
        """
        name = f"{_kind(column)}{rows}"
        with committing(self._uri):
            partitions = IvfRq(distance_type=metric, num_partitions=int(rows**0.5), num_bits=BITS)
            await self._table.create_index(column, config=partitions, name=name, replace=True)
            for index in await self._table.list_indices():
                if index.columns == [column] and index.name != name:
                    await self._table.drop_index(index.name)

    async def index_values(self, column: str) -> None:
        """For filters on a column of few different values."""
        with committing(self._uri):
            await self._table.create_index(column, config=Bitmap(), replace=True)


def _kind(column: str) -> str:
    """What the name of a vector index begins with, before the rows that it was trained on: one of another kind is made anew."""
    return f"{column}_in_{BITS}_bits_of_"


def _drop_unfinished(folder: Path) -> None:
    """LanceDB writes a file under this name and renames it when it is whole."""
    for file in folder.rglob(".tmp*"):
        file.unlink(missing_ok=True)


def words_index() -> FTS:
    """Without positions: they make compaction crash."""
    return FTS(stem=True, with_position=False)
