"""The bank: strategies, episodes, runs and recalls in LanceDB, shared by several processes.

The only module that imports lancedb. Writes happen inside `async with bank.writing()`, one process at a time; reads need no
lock and see every committed write of every process. What a method returned from is durable.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false
# (pyarrow ships no types, and lancedb's refer to them)

from collections.abc import AsyncGenerator, Callable, Collection, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread
import lancedb
import numpy as np
from lancedb.expr import Expr, col, lit
from lancedb.index import FTS

from strategy_bank.store import migrations, ranking, tables
from strategy_bank.store.embedding import Embedder
from strategy_bank.store.errors import BankTooNew, BankUnavailable, ModelMismatch, NotFound
from strategy_bank.store.location import Location
from strategy_bank.store.lock import WriteLock
from strategy_bank.store.records import Hit, Recall, Record, Strategy

if TYPE_CHECKING:
    from strategy_bank.store.embedding import Vector

COMPACT_AT = 30
"""Fragments of a table from which it is compacted: each write makes one, and each makes every search a little slower."""
KEEP_OLD_VERSIONS = timedelta(minutes=15)
"""Readers of other processes may still be on an old version of a table for the length of one query."""
RECALLS_BUFFERED = 32
EMBED_BATCH = 64

R = TypeVar("R", bound=Record)
Filter = str | int | Sequence[str]


@dataclass(frozen=True)
class EmbeddedStrategy:
    """A strategy with its vectors, made before the write lock is taken."""

    strategy: Strategy
    retrieval: "Vector"
    text: "Vector"


class Bank:
    """Open with `Bank.open`. Every method raises the errors of `errors.py` and no others of lancedb's or fastembed's."""

    def __init__(self, location: Location, connection: lancedb.AsyncConnection, lock: WriteLock) -> None:
        self.location = location
        self.lock = lock
        self._connection = connection
        self._tables: dict[str, lancedb.AsyncTable] = {}
        self._unwritten_recalls: list[Recall] = []
        self.embedder = Embedder(location.models_dir)

    # opening and closing

    @classmethod
    async def open(cls, location: Location, *, any_model: bool = False) -> "Bank":
        """Open the bank at `location`, making or migrating it if need be. Loads no model.

        With `any_model` vectors of a model that this version does not have are no obstacle: for `reembed`.
        """
        location.prepare()
        lock = WriteLock(location.lock_file, location.lock_timeout_s)
        with _translated(location):
            connection = await lancedb.connect_async(location.tables_uri, read_consistency_interval=timedelta(0))
            bank = cls(location, connection, lock)
            if await bank._stored_version() != migrations.FORMAT_VERSION:
                async with lock.hold():
                    await bank._make_or_migrate()
            for name in tables.RECORDS:
                bank._tables[name] = await connection.open_table(name)
            bank.embedder = Embedder(
                location.models_dir, tables.stamp_of(await bank._tables["strategies"].schema()).name
            )
        if not any_model:
            await bank._check_stamp()
        return bank

    async def close(self) -> None:
        """Write what is buffered and let go of the files."""
        if self._unwritten_recalls:
            async with self.writing():
                await self.flush_recalls()
        for table in self._tables.values():
            table.close()
        self._connection.close()

    async def _stored_version(self) -> int:
        """0 where there is no bank yet."""
        if "meta" not in (await self._connection.list_tables()).tables:
            return 0
        rows = await (await self._connection.open_table("meta")).query().to_list()
        version = int(next((row["value"] for row in rows if row["id"] == "format_version"), "0"))
        if version > migrations.FORMAT_VERSION:
            raise BankTooNew(
                f"The bank at {self.location.tables_uri} has format {version}; this version of strategy-bank knows "
                f"{migrations.FORMAT_VERSION}. Upgrade with `pip install -U strategy-bank`."
            )
        return version

    async def _make_or_migrate(self) -> None:
        version = await self._stored_version()
        if version:
            await migrations.migrate(self._connection, version)
        else:
            for name, kind in tables.RECORDS.items():
                schema = (
                    tables.strategies_schema(self.embedder.stamp) if kind is Strategy else tables.record_schema(kind)
                )
                await self._make_table(name, schema)
        meta = await self._make_table("meta", tables.META_SCHEMA)
        row = {"id": "format_version", "value": str(migrations.FORMAT_VERSION)}
        await _upsert(meta, [row], tables.META_SCHEMA)

    async def _make_table(self, name: str, schema: Any, data: Any = None) -> lancedb.AsyncTable:
        """Also finishes a table whose making was interrupted. With data, replaces the table."""
        mode: dict[str, Any] = {"exist_ok": True} if data is None else {"mode": "overwrite", "data": data}
        table = await self._connection.create_table(name, schema=schema, **mode)
        if not _has_primary_key(await table.schema()):
            await table.set_unenforced_primary_key("id")
        if name == "strategies" and not await table.list_indices():
            await table.create_index("text", config=FTS(stem=True, with_position=False))
        return table

    async def _check_stamp(self) -> None:
        stored = tables.stamp_of(await self._tables["strategies"].schema())
        if stored != self.embedder.stamp:
            raise ModelMismatch(
                f"The bank at {self.location.tables_uri} was embedded with {stored.name} ({stored.fingerprint}), this "
                f"server has {self.embedder.stamp.name} ({self.embedder.stamp.fingerprint}). Restart the server; if that "
                f"does not help, re-embed the bank with `strategy-bank models use {self.embedder.stamp.name}`."
            )

    # writing

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[None]:
        """Hold the write lock, so that what is read inside is still true when it is written. Raises BankBusy."""
        async with self.lock.hold():
            yield

    async def add(self, record: Record) -> bool:
        """Insert an episode or a run; True if it was new. An id that is there already keeps its row."""
        return await self.add_all([record]) > 0

    async def add_all(self, records: Sequence[Record]) -> int:
        """Insert episodes, runs or recalls of one kind in one commit; how many were new. Their ids are distinct."""
        if not records:
            return 0
        return await self._insert(_name(type(records[0])), [tables.to_row(record) for record in records])

    async def embed(self, strategies: Sequence[Strategy]) -> list[EmbeddedStrategy]:
        """Vectors for retrieval and for consolidation. Slow: call it before taking the write lock."""
        texts = [ranking.strategy_texts(strategy) for strategy in strategies]
        distinct = list(dict.fromkeys(text for group in texts for text in group))
        vectors = dict(
            zip(distinct, await anyio.to_thread.run_sync(self.embedder.embed_documents, distinct), strict=True)
        )
        embedded: list[EmbeddedStrategy] = []
        for strategy, group in zip(strategies, texts, strict=True):
            mean = ranking.mean_vector(np.stack([vectors[text] for text in group]))
            embedded.append(EmbeddedStrategy(strategy, mean, vectors[group[0]]))
        return embedded

    async def add_strategies(self, embedded: Sequence[EmbeddedStrategy]) -> int:
        """Insert new strategies in one commit; how many were new. Ids that are there already keep their rows."""
        if not embedded:
            return 0
        await self._check_stamp()
        return await self._insert("strategies", [self._strategy_row(item) for item in embedded])

    async def amend(self, records: Sequence[Record]) -> None:
        """Update what may change of records of one kind, in one commit; ids that are gone stay gone."""
        if not records:
            return
        kind = type(records[0])
        fixed = tables.FIXED_COLUMNS[kind]
        rows = [{k: v for k, v in tables.to_row(record).items() if k not in fixed} for record in records]
        table = self._tables[_name(kind)]
        with _translated(self.location):
            data = tables.to_table(rows, await table.schema())
            await table.merge_insert("id").when_matched_update_all().execute(data)

    async def forget(self, ids: Collection[str]) -> list[str]:
        """Delete strategies, episodes or runs for good; the ids that were there."""
        gone: list[str] = []
        for name, kind in tables.RECORDS.items():
            present = [record.id for record in await self.all(kind, id=list(ids))]
            if present:
                with _translated(self.location):
                    await self._tables[name].delete(col("id").isin(present))
            gone += present
        return gone

    async def _insert(self, name: str, rows: list[tables.Row]) -> int:
        table = self._tables[name]
        with _translated(self.location):
            data = tables.to_table(rows, await table.schema())
            result = await table.merge_insert("id").when_not_matched_insert_all().execute(data)
        return result.num_inserted_rows

    def _strategy_row(self, item: EmbeddedStrategy) -> tables.Row:
        stamp = self.embedder.stamp
        return tables.to_row(item.strategy) | {
            "text": item.strategy.searchable_text(),
            tables.retrieval_column(stamp): item.retrieval,
            tables.text_column(stamp): item.text,
        }

    # recalls: buffered, so that a recall never waits for a write

    def note_recall(self, recall: Recall) -> None:
        self._unwritten_recalls.append(recall)

    @property
    def recalls_due(self) -> bool:
        return len(self._unwritten_recalls) >= RECALLS_BUFFERED

    async def flush_recalls(self) -> None:
        buffered, self._unwritten_recalls = self._unwritten_recalls, []
        if buffered:
            await self._insert("recalls", [tables.to_row(recall) for recall in buffered])

    # reading

    async def find(self, kind: type[R], id: str) -> R | None:
        return next(iter(await self.all(kind, id=id)), None)

    async def get(self, kind: type[R], id: str) -> R:
        """Raises NotFound."""
        record = await self.find(kind, id)
        if record is None:
            raise NotFound(f"There is no {kind.__name__.lower()} {id!r} in this bank.")
        return record

    async def all(self, kind: type[R], **equal: Filter) -> list[R]:
        """Records whose columns equal the given values (one of them, for a list), oldest first."""
        query = self._tables[_name(kind)].query().select(list(kind.model_fields))
        with _translated(self.location):
            rows = await (query.where(_expression(equal)) if equal else query).to_list()
        return sorted((tables.from_row(kind, row) for row in rows), key=lambda record: (record.created_at, record.id))

    async def cells(self, kind: type[Record], names: Sequence[str], **equal: Filter) -> list[tables.Row]:
        """`id`, `created_at` and the named columns, oldest first: to count and to choose without the long texts."""
        query = self._tables[_name(kind)].query().select(list(dict.fromkeys(["id", "created_at", *names])))
        with _translated(self.location):
            rows = await (query.where(_expression(equal)) if equal else query).to_list()
        return sorted(rows, key=lambda row: (row["created_at"], row["id"]))

    async def count(self, kind: type[Record], **equal: Filter) -> int:
        with _translated(self.location):
            return await self._tables[_name(kind)].count_rows(_expression(equal).to_sql() if equal else None)

    async def search(self, task: str, scopes: Sequence[str], limit: int) -> list[Hit]:
        """Active strategies of the scopes that fit the task, best first; empty when nothing is relevant."""
        query = (await anyio.to_thread.run_sync(self.embedder.embed_query, task))[0]
        where = _expression({"status": "active", "scope": scopes})
        candidates = await self._semantic(query, where) | await self._lexical(task, query, where)
        return ranking.rank(candidates.values(), limit)

    async def _semantic(self, query: Any, where: Expr) -> dict[str, ranking.Candidate]:
        column = tables.retrieval_column(self.embedder.stamp)
        search = self._tables["strategies"].query().nearest_to(query).column(column).distance_type("dot")
        with _translated(self.location):
            rows = await search.where(where).select([*_HIT, "_distance"]).limit(ranking.CANDIDATES).to_list()
        return {row["id"]: ranking.Candidate(1 - row["_distance"], 0.0, _hit_row(row)) for row in rows}

    async def _lexical(self, task: str, query: Any, where: Expr) -> dict[str, ranking.Candidate]:
        """The cosine of these comes from the row's own vector, since the semantic search may not have brought them."""
        column = tables.retrieval_column(self.embedder.stamp)
        search = self._tables["strategies"].query().nearest_to_text(ranking.lexical_query(task), columns=["text"])
        with _translated(self.location):
            rows = await search.where(where).select([*_HIT, column, "_score"]).limit(ranking.CANDIDATES).to_list()
        return {
            row["id"]: ranking.Candidate(float(np.dot(query, row[column])), row["_score"], _hit_row(row))
            for row in rows
        }

    async def nearest(self, item: EmbeddedStrategy, scope: str, limit: int = 3) -> list[tuple[Strategy, float]]:
        """Strategies of a scope, whatever their status, whose text is nearest to this one's, with the cosine."""
        column = tables.text_column(self.embedder.stamp)
        search = self._tables["strategies"].query().nearest_to(item.text).column(column).distance_type("cosine")
        fields = [*Strategy.model_fields, "_distance"]
        with _translated(self.location):
            rows = await search.where(_expression({"scope": scope})).select(fields).limit(limit).to_list()
        return [(tables.from_row(Strategy, row), 1 - row["_distance"]) for row in rows]

    # upkeep

    async def fragments(self) -> dict[str, int]:
        """How many pieces each table is in; many make every search slow, and `maintain` joins them."""
        with _translated(self.location):
            return {name: await _fragments(table) for name, table in self._tables.items()}

    async def maintain(self) -> bool:
        """Compact the tables that need it, one process at a time; whether any did."""
        due = [table for table in self._tables.values() if await _fragments(table) >= COMPACT_AT]
        if due:
            async with self.writing():
                for table in due:
                    await self._compact(table)
        return bool(due)

    async def _compact(self, table: lancedb.AsyncTable) -> None:
        try:
            await table.optimize(cleanup_older_than=KEEP_OLD_VERSIONS)
        except (RuntimeError, OSError, ValueError):
            for index in await table.list_indices():
                await table.drop_index(index.name)
            await table.create_index("text", config=FTS(stem=True, with_position=False))
            await table.optimize(cleanup_older_than=KEEP_OLD_VERSIONS)

    async def reembed(self, name: str, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Embed all strategies with another model and put them in place in one commit."""
        self.embedder = Embedder(self.location.models_dir, name)
        await anyio.to_thread.run_sync(self.embedder.warm)
        async with self.writing():
            strategies = await self.all(Strategy)
            rows: list[tables.Row] = []
            for start in range(0, len(strategies), EMBED_BATCH):
                embedded = await self.embed(strategies[start : start + EMBED_BATCH])
                rows += [self._strategy_row(item) for item in embedded]
                progress(len(rows), len(strategies))
            schema = tables.strategies_schema(self.embedder.stamp)
            with _translated(self.location):
                data = tables.to_table(rows, schema) if rows else schema.empty_table()
                self._tables["strategies"] = await self._make_table("strategies", schema, data)


_HIT = [name for name in Hit.model_fields if name != "relevance"]


def _hit_row(row: tables.Row) -> tables.Row:
    return {name: row[name] for name in _HIT}


def _name(kind: type[Record]) -> str:
    return next(name for name, record in tables.RECORDS.items() if record is kind)


def _expression(equal: dict[str, Any]) -> Expr:
    terms = [
        col(name) == lit(value) if isinstance(value, str | int) else col(name).isin(list(value))
        for name, value in equal.items()
    ]
    return reduce(lambda left, right: left & right, terms)


def _has_primary_key(schema: Any) -> bool:
    return b"lance-schema:unenforced-primary-key:position" in (schema.field("id").metadata or {})


async def _upsert(table: lancedb.AsyncTable, rows: list[tables.Row], schema: Any) -> None:
    merge = table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
    await merge.execute(tables.to_table(rows, schema))


async def _fragments(table: lancedb.AsyncTable) -> int:
    stats: Any = await table.stats()
    return stats["fragment_stats"]["num_fragments"]


@contextmanager
def _translated(location: Location) -> Generator[None]:
    """lancedb's errors as ours, with the place and the way out."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as exc:
        message = str(exc).splitlines()[0][:300] if str(exc) else type(exc).__name__
        if "does not exist in schema" in message:
            raise ModelMismatch(
                f"The bank at {location.tables_uri} has been re-embedded with another model meanwhile. Restart the server."
            ) from exc
        raise BankUnavailable(
            f"The bank at {location.tables_uri} could not be read or written: {message}. "
            "Check that the place exists, has room and belongs to this user; `strategy-bank doctor` tells more."
        ) from exc
