"""How useful what is recalled is, with lessons that agents drew from other work: drawn/useful.jsonl.

    python -m bench.recall.usefulness

Each task of bench/judging is asked for among the lessons that one agent drew from the other tasks. nDCG@3 over those to which
some lesson is of use; a lesson that nobody rated counts as of none.
"""

from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.consolidation.pairs import DRAWN, rows
from bench.judging.cases import load_cases
from bench.recall.metrics import ndcg
from strategy_bank.store.embedding.embedder import Embedder, Reading
from strategy_bank.store.embedding.vocabulary import Yardstick
from strategy_bank.store.records import Hit, Strategy
from strategy_bank.store.retrieval import coverage, ranking
from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy, embed

SHOWN = 3


def lessons(tasks: dict[str, str]) -> list[tuple[str, Strategy]]:
    """Those of the first agent, with the work they came from."""
    return [
        (row["work"], Strategy(source_task=tasks[row["work"]], **{name: row[name] for name in row.keys() - {"work"}}))
        for row in rows(DRAWN / "lessons.jsonl")
        if row["work"] in tasks and "-a" in row["id"]
    ]


def measure(embedder: Embedder) -> None:
    tasks = {case.name: case.task for case in load_cases()}
    told = lessons(tasks)
    useful: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows(DRAWN / "useful.jsonl"):
        useful[row["task"]][row["lesson"]] = row["use"]
    embedded = embed(embedder, [strategy for _, strategy in told])
    gains: dict[str, list[float]] = defaultdict(list)
    shown: list[int] = []
    nothing = 0
    for name, task in tasks.items():
        others = [item for item, (work, _) in zip(embedded, told, strict=True) if work != name]
        use = {number: useful[name][item.strategy.id] for number, item in enumerate(others)}
        query = embedder.read_query(ranking.gist(task))
        candidates = _candidates(embedder.yardstick, query, others)
        if any(use.values()):
            relevant = {number: gain for number, gain in use.items() if gain}
            for way, values in {
                "cosine of the text": [float(item.text @ query.vector) for item in others],
                "cosine of text and source task": [candidate.cosine for candidate in candidates],
                "ours": [ranking.fit(candidate) for candidate in candidates],
            }.items():
                gains[way].append(ndcg([int(number) for number in np.argsort(-np.array(values))], relevant))
        menu = ranking.rank(candidates, SHOWN)
        nothing += not menu.full
        shown += [useful[name][hit.id] for hit in menu.full]
    for way, values in gains.items():
        print(f"{way:<32} nDCG@3 {np.mean(values):.3f} over {len(values)} tasks")
    no, partly, yes = np.bincount(shown, minlength=3)
    print(f"{len(tasks)} tasks, of which {nothing} get nothing in full. Shown in full: {len(shown)}")
    print(f"of these {yes} apply, {partly} partly, {no} do not")


def _candidates(by: Yardstick, query: Reading, items: list[EmbeddedStrategy]) -> list[ranking.Candidate]:
    near = [float(item.retrieval @ query.vector) for item in items]
    covers = coverage.coverages(by, query, [item.packed_pieces for item in items], near)
    names = Hit.model_fields.keys() - {"relevance"}
    return [
        ranking.Candidate(cosine, 0.0, cover, {name: getattr(item.strategy, name) for name in names})
        for item, cosine, cover in zip(items, near, covers, strict=True)
    ]


def main() -> None:
    with TemporaryDirectory() as folder:
        measure(Embedder(Path(folder)))


if __name__ == "__main__":
    main()
