"""Manages how a table is stored: fragments, old versions and indexes. What readers see does not change here."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types, and lancedb's refer to them)

import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np

from strategy_bank.store.lance.errors import committing, is_conflict, is_gone, translated
from strategy_bank.store.lance.library import FTS, Bitmap, IvfRq, col, lancedb

KEPT_AT_MOST = timedelta(days=1)  # age of old versions from which a table in use is compacted
LAG_S = (
    86_400.0  # seconds by which files may look older than they are: LanceDB takes them for abandoned after seven days
)

BITS = 3  # bits for each number of a vector in its index

Metric = Literal["dot", "cosine"]


@dataclass(frozen=True)
class TableFiles:
    """The files of one table of the bank at `uri`, where old versions stay for the time `kept`."""

    uri: str
    table: lancedb.AsyncTable
    kept: timedelta

    async def spread(self) -> tuple[int, float]:
        """Return the number of fragments, and the share of the rows that lie outside the largest.

        Each write adds a fragment, and each fragment makes searches a little slower.
        """
        with translated(self.uri):
            stats: Any = await self.table.stats()
        fragments = stats["fragment_stats"]
        return fragments["num_fragments"], 1 - fragments["lengths"]["max"] / max(stats["num_rows"], 1)

    async def is_outdated(self, share: float) -> bool:
        """Return whether the oldest version, with what was deleted since, is older than a day, or many can be dropped.

        Many are `share` times the number of rows. Listing a thousand versions takes a quarter of a second.
        """
        with translated(self.uri):
            try:
                made = [version["timestamp"] for version in await self.table.list_versions()]
            except (OSError, RuntimeError, ValueError) as exc:
                if is_gone(exc):  # another process is dropping them
                    return False
                raise
            rows = await self.table.count_rows()
        now = datetime.now()
        return min(made) < now - KEPT_AT_MOST or sum(each < now - self.kept for each in made) >= share * rows

    async def scattered(self) -> Any:
        """Return the rows of the small fragments as a pyarrow.Table.

        A fragment is small if it has at most twice the rows of all smaller ones together. So a row is not rewritten every time,
        but only when its fragment grows by half.
        """
        with translated(self.uri):
            rows = await self.table.query().select(["id"]).with_row_id().to_arrow()
            fragment_of = rows["_rowid"].to_numpy() >> 32  # the other half of a row's address is its place there
            fragments, sizes = np.unique(fragment_of, return_counts=True)
            small, together = list[int](), 0
            for place in np.argsort(sizes):
                if small and sizes[place] > 2 * together:
                    break
                small.append(int(fragments[place]))
                together += int(sizes[place])
            ids = rows["id"].filter(np.isin(fragment_of, small)).to_pylist() if len(small) > 1 else []
            return await self.table.query().where(col("id").isin(ids)).to_arrow()

    async def rewrite(self, rows: Any) -> None:
        """Write rows into one fragment. A row that was changed or deleted since it was read stays so."""
        with committing(self.uri):
            same = "target.revision = source.revision"
            await self.table.merge_insert("id").when_matched_update_all(where=same).execute(rows)

    async def compact(self) -> None:
        """Join all fragments and drop old versions; rebuild a full-text index that prevents it.

        Raises Conflict, and does nothing, when a row was changed meanwhile.
        """
        with committing(self.uri):
            try:
                await self.table.optimize(cleanup_older_than=self.kept)
            except (OSError, RuntimeError, ValueError) as exc:
                if is_conflict(exc):
                    raise
                for index in await self.table.list_indices():
                    if index.index_type == "FTS":
                        await self.table.create_index(index.columns[0], config=words_index(), replace=True)
                await self.table.optimize(cleanup_older_than=self.kept)

    async def looks_old(self) -> bool:
        """Return whether files of a local table look a day older than they are, as where a share's clock is behind.

        Compaction deletes old files that no version refers to. Where times lag, those of a write in progress are among them.
        """
        with translated(self.uri), tempfile.TemporaryFile(dir=self._folder) as fresh:
            ages = [time.time() - os.fstat(fresh.fileno()).st_mtime]
        for version, written in (await self.made()).items():
            with suppress(FileNotFoundError):
                ages.append(written.timestamp() - self._manifest(version).stat().st_mtime)
        return max(ages) > LAG_S

    async def sweep(self, version: int) -> bool:
        """Delete what killed processes left in a local folder: files that no version refers to, and unfinished ones.

        Returns whether it did, which requires that the newest version is still this one, made by a compaction. The caller
        must know that nobody is writing: LanceDB keeps the first kind of files for a week, since somebody may be about to
        commit them, and the second for ever.
        """
        if await self.version() != version:
            return False
        with committing(self.uri):
            await self.table.optimize(cleanup_older_than=self.kept, delete_unverified=True)
            self.drop_unfinished()
        return True

    def drop_unfinished(self) -> None:
        _drop_unfinished(self._folder)

    async def version(self) -> int:
        """Return the number of the newest version. Every write changes it."""
        with translated(self.uri):
            return await self.table.version()

    async def made(self) -> dict[int, datetime]:
        """Return when each version was made, in local time."""
        with translated(self.uri):
            return {version["version"]: version["timestamp"] for version in await self.table.list_versions()}

    async def is_past(self, version: int) -> bool:
        """Return whether a version was made so long ago that nobody reads the ones before it any more."""
        made = (await self.made()).get(version)
        return made is None or made < datetime.now() - self.kept

    def on_disk(self) -> list[Path]:
        """Return the files of a local table but the one that only repeats which version is the newest; none elsewhere."""
        if "://" in self.uri:
            return []
        return [file for file in self._folder.rglob("*") if file.is_file() and file.suffix != ".json"]

    async def newest(self) -> list[Path]:
        """Return the files of a local table that say what the newest version is and how it was made."""
        version = await self.version()
        return [self._manifest(version), *(self._folder / "_transactions").glob(f"{version - 1}-*.txn")]

    def versions(self) -> int:
        """Return the number of versions in a local folder."""
        return len(list((self._folder / "_versions").iterdir()))

    def _manifest(self, version: int) -> Path:
        return self._folder / "_versions" / f"{2**64 - 1 - version:020}.manifest"  # so that the newest comes first

    @property
    def _folder(self) -> Path:
        return Path(self.uri, f"{self.table.name}.lance")

    async def trained_on(self, column: str) -> int:
        """Return the number of rows on which the vector index of a column was trained; 0 without an index."""
        with translated(self.uri):
            names = [index.name for index in await self.table.list_indices()]
        kind = _kind(column)
        return max((int(name.removeprefix(kind)) for name in names if name.startswith(kind)), default=0)

    async def index_vectors(self, column: str, metric: Metric, rows: int) -> None:
        """Train an index for this many rows, in place of an older one: IVF_RQ, a few bits a number (arXiv 2405.12497)."""
        name = f"{_kind(column)}{rows}"
        with committing(self.uri):
            partitions = IvfRq(distance_type=metric, num_partitions=int(rows**0.5), num_bits=BITS)
            await self.table.create_index(column, config=partitions, name=name, replace=True)
            for index in await self.table.list_indices():
                if index.columns == [column] and index.name != name:
                    await self.table.drop_index(index.name)

    async def index_anew(self) -> None:
        """Build the full-text index anew from the rows that are there, and drop all others: upkeep builds what is due."""
        with committing(self.uri):
            for index in await self.table.list_indices():
                if index.index_type == "FTS":
                    await self.table.create_index(index.columns[0], config=words_index(), replace=True)
                else:
                    await self.table.drop_index(index.name)

    async def index_values(self, column: str) -> None:
        """Index a column of few different values, for filters."""
        with committing(self.uri):
            await self.table.create_index(column, config=Bitmap(), replace=True)


def _kind(column: str) -> str:
    """Return the beginning of an index's name; the number of rows that trained it follows."""
    # an index of another kind has another name, and is replaced
    return f"{column}_in_{BITS}_bits_of_"


def words_index() -> FTS:
    """Return the configuration of a full-text index."""
    return FTS(stem=True, with_position=False)  # positions make compaction crash


def _drop_unfinished(folder: Path) -> None:
    """Delete files of a local table under the name that LanceDB gives them until they are whole."""
    for file in folder.rglob(".tmp*"):
        with suppress(OSError):  # a virus scanner may have it open; the next sweep tries again
            file.unlink()
