"""One recall: two searches in the table of strategies, and one order of what they find.

task ─┬▶ its rare words, if any ──▶ best by words  ─┐
      └▶ the model: vector, pieces ▶ nearest by vector ┴▶ coverage (coverage.py) ─▶ ranking.py ─▶ hits

Where one session brought too many of the candidates (teachers.py), both searches are done again without it.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from strategy_bank.store.embedding.embedder import Embedder, Reading
from strategy_bank.store.embedding.vocabulary import Yardstick
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.filters import Equal, NotAlone
from strategy_bank.store.lance.table import Table
from strategy_bank.store.records import MOST_TAUGHT, MOST_USES, Hit, Menu, OwnAndGiven
from strategy_bank.store.retrieval import coverage, ranking, teachers
from strategy_bank.store.retrieval.readability import readable
from strategy_bank.store.retrieval.teachers import loudest, teacher

_HIT = [name for name in Hit.model_fields if name != "relevance"]
_READ = list(dict.fromkeys([*_HIT, *teachers.COLUMNS]))
_Found = tuple[schema.Row, float, float]
"""A row, its cosine, and its BM25 score."""


async def search(table: Table, embedder: Embedder, task: str, scopes: Sequence[str] | OwnAndGiven, limit: int) -> Menu:
    """Return the active strategies of the scopes that fit the task, best first; none when nothing is relevant.

    There are none either for a task that the model cannot read: what it would find is noise.
    """
    equal, stamp = {"status": "active", "scope": scopes}, embedder.stamp
    pieces = [schema.pieces_column(stamp)] if stamp.reads_pieces else []
    async with _together() as tasks:  # what needs no vector need not wait for it
        by_words = tasks.create_task(_by_words(table, embedder, task, equal))
        can_read = tasks.create_task(anyio.to_thread.run_sync(readable, embedder, task))
        query = await anyio.to_thread.run_sync(embedder.read_query, ranking.gist(task))
        nearest = await _nearest(table, embedder, query, equal)
    if not can_read.return_value:
        return Menu([], [])
    found = _joined(embedder, query, nearest, by_words.return_value)
    loud = loudest(row for row, _, _ in found.values())
    if loud and len(nearest) == ranking.NEAREST:  # with fewer, all that there is came
        others = equal | {"session": NotAlone(loud, MOST_TAUGHT, MOST_USES)}
        nearest, worded = await _nearest(table, embedder, query, others), await _by_words(table, embedder, task, others)
        found |= _joined(embedder, query, nearest, worded)
    if all(teacher(row) == loud for row, _, _ in found.values()):
        loud = ""  # nobody is crowded out
    by = embedder.yardstick if pieces else None
    return await anyio.to_thread.run_sync(_ranked, by, query, list(found.values()), pieces, limit, loud)


def _columns(embedder: Embedder, *, vectors: bool) -> list[str]:
    """Return what is read of a candidate: what a hit needs, and its word pieces, or where the model gives none its vector."""
    stamp = embedder.stamp
    if stamp.reads_pieces:
        return [*_READ, schema.pieces_column(stamp)]
    return [*_READ, *([schema.retrieval_column(stamp)] if vectors else [])]


def _joined(
    embedder: Embedder,
    query: Reading,
    nearest: Sequence[tuple[schema.Row, float]],
    worded: Sequence[tuple[schema.Row, float]],
) -> dict[str, _Found]:
    """Return the candidates of both searches by their ids."""
    found = {row["id"]: (row, cosine, 0.0) for row, cosine in nearest}
    column = schema.retrieval_column(embedder.stamp)
    for row, bm25 in worded:
        _, cosine, _ = found.get(row["id"], (row, 0.0, 0.0))
        found[row["id"]] = (row, cosine if embedder.stamp.reads_pieces else float(query.vector @ row[column]), bm25)
    return found


async def _nearest(table: Table, embedder: Embedder, query: Reading, equal: Equal) -> list[tuple[schema.Row, float]]:
    """Return the nearest rows by vector, with their cosines."""
    stamp = embedder.stamp
    column, columns = schema.retrieval_column(stamp), _columns(embedder, vectors=False)
    exact = not stamp.reads_pieces
    return await table.nearest(column, query.vector, "dot", columns, equal, ranking.NEAREST, exact=exact)


async def _by_words(table: Table, embedder: Embedder, task: str, equal: Equal) -> list[tuple[schema.Row, float]]:
    """Return the best rows by words, with their BM25 scores."""
    counter = embedder.count_pieces if embedder.stamp.reads_pieces else None
    # in a thread: the first call loads the model
    words = await anyio.to_thread.run_sync(ranking.lexical_query, task, counter)
    columns = _columns(embedder, vectors=True)
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
    return {name: row[name] for name in _READ if row[name] is not None}


def _ranked(
    by: Yardstick | None,
    query: Reading,
    found: Sequence[_Found],
    pieces: list[str],
    limit: int,
    loud: str,
) -> Menu:
    """Rank rows; `pieces` holds the column of the word pieces, if there is one, and `loud` is a session that crowds out."""
    packed = [row[pieces[0]] or b"" if pieces else b"" for row, _, _ in found]
    # what has a word that the model does not know comes before all that is merely near
    likely = [cosine + bm25 for _, cosine, bm25 in found]
    apart = [place for place, (row, _, _) in enumerate(found) if loud and teacher(row) == loud]
    coverages = coverage.coverages(by, query, packed, likely, apart) if by else [None] * len(found)
    return ranking.rank(
        [
            ranking.Candidate(cosine, bm25, covers, _cells(row))
            for (row, cosine, bm25), covers in zip(found, coverages, strict=True)
        ],
        limit,
        loud,
    )
