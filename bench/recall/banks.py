"""Banks of every size for a set of tasks: all its strategies, one subject's, or a few drawn by lot."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.recall.sets import Case, Query
from strategy_bank.store.embedding.embedder import Embedder, Reading
from strategy_bank.store.embedding.vocabulary import Yardstick
from strategy_bank.store.records import Hit
from strategy_bank.store.retrieval import coverage, ranking
from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy, embed

SIZES = ((5, 12), (20, 6), (50, 3))
"""Numbers of strategies that are drawn by lot, and how often."""
COLUMNS = set(Hit.model_fields) - {"relevance"}


@dataclass(frozen=True)
class Asked:
    """A task asked of some strategies: the candidates that a search brings, and the gain of each strategy that fits, by id."""

    candidates: list[ranking.Candidate]
    relevant: dict[str, int]


@dataclass(frozen=True)
class Read:
    """A set as the model reads it."""

    case: Case
    items: list[EmbeddedStrategy]
    tasks: list[Reading]
    by: Yardstick

    def asked(self, number: int, among: Sequence[int]) -> Asked:
        """Ask a task of the strategies at these places, of which the nearest by vector become candidates."""
        query, task = self.case.queries[number], self.tasks[number]
        there = [k for k in among if k not in query.hidden]
        near = {k: float(self.items[k].retrieval @ task.vector) for k in there}
        found = sorted(there, key=lambda k: -near[k])[: ranking.NEAREST]
        covers = coverage.coverages(
            self.by, task, [self.items[k].packed_pieces for k in found], [near[k] for k in found]
        )
        candidates = [
            ranking.Candidate(near[k], 0.0, cover, self.items[k].strategy.model_dump(include=COLUMNS))
            for k, cover in zip(found, covers, strict=True)
        ]
        return Asked(candidates, {self.items[k].strategy.id: gain for k, gain in query.relevant.items() if k in there})


def read(embedder: Embedder, case: Case) -> Read:
    tasks = [embedder.read_query(ranking.gist(query.task)) for query in case.queries]
    return Read(case, embed(embedder, case.strategies), tasks, embedder.yardstick)


def banks(told: Read) -> dict[str, list[Asked]]:
    """Return what is asked of each kind of bank: of the whole one all tasks, of small ones as many that nothing fits as fit."""
    case, chance = told.case, np.random.default_rng(1)
    every = range(len(case.strategies))
    asked = {"all": [told.asked(number, every) for number in range(len(case.queries))]}
    for name, among in _parts(case, chance):
        fitting = [number for number, query in enumerate(case.queries) if _fits(query, among)]
        others = [number for number, query in enumerate(case.queries) if not _fits(query, among)]
        some = chance.choice(others, min(len(others), len(fitting)), replace=False)
        asked.setdefault(name, []).extend(told.asked(int(number), among) for number in (*fitting, *some))
    return asked


def _parts(case: Case, chance: np.random.Generator) -> Iterator[tuple[str, list[int]]]:
    subjects: dict[str, list[int]] = defaultdict(list)
    for k, subject in enumerate(case.domains):
        subjects[subject].append(k)
    if len(subjects) > 1:
        yield from (("one subject", among) for among in subjects.values())
    for size, times in SIZES:
        for _ in range(times if 2 * size <= len(case.strategies) else 0):
            yield f"{size} by lot", sorted(int(k) for k in chance.choice(len(case.strategies), size, replace=False))


def _fits(query: Query, among: Sequence[int]) -> bool:
    return any(k in query.relevant and k not in query.hidden for k in among)
