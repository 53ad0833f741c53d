"""What is read of a bank: records, columns, lists and counts, and the strategies that fit a task.

Reads need no lock and see every committed write of every process.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeVar

import anyio.to_thread

from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.store.errors import NotFound
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.filters import Equal, Value
from strategy_bank.store.lance.listing import Listed, Listing, ids_of_page, tallied
from strategy_bank.store.lance.selection import Selection, filter_of
from strategy_bank.store.lance.table import Table
from strategy_bank.store.records import Hit, Menu, OwnAndGiven, Record, Strategy
from strategy_bank.store.retrieval import explanation, ranking, search, strategy_vectors
from strategy_bank.store.retrieval.explanation import Explained
from strategy_bank.store.retrieval.readability import readable
from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy

R = TypeVar("R", bound=Record)


class Reading:
    """The half of an open bank that reads. `tables` are by the names in `schema.RECORDS`."""

    tables: dict[str, Table]
    embedder: Embedder

    def _table(self, kind: type[Record]) -> Table:
        return self.tables[next(name for name, record in schema.RECORDS.items() if record is kind)]

    async def find(self, kind: type[R], id: str) -> R | None:
        return next(iter(await self.all(kind, id=id)), None)

    async def get(self, kind: type[R], id: str) -> R:
        """Return a record. Raises NotFound."""
        record = await self.find(kind, id)
        if record is None:
            raise NotFound(f"There is no {kind.__name__.lower()} {id!r} in this bank.")
        return record

    async def all(self, kind: type[R], **equal: Value) -> list[R]:
        """Return the records whose columns equal the given values (for a list, one of them), oldest first."""
        return [schema.from_row(kind, row) for row in await self.cells(kind, list(kind.model_fields), **equal)]

    async def all_without(self, column: str, kind: type[R], **equal: Value) -> list[R]:
        """Return records like `all`, with an empty text in a column that is too long to read all of."""
        rows = await self.cells(kind, [name for name in kind.model_fields if name != column], **equal)
        return [schema.from_row(kind, {column: ""} | row) for row in rows]

    async def cells(self, kind: type[Record], names: Sequence[str], **equal: Value) -> list[schema.Row]:
        """Return `id`, `created_at` and the named columns, oldest first, without reading the long texts."""
        rows = await self._table(kind).select(list(dict.fromkeys(["id", "created_at", *names])), equal)
        return sorted(rows, key=lambda row: (row["created_at"], row["id"]))

    async def kept_cells(self, kind: type[Record], names: Sequence[str], **equal: Value) -> list[schema.Row]:
        """Return what `cells` does; they are kept until the table changes, for what pages ask again and again."""
        rows = await self._table(kind).kept(list(dict.fromkeys(["id", "created_at", *names])), equal)
        return sorted(rows.to_pylist(), key=lambda row: (row["created_at"], row["id"]))

    async def columns(self, kind: type[Record], names: Sequence[str], **equal: Value) -> Any:
        """Return columns of the records as a pyarrow.Table, in no order: for figures over many, of which no object is made."""
        return await self._table(kind).arrow(names, equal)

    async def selected(self, kind: type[Record], selection: Selection, names: Sequence[str]) -> list[str]:
        """Return the ids of the records that a selection holds for, oldest first; its text is looked for in these columns."""
        rows = await self._table(kind).find(["id", "created_at"], filter_of(selection, names))
        return [row["id"] for row in sorted(rows, key=lambda row: (row["created_at"], row["id"]))]

    async def listed(self, kind: type[R], listing: Listing, columns: Sequence[str] | None = None) -> Listed[R]:
        """Return one page of a list, like `those`. It costs the same in a bank of any size, but for a filter by words."""
        total, ids = await self.listed_ids(kind, listing)
        return Listed(total, await self.those(kind, ids, columns))

    async def listed_ids(self, kind: type[Record], listing: Listing) -> tuple[int, list[str]]:
        """Return how many records a list has, and the ids of one page."""
        rows = await self._table(kind).kept(["id", listing.order.removeprefix("-")], listing.where)
        return rows.num_rows, await anyio.to_thread.run_sync(ids_of_page, rows, listing)

    async def those(self, kind: type[R], ids: Sequence[str], columns: Sequence[str] | None = None) -> list[R]:
        """Return the records with these ids that are there, in their order: their named fields and those that one must have.

        Without names, all fields. A trajectory is read only where it is named.
        """
        if not ids:
            return []
        must = [name for name, info in kind.model_fields.items() if info.is_required() and name != "trajectory"]
        named = columns if columns is not None else [name for name in kind.model_fields if name != "trajectory"]
        cells = {row["id"]: row for row in await self.cells(kind, [*must, *named], id=list(ids))}
        return [schema.from_row(kind, {"trajectory": ""} | cells[id]) for id in ids if id in cells]

    async def tally(self, kind: type[Record], column: str, where: Equal) -> dict[Any, int]:
        """Return how many records have which value in a column: a text or a number; a time counts as its day in UTC."""
        return (await self.tallies(kind, [column], where))[column]

    async def tallies(
        self, kind: type[Record], columns: Sequence[str], where: Equal, also: Sequence[str] = ()
    ) -> dict[str, dict[Any, int]]:
        """Return a tally of each of the columns, which are read together, and with others that are asked for next."""
        rows = await self._table(kind).kept(["id", "created_at", *columns, *also], where)
        counted = await anyio.to_thread.run_sync(lambda: [tallied(rows, [name]) for name in columns])
        return {name: {v: n for (v,), n in each.items()} for name, each in zip(columns, counted, strict=True)}

    async def cross_tally(
        self, kind: type[Record], columns: Sequence[str], where: Equal
    ) -> Mapping[tuple[Any, ...], int]:
        """Return how many records have which values in several columns together, like `tally`."""
        rows = await self._table(kind).kept(columns, where)
        return await anyio.to_thread.run_sync(tallied, rows, columns)

    async def version(self, kind: type[Record]) -> int:
        """Return a number that every write to records of this kind changes."""
        return await self._table(kind).files.version()

    async def count(self, kind: type[Record], **equal: Value) -> int:
        return await self._table(kind).count(equal)

    async def search(self, task: str, scopes: Sequence[str] | OwnAndGiven, limit: int) -> list[Hit]:
        """Return the active strategies of the scopes that surely fit the task, best first; none when nothing does."""
        return (await self.menu(task, scopes, limit)).full

    async def menu(self, task: str, scopes: Sequence[str] | OwnAndGiven, limit: int) -> Menu:
        """Return the active strategies of the scopes that fit the task, at most `limit` in full, and those that may fit."""
        return await search.search(self._table(Strategy), self.embedder, task, scopes, limit)

    async def explained(
        self, task: str, scopes: Sequence[str] | OwnAndGiven, limit: int, about: Collection[str] = ()
    ) -> Explained:
        """Return what `menu` does, and why each strategy that it looked at stands where it does; also of those `about`."""
        return await explanation.explain(self._table(Strategy), self.embedder, task, scopes, limit, about)

    async def can_read(self, text: str) -> bool:
        """Tell whether the bank's model can read a task or a strategy. The packaged one reads English; of others, True."""
        return await anyio.to_thread.run_sync(readable, self.embedder, text)

    async def nearest(self, item: EmbeddedStrategy, **equal: Value) -> list[tuple[EmbeddedStrategy, float]]:
        """Return the three strategies whose texts are nearest to this one, with their cosines; filtered like `all`."""
        stamp = self.embedder.stamp
        column, columns = schema.text_column(stamp), [*Strategy.model_fields, *schema.model_columns(stamp)]
        rows = await self._table(Strategy).nearest(column, item.text, "cosine", columns, equal, limit=3, exact=True)
        return [(strategy_vectors.from_row(row, stamp), cosine) for row, cosine in rows]

    async def near(self, text: str, where: Equal, limit: int) -> list[tuple[Strategy, float]]:
        """Return the strategies that are nearest in meaning to a text, with their cosines, whether they fit it or not."""
        stamp = self.embedder.stamp
        query = await anyio.to_thread.run_sync(self.embedder.read_query, ranking.gist(text))
        column, columns = schema.retrieval_column(stamp), list(Strategy.model_fields)
        rows = await self._table(Strategy).nearest(column, query.vector, "dot", columns, where, limit, exact=True)
        return [(schema.from_row(Strategy, row), cosine) for row, cosine in rows]

    async def embedded(self, **equal: Value) -> list[EmbeddedStrategy]:
        """Return strategies like `all`, with their vectors."""
        stamp = self.embedder.stamp
        rows = await self.cells(Strategy, [*Strategy.model_fields, *schema.model_columns(stamp)], **equal)
        return [strategy_vectors.from_row(row, stamp) for row in rows]
