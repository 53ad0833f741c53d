"""How good a menu is: a few strategies in full that surely fit, and others by title, or nothing where nothing fits."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bench.recall.banks import Asked, banks, read
from bench.recall.metrics import ndcg
from bench.recall.sets import Case
from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.store.records import Menu
from strategy_bank.store.retrieval import ranking

FULL = 3
BINS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.6, 0.7, 1.01)
HEADS = (
    "",
    "tasks",
    "nDCG@3",
    "best in reach",
    "in full",
    "of these fit",
    "others",
    "nothing",
    "nothing in full",
    "nothing at all",
)
"""The last two where nothing fits, those before among the tasks that something fits."""


@dataclass(frozen=True)
class Served:
    """The answer to a task: gains of the strategies in full and of the others, in their order, and of all that fit."""

    full: list[int]
    others: list[int]
    relevances: list[float]
    relevant: list[int]


def serve(asked: Asked) -> Served:
    return served(ranking.rank(asked.candidates, FULL), asked.relevant)


def served(menu: Menu, relevant: dict[str, int]) -> Served:
    full, others = ([relevant.get(hit.id, 0) for hit in hits] for hits in menu)
    return Served(full, others, [hit.relevance for hits in menu for hit in hits], list(relevant.values()))


def line(name: str, some: Sequence[Served]) -> str:
    fitting, nothing = [one for one in some if one.relevant], [one for one in some if not one.relevant]
    in_full = [gain > 0 for one in some for gain in one.full]
    cells = [
        f"{len(fitting)} + {len(nothing)}",
        f"{np.mean([ndcg_of(one) for one in fitting]):.3f}",
        f"{np.mean([max(one.relevant) in (*one.full, *one.others) for one in fitting]):.3f}",
        f"{np.mean([len(one.full) for one in fitting]):.2f}",
        f"{np.mean(in_full):.0%}" if in_full else "–",
        f"{np.mean([len(one.others) for one in fitting]):.1f}",
        f"{np.mean([not one.full and not one.others for one in fitting]):.1%}",
        f"{np.mean([not one.full for one in nothing]):.0%}" if nothing else "–",
        f"{np.mean([not one.full and not one.others for one in nothing]):.0%}" if nothing else "–",
    ]
    return f"| {name} | {' | '.join(cells)} |"


def ndcg_of(one: Served) -> float:
    """Return nDCG@3 in the order of the menu; what fits and is not in it comes last."""
    order = [*one.full, *one.others]
    missed = list(one.relevant)
    for gain in filter(None, order):
        missed.remove(gain)
    return ndcg(range(len(order)), dict(enumerate([*order, *missed])))


def reliability(some: Sequence[Served]) -> list[str]:
    """Of what was shown, in bins of relevance: how much of it fits."""
    shown = np.array([one for each in some for one in each.relevances])
    fits = np.array([gain > 0 for each in some for gain in (*each.full, *each.others)])
    lines: list[str] = []
    for low, high in pairwise(BINS):
        these = (shown >= low) & (shown < high)
        if these.any():
            lines.append(
                f"| {low:.2f} to {min(high, 1):.2f} | {these.sum()} | {shown[these].mean():.2f} | {fits[these].mean():.2f} |"
            )
    return lines


def show(embedder: Embedder, cases: Sequence[Case]) -> None:
    every: list[Served] = []
    print(f"| {' | '.join(HEADS)} |\n{'|---' * len(HEADS)}|")
    for case in cases:
        for kind, asked in banks(read(embedder, case)).items():
            some = [serve(one) for one in asked]
            every += some if kind == "all" else []
            print(line(f"{case.name}, {kind}", some), flush=True)
    print("\n| relevance | shown | mean | of these fit |\n|---|---|---|---|")
    print("\n".join(reliability(every)))
