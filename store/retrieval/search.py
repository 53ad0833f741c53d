"""One recall: two searches in the table of strategies, and one order of what they find.

task ─┬▶ its rare words, if any ──▶ best by words  ─┐
      └▶ the model: vector, pieces ▶ nearest by vector ┴▶ coverage (coverage.py) ─▶ ranking.py ─▶ hits

Where one session brought too many of the candidates (teachers.py), both searches are done again without it.
"""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from strategy_bank.store.embedding.embedder import Embedder, Reading
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.filters import Equal, NotAlone
from strategy_bank.store.lance.table import Table
from strategy_bank.store.records import MOST_TAUGHT, MOST_USES, Hit, Menu, OwnAndGiven
from strategy_bank.store.retrieval import coverage, ranking, teachers
from strategy_bank.store.retrieval.readability import readable
from strategy_bank.store.retrieval.teachers import loudest, teacher

_HIT = [name for name in Hit.model_fields if name != "relevance"]
_READ = list(dict.fromkeys([*_HIT, *teachers.COLUMNS]))
Found = tuple[schema.Row, float, float]
"""A row, its cosine, and its BM25 score."""


class Gathered(NamedTuple):
    """What the searches found for a task."""

    query: Reading
    found: list[Found]  # nothing for a task that the model cannot read: what it would find is noise
    can_read: bool
    loud: str = ""  # a session that crowds out; empty without one
    least: float = -1.0  # the cosine from which a strategy was near enough to be found; -1 where all were


async def search(table: Table, embedder: Embedder, task: str, scopes: Sequence[str] | OwnAndGiven, limit: int) -> Menu:
    """Return the active strategies of the scopes that fit the task, best first; none when nothing is relevant."""
    gathered = await gather(table, embedder, task, scopes)
    if not gathered.found:
        return Menu([], [])
    return await anyio.to_thread.run_sync(_ranked, embedder, gathered, limit)


def _ranked(embedder: Embedder, gathered: Gathered, limit: int) -> Menu:
    return ranking.rank(candidates(embedder, gathered), limit, gathered.loud)


async def gather(table: Table, embedder: Embedder, task: str, scopes: Sequence[str] | OwnAndGiven) -> Gathered:
    """Search for the active strategies of the scopes that may fit the task."""
    equal = {"status": "active", "scope": scopes}
    async with _together() as tasks:  # what needs no vector need not wait for it
        by_words = tasks.create_task(matching(table, embedder, task, equal))
        can_read = tasks.create_task(anyio.to_thread.run_sync(readable, embedder, task))
        query = await anyio.to_thread.run_sync(embedder.read_query, ranking.gist(task))
        near = await nearest(table, embedder, query, equal)
    if not can_read.return_value:
        return Gathered(query, [], can_read=False)
    found = _joined(embedder, query, near, by_words.return_value)
    loud = loudest(row for row, _, _ in found.values())
    if loud and len(near) == ranking.NEAREST:  # with fewer, all that there is came
        others = equal | {"session": NotAlone(loud, MOST_TAUGHT, MOST_USES)}
        near, worded = await nearest(table, embedder, query, others), await matching(table, embedder, task, others)
        found |= _joined(embedder, query, near, worded)
    if all(teacher(row) == loud for row, _, _ in found.values()):
        loud = ""  # nobody is crowded out
    least = near[-1][1] if len(near) == ranking.NEAREST else -1.0
    return Gathered(query, [*found.values()], can_read=True, loud=loud, least=least)


def columns(embedder: Embedder, *, vectors: bool) -> list[str]:
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
) -> dict[str, Found]:
    """Return the candidates of both searches by their ids."""
    found = {row["id"]: (row, cosine, 0.0) for row, cosine in nearest}
    column = schema.retrieval_column(embedder.stamp)
    for row, bm25 in worded:
        _, cosine, _ = found.get(row["id"], (row, 0.0, 0.0))
        found[row["id"]] = (row, cosine if embedder.stamp.reads_pieces else float(query.vector @ row[column]), bm25)
    return found


async def nearest(table: Table, embedder: Embedder, query: Reading, equal: Equal) -> list[tuple[schema.Row, float]]:
    """Return the nearest rows by vector, with their cosines."""
    stamp = embedder.stamp
    column, read = schema.retrieval_column(stamp), columns(embedder, vectors=False)
    exact = not stamp.reads_pieces
    return await table.nearest(column, query.vector, "dot", read, equal, ranking.NEAREST, exact=exact)


async def matching(table: Table, embedder: Embedder, task: str, equal: Equal) -> list[tuple[schema.Row, float]]:
    """Return the best rows by words, with their BM25 scores."""
    counter = embedder.count_pieces if embedder.stamp.reads_pieces else None
    # in a thread: the first call loads the model
    words = await anyio.to_thread.run_sync(ranking.lexical_query, task, counter)
    read = columns(embedder, vectors=True)
    return await table.matching("text", words, read, equal, ranking.WORDED) if words else []


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


def candidates(embedder: Embedder, gathered: Gathered) -> list[ranking.Candidate]:
    """Return what was found with its coverages, which takes some milliseconds."""
    # what has a word that the model does not know comes before all that is merely near
    likely = [cosine + bm25 for _, cosine, bm25 in gathered.found]
    return compared(embedder, gathered.query, gathered.found, likely, crowding(gathered))


def crowding(gathered: Gathered) -> list[int]:
    """Return the places of what the session that crowds out brought."""
    return [n for n, (row, _, _) in enumerate(gathered.found) if gathered.loud and teacher(row) == gathered.loud]


def compared(
    embedder: Embedder, query: Reading, found: Sequence[Found], likely: Sequence[float], apart: Collection[int]
) -> list[ranking.Candidate]:
    """Return candidates with their coverages; `likely` and `apart` are those of `coverage.coverages`."""
    covers: Sequence[coverage.Coverage | None] = [None] * len(found)
    if embedder.stamp.reads_pieces:
        column = schema.pieces_column(embedder.stamp)
        packed = [row[column] or b"" for row, _, _ in found]
        covers = coverage.coverages(embedder.yardstick, query, packed, likely, apart)
    return [
        ranking.Candidate(cosine, bm25, covering, _cells(row))
        for (row, cosine, bm25), covering in zip(found, covers, strict=True)
    ]
