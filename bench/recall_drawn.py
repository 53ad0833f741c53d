"""How useful what is recalled is, with lessons that agents drew from other work: drawn/useful.jsonl.

    python bench/recall_drawn.py

Each task of bench/judging is asked for in a bank of the lessons that one agent drew from these tasks; those drawn from the task
itself are left out. nDCG@3 over the tasks to which some lesson is of use; a lesson that nobody rated counts as of none.
"""

from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import numpy as np
from judging_cases import load_cases
from lesson_pairs import DRAWN, rows
from recall_metrics import ndcg

from strategy_bank.store import late, ranking
from strategy_bank.store.bank import Bank
from strategy_bank.store.location import Location
from strategy_bank.store.records import Hit, Strategy

SHOWN = 3


def lessons(tasks: dict[str, str]) -> list[tuple[str, Strategy]]:
    """Those of the first agent, with the work they came from."""
    return [
        (row["work"], Strategy(source_task=tasks[row["work"]], **{name: row[name] for name in row.keys() - {"work"}}))
        for row in rows(DRAWN / "lessons.jsonl")
        if row["work"] in tasks and "-a" in row["id"]
    ]


async def measure(home: Path) -> None:
    tasks = {case.name: case.task for case in load_cases()}
    told = lessons(tasks)
    useful: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows(DRAWN / "useful.jsonl"):
        useful[row["task"]][row["lesson"]] = row["use"]
    bank = await Bank.open(Location(home))
    embedded = await bank.embed([strategy for _, strategy in told])
    async with bank.lock.hold():
        await bank.add_strategies(embedded)
    gains: dict[str, list[float]] = defaultdict(list)
    shown: list[int] = []
    empty = 0
    for name, task in tasks.items():
        query = bank.embedder.read_query(ranking.gist(task))
        covers = late.coverages(query, [item.tokens for item in embedded])
        scores = {
            "cosine of the text": [float(item.text @ query.vector) for item in embedded],
            "cosine of text and source task": [float(item.retrieval @ query.vector) for item in embedded],
            "ours": [(c.of_task + c.of_strategy) / 2 if c else 0.0 for c in covers],
        }
        others = [number for number, (work, _) in enumerate(told) if work != name]
        use = [useful[name].get(strategy.id, 0) for _, strategy in told]
        if any(use):
            relevant = {number: use[number] for number in others if use[number]}
            for way, values in scores.items():
                gains[way].append(ndcg(sorted(others, key=lambda number: -values[number]), relevant))
        hits = [hit for hit in await bank.search(task, ["global"], 10) if _work(hit, told) != name][:SHOWN]
        empty += not hits
        shown += [useful[name].get(hit.id, 0) for hit in hits]
    await bank.close()
    for way, values in gains.items():
        print(f"{way:<32} nDCG@3 {np.mean(values):.3f} over {len(values)} tasks")
    no, partly, yes = np.bincount(shown, minlength=3)
    print(
        f"{len(tasks)} tasks, {empty} of them get nothing. Shown: {len(shown)}; apply {yes}, partly {partly}, do not {no}"
    )


def _work(hit: Hit, told: list[tuple[str, Strategy]]) -> str:
    return next(work for work, strategy in told if strategy.id == hit.id)


def main() -> None:
    with TemporaryDirectory() as folder:
        anyio.run(measure, Path(folder))


if __name__ == "__main__":
    main()
