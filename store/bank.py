"""Is the front of the store: strategies, episodes, runs and recalls, shared by several processes.

Writes happen inside `await bank.atomically(step)`: one process at a time on a local folder, again on an object store when
another process came first. Reads need no lock and see every committed write of every process. When a method returns, its
write is durable.
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import tenacity

from strategy_bank.store.embedding.embedder import Embedder, Vector
from strategy_bank.store.errors import BankBusy, BankError, BankUnavailable, Conflict, ModelMismatch
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.table import LAST_REVISION, Connection, Table
from strategy_bank.store.location import Location
from strategy_bank.store.lock import WriteLock
from strategy_bank.store.maintenance import migrations, opening
from strategy_bank.store.maintenance.erasure_notes import ErasureNotes
from strategy_bank.store.maintenance.upkeep import Upkeep
from strategy_bank.store.progress import Progress
from strategy_bank.store.reading import Reading
from strategy_bank.store.recall_buffer import RECALLS_BUFFERED, RecallBuffer
from strategy_bank.store.records import Recall, Record, Strategy
from strategy_bank.store.retrieval import ranking, strategy_vectors
from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy, Pieces
from strategy_bank.store.scratch import lend_scratch

MANY = 20_000  # number of strategies from which a bank needs larger caches
REOPENED_EVERY = 50  # rounds of upkeep after which the tables are opened again
EMBED_BATCH = 64
LEAST_TRIES = 4  # attempts at a step before giving up, however long each takes

logger = logging.getLogger(__name__)
R = TypeVar("R", bound=Record)
T = TypeVar("T")


class Bank(Reading):
    """An open bank, made by `Bank.open`. Its methods raise only the errors of `errors.py`."""

    def __init__(self, location: Location, connection: Connection) -> None:
        self.location = location
        self.lock = WriteLock(location.lock_file, location.lock_timeout_s)
        self.embedder = Embedder(location.models_dir)
        self._connection = connection
        self.tables: dict[str, Table] = {}  # by the names in `schema.RECORDS`
        self.recalls = RecallBuffer()  # of this process, until they are written
        self._upkeep = Upkeep(location, self.atomically)
        self._rounds = 0

    # opening and closing

    @classmethod
    async def open(cls, location: Location, *, any_model: bool = False) -> "Bank":
        """Open the bank at `location`, and create or migrate it if necessary. Loads no model.

        `any_model` accepts vectors of another or an unknown model, for `reembed`.
        """
        location.prepare()
        lend_scratch(location.home)
        bank = cls(location, await Connection.open(location))
        stored = partial(opening.stored_version, bank._connection)
        try:
            version = await stored()
        except BankUnavailable:  # another process may be creating it
            version = await bank.atomically(stored)
        if version != migrations.FORMAT_VERSION:
            await bank.atomically(partial(opening.make_or_migrate, bank._connection, location, bank.embedder.stamp))
        location.close_to_others()
        await bank._open_tables()
        await opening.complete_columns(bank.tables, bank.atomically)
        if not location.is_service and await bank.count(Strategy) >= MANY:
            await bank._reopen()
        try:
            stamp = schema.stamp_of(await bank.tables["strategies"].schema())
            bank.embedder = Embedder(location.models_dir, stamp.name, reads_pieces=stamp.reads_pieces)
            await bank._check_stamp()
        except ModelMismatch:
            if not any_model:
                raise
        return bank

    async def _open_tables(self) -> None:
        self.tables = {name: await self._connection.table(name) for name in schema.RECORDS}
        self._notes = ErasureNotes(await self._connection.table("meta"))

    async def _reopen(self) -> None:
        """Open the tables with new caches, as large as the bank needs. Reads in progress keep the old tables."""
        # each entry of an old cache keeps files of an old index open
        self._connection = await Connection.open(self.location, await self.count(Strategy))
        await self._open_tables()

    async def close(self) -> None:
        """Write buffered recalls, if possible, and close the files."""
        try:
            if self.recalls:
                await self.atomically(self.flush_recalls)
        except BankError as exc:  # a bank that cannot be written can still be read
            logger.warning("Which strategies were shown could not be noted: %s", exc)
        finally:
            for table in self.tables.values():
                table.close()
            self._connection.close()

    async def _check_stamp(self) -> None:
        stored = schema.stamp_of(await self.tables["strategies"].schema())
        if stored != self.embedder.stamp:
            raise ModelMismatch(
                f"The bank at {self.location.tables_uri} was embedded with {stored.name} ({stored.fingerprint}), this "
                f"server has {self.embedder.stamp.name} ({self.embedder.stamp.fingerprint}). Restart the server; if that "
                f"does not help, re-embed the bank with `strategy-bank models use {self.embedder.stamp.name}`."
            )

    # writing

    async def atomically(self, step: Callable[[], Awaitable[T]]) -> T:
        """Run a step that reads and writes as if nobody else wrote meanwhile. It may run several times.

        On a local folder the write lock keeps others out. On an object store, `amend` notices that another process came first,
        and the step is repeated after a random wait. Raises BankBusy when others keep this one from writing for too long.
        """
        patience = self.location.lock_timeout_s
        again = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(Conflict),
            wait=tenacity.wait_random_exponential(multiplier=0.05, max=2),
            stop=tenacity.stop_after_delay(patience) & tenacity.stop_after_attempt(LEAST_TRIES),
            reraise=True,
        )
        try:
            return await again(self._locked, step)
        except Conflict as exc:
            raise BankBusy(f"{exc} This went on for more than {patience:g} s; try again.") from exc

    async def _locked(self, step: Callable[[], Awaitable[T]]) -> T:
        async with self.lock.hold():
            return await step()

    async def add(self, record: Record) -> bool:
        """Insert an episode or a run and return whether it was new. An existing id keeps its row."""
        return await self.add_all([record]) > 0

    async def add_all(self, records: Sequence[Record]) -> int:
        """Insert episodes, runs or recalls, of one kind and with distinct ids, in one commit; return how many were new."""
        if not records:
            return 0
        return await self._table(type(records[0])).insert([schema.to_row(record) for record in records])

    async def embed(self, strategies: Sequence[Strategy]) -> list[EmbeddedStrategy]:
        """Return strategies with their vectors. This is slow, so call it before taking the write lock."""
        return await anyio.to_thread.run_sync(strategy_vectors.embed, self.embedder, strategies)

    async def vectors(self, tasks: Sequence[str]) -> list[Vector]:
        """Return the unit vectors (d,) of tasks, of long ones those of their beginning and end."""
        gists = [ranking.gist(task) for task in tasks]
        readings = await anyio.to_thread.run_sync(self.embedder.read_documents, gists)
        return [reading.vector for reading in readings]

    async def pieces(self, items: Sequence[EmbeddedStrategy]) -> list[Pieces | None]:
        """Return the word pieces of each text, in a millisecond each; None where the model gives none."""
        return await anyio.to_thread.run_sync(lambda: [strategy_vectors.pieces(self.embedder, item) for item in items])

    async def add_strategies(self, embedded: Sequence[EmbeddedStrategy]) -> int:
        """Insert strategies in one commit and return how many were new. Existing ids keep their rows."""
        if not embedded:
            return 0
        await self._check_stamp()
        return await self._table(Strategy).insert(
            [strategy_vectors.row(item, self.embedder.stamp) for item in embedded]
        )

    async def amend(self, records: Sequence[Record]) -> None:
        """Store changed records of one kind in one commit; a deleted one stays deleted.

        Raises Conflict when one of them was changed since it was read; the others are updated nevertheless.
        """
        if records:
            await self._amend(type(records[0]), [schema.to_row(record) for record in records])

    async def amend_embedded(self, items: Sequence[EmbeddedStrategy]) -> None:
        """Store changed strategies like `amend`, with the vectors of what they say now."""
        await self._check_stamp()
        await self._amend(Strategy, [strategy_vectors.row(item, self.embedder.stamp) for item in items])

    async def _amend(self, kind: type[Record], rows: Sequence[schema.Row]) -> None:
        amended = await self._table(kind).amend(
            [row | {"revision": (row["revision"] + 1) % (LAST_REVISION + 1)} for row in rows]
        )
        if amended < len(rows) and amended < await self.count(kind, id=[row["id"] for row in rows]):
            raise Conflict(f"Another process changed the same {kind.__name__.lower()} at the same time.")

    async def forget(self, ids: Collection[str]) -> list[str]:
        """Delete records for good and return the ids that existed."""
        gone: list[str] = []
        for name, kind in schema.RECORDS.items():
            present = [row["id"] for row in await self.cells(kind, [], id=list(ids))]
            if present:
                await self._notes.add([name])
                await self._table(kind).delete(present)
            gone += present
        return gone

    async def note_forgotten(self, kinds: Collection[type[Record]]) -> None:
        """Note within a step that bytes of these kinds of records are to leave the disk, which upkeep sees to."""
        await self._notes.add([name for name, kind in schema.RECORDS.items() if kind in kinds])

    # recalls: buffered, so that a recall never waits for a write

    async def has_recall(self, id: str) -> bool:
        """Tell whether a recall was noted, written already or not."""
        return id in self.recalls or await self.count(Recall, id=id) > 0

    async def flush_recalls(self) -> None:
        """Write the buffered recalls, and what was noted of earlier ones. After an error they stay buffered."""
        await self.recalls.flush(self.add_all, self._notes.forgotten_at)
        await self.recalls.flush_late(self._amend_late)

    async def _amend_late(self, noted: Mapping[str, dict[str, Any]]) -> None:
        stored = await self.all(Recall, id=list(noted))
        await self.amend([recall.model_copy(update=noted[recall.id]) for recall in stored])

    # upkeep

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[dict[str, Table]]:
        """Yield every table as of the same moment. Later writes do not change them, and upkeep waits."""

        async def frozen() -> dict[str, Table]:
            await self.flush_recalls()
            return {name: await self._connection.frozen(name) for name in [*schema.RECORDS, "meta"]}

        async with self._upkeep.held_off():
            views = await self.atomically(frozen)
            try:
                yield views
            finally:
                for view in views.values():
                    view.close()

    async def fragments(self) -> dict[str, int]:
        """Return the number of fragments of each table. Many make searches slow, and `maintain` joins them."""
        return {name: (await table.files.spread())[0] for name, table in self.tables.items()}

    async def read_through(self) -> int:
        """Read every row, to find damaged files, and return the number of rows. Upkeep waits."""
        async with self._upkeep.held_off():
            return sum([batch.num_rows for table in self.tables.values() async for batch in table.batches()])

    async def maintain(self) -> bool:
        """Write buffered recalls and do the upkeep that is due (upkeep.py); return whether any fragments were joined."""
        if len(self.recalls) >= RECALLS_BUFFERED:
            await self.atomically(self.flush_recalls)
        if self.location.is_service:
            return False
        compacted = await self._upkeep.run(self.tables, self._notes, self.embedder.stamp)
        self._rounds += 1
        if self._rounds % REOPENED_EVERY == 0:
            await self._reopen()
        return compacted

    async def purge(self, progress: Progress = lambda done, total: None) -> None:
        """Leave nothing on the disk of what was forgotten or changed: no old version, index or stray file.

        Raises BankUnavailable where a file cannot be deleted, and BankBusy while others keep the bank for too long.
        """
        await self._upkeep.purge(self.tables, self._notes, self.embedder.stamp, progress)

    async def reembed(self, name: str, progress: Progress = lambda done, total: None) -> None:
        """Embed all strategies with another model and replace the table in one commit."""
        self.embedder = Embedder(self.location.models_dir, name)
        await anyio.to_thread.run_sync(self.embedder.warm)

        async def replace() -> None:
            strategies = await self.all(Strategy)
            rows = await strategy_vectors.embedded_rows(self.embedder, strategies, EMBED_BATCH, progress)
            columns = schema.strategies_schema(self.embedder.stamp)
            self.tables["strategies"] = await self._connection.make("strategies", columns, words="text", rows=rows)

        await self.atomically(replace)
