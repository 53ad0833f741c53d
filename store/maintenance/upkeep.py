"""Keeps a growing bank fast: one process joins fragments, deletes stray files and builds indexes, beside reads and writes."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

from strategy_bank.store.embedding.embedder import ModelStamp
from strategy_bank.store.errors import BankError, BankUnavailable, Conflict
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.erasure import drop_old_versions, write_anew
from strategy_bank.store.lance.files import Metric
from strategy_bank.store.lance.table import Table
from strategy_bank.store.location import Location
from strategy_bank.store.lock import WriteLock
from strategy_bank.store.maintenance.erasure_notes import ErasureNotes, Note
from strategy_bank.store.progress import Progress

COMPACT_AT = 30  # number of fragments from which a table is compacted
GATHER_AT = 10  # number of fragments from which the small ones of a large table are joined
# compaction rewrites every row, so it needs this share of rows outside the largest fragment, or of old versions per row; below,
# joining the small fragments is enough
STALE = 0.02
PUT_OFF = 20  # wait before compaction is tried again after a write undid it, in multiples of the time it took
VERSIONS_LISTED_EVERY_S = 300.0  # the more there are, the longer it takes
SWEPT_AT_MOST = 100  # versions of a table that is swept, since each is read while writers wait
INDEXED_FROM = 4096  # number of strategies from which vectors are indexed; below, comparing with all of them is as fast
RETRAINED_AT = 4  # growth factor after which the index is trained again


class Upkeep:
    """The upkeep of one bank. Only one process does it at a time, since two would undo each other's work."""

    def __init__(self, location: Location, atomically: Callable[..., Awaitable[Any]]) -> None:
        self._location = location
        self._atomically = atomically
        self._lock = WriteLock(location.upkeep_file, location.lock_timeout_s)
        self._put_off_until = dict.fromkeys(schema.RECORDS, float("-inf"))
        self._versions_listed = dict.fromkeys(schema.RECORDS, float("-inf"))
        self._littered = set(schema.RECORDS)  # tables that may hold files without a version: at the start, all of them

    async def run(self, opened: Mapping[str, Table], notes: ErasureNotes, stamp: ModelStamp) -> bool:
        """Join fragments where there are many, take away what was forgotten, and index the strategies if needed.

        Returns whether any were joined or rewritten.
        """
        crowded, due = list[str](), list[str]()
        for name, table in opened.items():
            fragments, loose = await table.files.spread()
            if fragments < (COMPACT_AT if loose >= STALE else GATHER_AT):
                continue
            if time.monotonic() >= self._put_off_until[name] and (
                loose >= STALE or await self._is_outdated(name, table)
            ):
                due.append(name)
            else:
                crowded.append(name)
        outgrown = await _outgrown(opened["strategies"], stamp)
        forgotten = await self._erasable(opened, notes)
        if not crowded and not due and not outgrown and not forgotten:
            return False
        async with self._lock.hold_if_free() as ours:
            if not ours:
                return False
            compacted = [name for name in due if await self._compact(name, opened[name])]
            for name in (*crowded, *due):
                if name not in compacted:
                    await self._gather(opened[name])
            await self._sweep({name: opened[name] for name in compacted})
            for note in forgotten:
                await self._erase(opened[note.table], notes, note)
            # what is written anew has no index
            await _index(opened["strategies"], await _outgrown(opened["strategies"], stamp) if forgotten else outgrown)
        return bool(crowded or due or forgotten)

    async def _erasable(self, opened: Mapping[str, Table], notes: ErasureNotes) -> list[Note]:
        """Return the notes about tables for which something can be done now."""
        return [
            note
            for note in await notes.due(opened.keys())
            if time.monotonic() >= self._put_off_until[note.table]
            and (not note.clean_from or await opened[note.table].files.is_past(note.clean_from))
        ]

    async def _erase(self, table: Table, notes: ErasureNotes, note: Note) -> None:
        """Write every row anew, beside reads and writes; or drop the old versions, once nobody reads them any more."""
        if not note.clean_from:
            clean_from = await write_anew(table.files, self._atomically)
            await self._atomically(partial(notes.update, note, clean_from))
        elif await self._compact(note.table, table) and min(await table.files.made()) >= note.clean_from:
            await self._atomically(partial(notes.drop, [note]))

    async def purge(
        self, opened: Mapping[str, Table], notes: ErasureNotes, stamp: ModelStamp, progress: Progress
    ) -> None:
        """Take everything off the disk that was deleted or changed: all old versions, with what killed processes left.

        Writers wait while they are deleted, readers begin anew. Raises BankBusy, and BankUnavailable where a file stays.
        """
        if self._location.is_service:
            raise BankUnavailable(
                f"The service at {self._location.uri} keeps old versions as it sees fit; ask who runs it to delete them."
            )
        async with self._lock.hold():
            due = await notes.due(opened.keys())
            old = {name: table.files.on_disk() for name, table in opened.items()}
            for done, (name, table) in enumerate(opened.items()):
                progress(done, len(opened))
                await write_anew(table.files, self._atomically)
                await self._compact(name, table)

            async def drop() -> None:
                for name, table in opened.items():
                    await drop_old_versions(table.files, old[name])
                await notes.drop(due)

            await self._atomically(drop)
            await _index(opened["strategies"], await _outgrown(opened["strategies"], stamp))
            progress(len(opened), len(opened))

    @asynccontextmanager
    async def held_off(self) -> AsyncGenerator[None]:
        """Hold off upkeep in all processes during a long read, so that none drops the version being read.

        If the lock cannot be taken in time, the read proceeds anyway.
        """
        async with AsyncExitStack() as until_read:
            with suppress(BankError):
                await until_read.enter_async_context(self._lock.hold())
            yield

    async def _is_outdated(self, name: str, table: Table) -> bool:
        if time.monotonic() < self._versions_listed[name] + VERSIONS_LISTED_EVERY_S:
            return False
        self._versions_listed[name] = time.monotonic()
        return await table.files.is_outdated(STALE)

    async def _gather(self, table: Table) -> None:
        """Join the small fragments. Reading them takes no lock, and a row that changes meanwhile stays as it is."""
        rows = await table.files.scattered()
        if rows.num_rows:
            await self._atomically(lambda: table.files.rewrite(rows))

    async def _compact(self, name: str, table: Table) -> bool:
        """Compact a table beside reads and writes; return False when a write has undone it."""
        began = time.monotonic()
        try:
            await self._beside_writes(table)
        except Conflict:
            self._littered.add(name)
            self._put_off_until[name] = time.monotonic() + PUT_OFF * (time.monotonic() - began)
            return False
        return True

    async def _beside_writes(self, table: Table) -> None:
        """Compact a table, and keep writers waiting only where the times of files would make theirs look abandoned."""
        # an object store refuses clients whose clocks differ by more than minutes
        if self._location.lock_file and await table.files.looks_old():
            await self._atomically(table.files.compact)
        else:
            await table.files.compact()

    async def _sweep(self, compacted: Mapping[str, Table]) -> None:
        """Delete the files that killed processes and undone compactions left in local tables.

        Writers hold the write lock until they have committed, compaction and indexing the upkeep lock. The caller holds the
        latter and this method takes the former, so no file is still to be committed. Object stores have no such locks.

        Sweeping compacts as well, so it requires that nothing has been written since the last compaction. That is repeated
        first, since it joins fragments only once they are indexed alike. A busy table is swept when it becomes quieter.
        """
        littered = self._littered & compacted.keys() if self._location.lock_file else ()
        for name in [name for name in littered if compacted[name].files.versions() <= SWEPT_AT_MOST]:
            files = compacted[name].files
            if await self._compact(name, compacted[name]):
                version = await files.version()
                if await self._atomically(lambda files=files, version=version: files.sweep(version)):
                    self._littered.discard(name)


async def _outgrown(table: Table, stamp: ModelStamp) -> dict[str, Metric]:
    """Return the vector columns that need a new index, with their metrics."""
    rows = await table.count({})
    if rows < INDEXED_FROM:
        return {}
    metrics: dict[str, Metric] = {schema.retrieval_column(stamp): "dot", schema.text_column(stamp): "cosine"}
    return {c: metric for c, metric in metrics.items() if rows >= RETRAINED_AT * await table.files.trained_on(c)}


async def _index(table: Table, outgrown: Mapping[str, Metric]) -> None:
    """Build indexes, which needs no lock."""
    for column in ("scope", "status") if outgrown else ():
        await table.files.index_values(column)
    for column, metric in outgrown.items():
        await table.files.index_vectors(column, metric, await table.count({}))
