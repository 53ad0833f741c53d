"""One recall: two searches in the table of strategies, then what they bring is put in order.

task ─┬▶ its rare words, if any ──▶ best by words  ─┐
      └▶ the model: vector, pieces ▶ nearest by vector ┴▶ coverage (coverage.py) ─▶ ranking.py ─▶ hits
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from strategy_bank.store.embedding.embedder import Embedder, Reading
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.table import Table
from strategy_bank.store.records import Hit
from strategy_bank.store.retrieval import coverage, ranking

_HIT = [name for name in Hit.model_fields if name != "relevance"]


async def search(table: Table, embedder: Embedder, task: str, scopes: Sequence[str], limit: int) -> list[Hit]:
    """Active strategies of the scopes that fit the task, best first; empty when nothing is relevant."""
    equal, gist, stamp = {"status": "active", "scope": scopes}, ranking.gist(task), embedder.stamp
    column, tokens = schema.retrieval_column(stamp), [schema.tokens_column(stamp)] if stamp.reads_tokens else []
    lexical: list[tuple[schema.Row, float]] = []
    known: list[int] = []

    async def match() -> None:
        words, columns = await anyio.to_thread.run_sync(_words, embedder, task), [*_HIT, *(tokens or [column])]
        if words:
            lexical.extend(await table.matching("text", words, columns, equal, ranking.WORDED))
        known.append(await table.count(equal))

    async with _together() as tasks:  # the words need not wait for the vector
        tasks.start_soon(match)
        query = await anyio.to_thread.run_sync(embedder.read_query, gist)
        semantic = await table.nearest(
            column, query.vector, "dot", [*_HIT, *tokens], equal, ranking.NEAREST, exact=not tokens
        )
    found = {row["id"]: (row, cosine, 0.0) for row, cosine in semantic}
    found |= {row["id"]: (row, 0.0 if tokens else float(query.vector @ row[column]), bm25) for row, bm25 in lexical}
    return await anyio.to_thread.run_sync(_ranked, query, list(found.values()), tokens, limit, known[0])


def _words(embedder: Embedder, task: str) -> str:
    """What to search for by words. For a worker thread: the first time this loads the model."""
    return ranking.lexical_query(task, embedder.count_pieces if embedder.stamp.reads_tokens else None)


@asynccontextmanager
async def _together() -> AsyncGenerator[TaskGroup]:
    """A task group that raises the first error of its tasks as it is."""
    try:
        async with anyio.create_task_group() as tasks:
            yield tasks
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


def _ranked(
    query: Reading, found: Sequence[tuple[schema.Row, float, float]], tokens: list[str], limit: int, known: int
) -> list[Hit]:
    """The rows of both searches, each with cosine and BM25, by how well task and strategy cover each other."""
    coverages: list[coverage.Coverage | None] = [None] * len(found)
    if tokens:
        coverages = coverage.coverages(query, [row[tokens[0]] or b"" for row, _, _ in found])
    return ranking.rank(
        [
            ranking.Candidate(cosine, bm25, covers, {name: row[name] for name in _HIT})
            for (row, cosine, bm25), covers in zip(found, coverages, strict=True)
        ],
        limit,
        known,
    )
