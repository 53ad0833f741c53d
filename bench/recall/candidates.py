"""How many candidates each search has to bring, when all strategies of all sets are in one bank.

    python -m bench.recall.candidates

The order is that of recall, without its floor. What fits a task in the other sets is not counted, so figures are low.
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import numpy as np

from bench.consolidation.pairs import DRAWN, rows
from bench.recall.metrics import ndcg
from bench.recall.sets import DATA, Case, Query, graded, household, web_tasks
from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding.embedder import Reading
from strategy_bank.store.location import Location
from strategy_bank.store.records import Hit, Strategy
from strategy_bank.store.retrieval import coverage, ranking
from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy

WAYS = ((80, 0, 8), (60, 0, 8), (40, 0, 8), (32, 0, 8), (24, 0, 8), (16, 0, 8), (12, 0, 8), (40, 0, 0))
"""Nearest by vector, best by all words, best by those that the model spells out. Of more than 24 the likeliest are compared."""
MOST = 80
TASKS = 240
"""Of each set, chosen by chance where it has more."""
COLUMNS = set(Hit.model_fields) - {"relevance"}


class Pool:
    """Every strategy of the sets and of `bench/consolidation/drawn`, in a bank."""

    def __init__(self, bank: Bank, items: Mapping[str, EmbeddedStrategy]) -> None:
        self._bank = bank
        self._items = items
        self._ids = list(items)
        self._vectors = np.stack([item.retrieval for item in items.values()])

    async def orders(self, query: Query) -> list[tuple[int, list[str]]]:
        """For each way how many candidates there are, and their ids, the best first."""
        reading = self._bank.embedder.read_query(ranking.gist(query.task))
        cosines = self._vectors @ reading.vector
        near = {self._ids[k]: float(cosines[k]) for k in np.argsort(-cosines, kind="stable")[:MOST]}
        worded = await self._matching(ranking.lexical_query(query.task))
        spelt = await self._matching(ranking.lexical_query(query.task, self._bank.embedder.count_pieces))
        told: list[tuple[int, list[str]]] = []
        for nearest, word, rare in WAYS:
            ids = list(dict.fromkeys([*list(near)[:nearest], *list(worded)[:word], *list(spelt)[:rare]]))
            likely = [near.get(id, 0.0) + spelt.get(id, 0.0) for id in ids]
            told.append((len(ids), [hit.id for hit in self._ordered(reading, ids, likely)]))
        return told

    def _ordered(self, reading: Reading, ids: Sequence[str], likely: Sequence[float]) -> list[Hit]:
        covers = coverage.coverages(
            self._bank.embedder.yardstick, reading, [self._items[id].packed_pieces for id in ids], likely
        )
        each = zip(ids, covers, strict=True)
        rows = [(cover, self._items[id].strategy.model_dump(include=COLUMNS)) for id, cover in each]
        return ranking.ordered(ranking.Candidate(0.0, 0.0, cover, row) for cover, row in rows)

    async def _matching(self, words: str) -> dict[str, float]:
        """Return the ids of the best rows by words with their BM25 scores, the best first."""
        table = self._bank._table(Strategy)
        found = await table.matching("text", words, ["id"], {"status": "active"}, MOST) if words else []
        return {row["id"]: score for row, score in found}


def told() -> list[Strategy]:
    return [Strategy(**{name: row[name] for name in row.keys() - {"work"}}) for row in rows(DRAWN / "lessons.jsonl")]


async def show(pool: Pool, case: Case) -> None:
    answerable = [query for query in case.queries if query.relevant]
    chance = np.random.default_rng(0)
    chosen = sorted(chance.choice(len(answerable), min(TASKS, len(answerable)), replace=False))
    counts: list[list[int]] = [[] for _ in WAYS]
    gains: list[list[float]] = [[] for _ in WAYS]
    for query in (answerable[int(k)] for k in chosen):
        relevant = {case.strategies[k].id: gain for k, gain in query.relevant.items()}
        for way, (count, order) in enumerate(await pool.orders(query)):
            counts[way].append(count)
            gains[way].append(_ndcg(order, relevant))
    for way, numbers in enumerate(WAYS):
        told = ", ".join(map(str, numbers))
        print(f"| {case.name} | {told} | {np.mean(counts[way]):.0f} | {np.mean(gains[way]):.3f} |", flush=True)


def _ndcg(order: Sequence[str], relevant: Mapping[str, int]) -> float:
    place = {id: k for k, id in enumerate(dict.fromkeys([*order, *relevant]))}
    return ndcg([place[id] for id in order], {place[id]: gain for id, gain in relevant.items()})


async def main() -> int:
    if not DATA.is_dir():
        print(f"There are no data at {DATA}: nothing was measured.")
        return 1
    cases = [graded(), web_tasks(), household()]
    strategies: dict[str, Any] = {one.id: one for one in [*(s for case in cases for s in case.strategies), *told()]}
    with tempfile.TemporaryDirectory() as home:
        bank = await Bank.open(Location(Path(home)))
        embedded = await bank.embed(list(strategies.values()))
        async with bank.lock.hold():
            await bank.add_strategies(embedded)
        pool = Pool(bank, {item.strategy.id: item for item in embedded})
        print(
            f"{len(strategies)} strategies\n\n| tasks | nearest, words, spelt | candidates | nDCG@3 |\n|---|---|---|---|"
        )
        for case in cases:
            await show(pool, case)
        await bank.close()
    return 0


if __name__ == "__main__":
    sys.exit(anyio.run(main))
