"""What keeps a bank fast as it grows: joined pieces, swept files, indexes; by one process, beside reads and writes."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from strategy_bank.store.embedding.embedder import ModelStamp
from strategy_bank.store.errors import BankError, Conflict
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.files import Metric
from strategy_bank.store.lance.table import Table
from strategy_bank.store.location import Location
from strategy_bank.store.lock import WriteLock

Atomically = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]
"""`Bank.atomically`."""

COMPACT_AT = 30
"""Pieces of a table from which it is compacted."""
GATHER_AT = 10
"""Pieces of a large table from which the small ones are joined."""
STALE = 0.02
"""Of a table's rows: where so many are loose, or it has so many old versions, it is compacted, which writes all of them anew;
below, joining the small pieces will do."""
PUT_OFF = 20
"""Compaction that a write has undone is tried again after so many times as long as it took; until then, joining has to do."""
VERSIONS_LOOKED_AT_EVERY_S = 300.0
"""Looking at them takes the longer, the more there are."""
SWEPT_AT_MOST = 100
"""Versions that a table has when it is swept: each is read while writers wait."""
INDEXED_FROM = 4096
"""Strategies from which vectors are indexed; for fewer, comparing with all of them is as fast."""
RETRAINED_AT = 4
"""The index is trained anew when there are so many times the strategies that it was trained on."""


class Upkeep:
    """Of one bank. A process that finds another one at it leaves it to that one, since the two would undo each other."""

    def __init__(self, location: Location, atomically: Atomically) -> None:
        self._location = location
        self._atomically = atomically
        self._lock = WriteLock(location.upkeep_file, location.lock_timeout_s)
        self._put_off_until = dict.fromkeys(schema.RECORDS, float("-inf"))
        self._versions_looked_at = dict.fromkeys(schema.RECORDS, float("-inf"))
        self._littered = set(schema.RECORDS)
        """Tables that may hold files to which no version refers: all of them when a process begins."""

    async def run(self, opened: Mapping[str, Table], stamp: ModelStamp) -> bool:
        """Join pieces where they are many, index the strategies where they have outgrown it; whether any pieces were joined."""
        crowded, due = list[str](), list[str]()
        for name, table in opened.items():
            pieces, loose = await table.layout.spread()
            if pieces < (COMPACT_AT if loose >= STALE else GATHER_AT):
                continue
            if time.monotonic() >= self._put_off_until[name] and (
                loose >= STALE or await self._is_outdated(name, table)
            ):
                due.append(name)
            else:
                crowded.append(name)
        outgrown = await _outgrown(opened["strategies"], stamp)
        if not crowded and not due and not outgrown:
            return False
        async with self._lock.hold_if_free() as ours:
            if not ours:
                return False
            compacted = [name for name in due if await self._compact(name, opened[name])]
            for name in (*crowded, *due):
                if name not in compacted:
                    await self._gather(opened[name])
            await self._sweep({name: opened[name] for name in compacted})
            await _index(opened["strategies"], outgrown)
        return bool(crowded or due)

    @asynccontextmanager
    async def held_off(self) -> AsyncGenerator[None]:
        """For who reads one version of the tables for long: no process drops it meanwhile.

        Where others do not end their upkeep in time, or the lock cannot be taken in this place, reading goes on without.
        """
        async with AsyncExitStack() as until_read:
            with suppress(BankError):
                await until_read.enter_async_context(self._lock.hold())
            yield

    async def _is_outdated(self, name: str, table: Table) -> bool:
        if time.monotonic() < self._versions_looked_at[name] + VERSIONS_LOOKED_AT_EVERY_S:
            return False
        self._versions_looked_at[name] = time.monotonic()
        return await table.layout.is_outdated(STALE)

    async def _gather(self, table: Table) -> None:
        """Reading takes no lock; what is changed meanwhile is left as it is."""
        rows = await table.layout.scattered()
        if rows.num_rows:
            await self._atomically(lambda: table.layout.rewrite(rows))

    async def _compact(self, name: str, table: Table) -> bool:
        """Beside reads and writes; whether none of these has undone it."""
        began = time.monotonic()
        try:
            await table.layout.compact()
        except Conflict:
            self._littered.add(name)
            self._put_off_until[name] = time.monotonic() + PUT_OFF * (time.monotonic() - began)
            return False
        return True

    async def _sweep(self, compacted: Mapping[str, Table]) -> None:
        """Drop what killed processes, or compactions that came too late, left in the tables. The caller holds the upkeep lock.

        On a local folder every writer holds the write lock until its commit is done, and compaction and indexing the upkeep
        lock: who holds both knows that no file there is still to be committed. An object store has no such locks.

        Sweeping compacts as well, so it is done only when nothing has been written since a compaction; that is done once more
        before, since pieces that have just been indexed are joined with the others only then. A table that is written to all
        the time is swept when it has become quieter.
        """
        littered = self._littered & compacted.keys() if self._location.lock_file else ()
        for name in [name for name in littered if compacted[name].layout.versions() <= SWEPT_AT_MOST]:
            layout = compacted[name].layout
            if await self._compact(name, compacted[name]):
                version = await layout.version()
                if await self._atomically(lambda layout=layout, version=version: layout.sweep(version)):
                    self._littered.discard(name)


async def _outgrown(table: Table, stamp: ModelStamp) -> dict[str, Metric]:
    """The vector columns that need an index, or a new one, with what is measured in them."""
    rows = await table.count({})
    if rows < INDEXED_FROM:
        return {}
    metrics: dict[str, Metric] = {schema.retrieval_column(stamp): "dot", schema.text_column(stamp): "cosine"}
    return {c: metric for c, metric in metrics.items() if rows >= RETRAINED_AT * await table.layout.trained_on(c)}


async def _index(table: Table, outgrown: Mapping[str, Metric]) -> None:
    """Beside reads and writes, which need no lock for it."""
    for column in ("scope", "status") if outgrown else ():
        await table.layout.index_values(column)
    for column, metric in outgrown.items():
        await table.layout.index_vectors(column, metric, await table.count({}))
