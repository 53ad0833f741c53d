"""One recall: two searches in the table of strategies, and one order of what they find.

task ─┬▶ its rare words, if any ──▶ best by words  ─┐
      └▶ the model: vector, pieces ▶ nearest by vector ┴▶ coverage (coverage.py) ─▶ ranking.py ─▶ hits
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from strategy_bank.store.embedding.embedder import Embedder, Reading
from strategy_bank.store.embedding.vocabulary import Yardstick
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.table import Table
from strategy_bank.store.records import Hit, Menu, OwnAndGiven
from strategy_bank.store.retrieval import coverage, ranking
from strategy_bank.store.retrieval.readability import readable

_HIT = [name for name in Hit.model_fields if name != "relevance"]


async def search(table: Table, embedder: Embedder, task: str, scopes: Sequence[str] | OwnAndGiven, limit: int) -> Menu:
    """Return the active strategies of the scopes that fit the task, best first; none when nothing is relevant.

    There are none either for a task that the model cannot read: what it would find is noise.
    """
    equal, stamp = {"status": "active", "scope": scopes}, embedder.stamp
    column, pieces = schema.retrieval_column(stamp), [schema.pieces_column(stamp)] if stamp.reads_pieces else []
    async with _together() as tasks:  # what needs no vector need not wait for it
        by_words = tasks.create_task(_by_words(table, embedder, task, [*_HIT, *(pieces or [column])], equal))
        can_read = tasks.create_task(anyio.to_thread.run_sync(readable, embedder, task))
        query = await anyio.to_thread.run_sync(embedder.read_query, ranking.gist(task))
        nearest = await table.nearest(
            column, query.vector, "dot", [*_HIT, *pieces], equal, ranking.NEAREST, exact=not pieces
        )
    if not can_read.return_value:
        return Menu([], [])
    found = {row["id"]: (row, cosine, 0.0) for row, cosine in nearest}
    for row, bm25 in by_words.return_value:
        _, cosine, _ = found.get(row["id"], (row, 0.0, 0.0))
        found[row["id"]] = (row, cosine if pieces else float(query.vector @ row[column]), bm25)
    by = embedder.yardstick if pieces else None
    return await anyio.to_thread.run_sync(_ranked, by, query, list(found.values()), pieces, limit)


async def _by_words(
    table: Table, embedder: Embedder, task: str, columns: Sequence[str], equal: Mapping[str, Any]
) -> list[tuple[schema.Row, float]]:
    """Return the best rows by words, with their BM25 scores."""
    counter = embedder.count_pieces if embedder.stamp.reads_pieces else None
    # in a thread: the first call loads the model
    words = await anyio.to_thread.run_sync(ranking.lexical_query, task, counter)
    return await table.matching("text", words, columns, equal, ranking.WORDED) if words else []


@asynccontextmanager
async def _together() -> AsyncGenerator[TaskGroup]:
    """Open a task group that raises the first error of its tasks as it is."""
    try:
        async with anyio.create_task_group() as tasks:
            yield tasks
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


def _cells(row: schema.Row) -> schema.Row:
    """Return what a hit needs of a row, without the cells that are null: a hit has its own defaults."""
    return {name: row[name] for name in _HIT if row[name] is not None}


def _ranked(
    by: Yardstick | None,
    query: Reading,
    found: Sequence[tuple[schema.Row, float, float]],
    pieces: list[str],
    limit: int,
) -> Menu:
    """Rank rows, each with its cosine and BM25 score; `pieces` holds the column of the word pieces, if there is one."""
    packed = [row[pieces[0]] or b"" if pieces else b"" for row, _, _ in found]
    # what has a word that the model does not know comes before all that is merely near
    likely = [cosine + bm25 for _, cosine, bm25 in found]
    coverages = coverage.coverages(by, query, packed, likely) if by else [None] * len(found)
    return ranking.rank(
        [
            ranking.Candidate(cosine, bm25, covers, _cells(row))
            for (row, cosine, bm25), covers in zip(found, coverages, strict=True)
        ],
        limit,
    )
