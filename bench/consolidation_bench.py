"""Which pairs of lessons the bank takes for one: wrong merges and found duplicates, over pairs with labels.

python bench/consolidation_bench.py [--failures]    with the failures of the development half
"""

import json
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rates import told

from strategy_bank.store.embedding import Embedder
from strategy_bank.store.records import Strategy
from strategy_bank.store.vectors import embed, pieces
from strategy_bank.tools.likeness import NEAR, Likeness, Words, compare, read
from strategy_bank.tools.neighbours import MERGE_COSINE

DATA = Path(__file__).parent / "consolidation" / "pairs.jsonl"
SHARED = Path(__file__).parents[2] / "shared" / "data"
SAME = ("paraphrase", "restated", "edited")
WRONG = ("different", "opposite", "crossed")
HALVES = ("development", "held-out")
Pair = dict[str, Any]


def pairs() -> list[Pair]:
    """The written ones, and of each group the other wordings with the lessons that are not meant: kind `crossed`."""
    written = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
    groups: dict[int, dict[str, Pair]] = defaultdict(dict)
    for pair in written:
        groups[pair["group"]].setdefault(pair["kind"], pair)
    crossed: list[Pair] = []
    for kinds in groups.values():
        if "opposite" in kinds:
            again = "paraphrase" if "paraphrase" in kinds else "restated"
            other, near, contrary = (kinds[kind]["b"] for kind in (again, "different", "opposite"))
            about = {"half": kinds["opposite"]["half"], "kind": "crossed", "group": kinds["opposite"]["group"]}
            crossed += [about | {"a": a, "b": b} for a, b in ((other, near), (other, contrary), (near, contrary))]
    return [*written, *crossed]


def confusable() -> list[Pair]:
    """The near-confusable pairs of the shared development set; none where it is absent."""
    if not (SHARED / "strategy_retrieval_dev_meta.json").exists():
        return []
    lessons = {
        s["id"]: s for s in json.loads((SHARED / "strategy_retrieval_dev.json").read_text("utf-8"))["strategies"]
    }
    meta = json.loads((SHARED / "strategy_retrieval_dev_meta.json").read_text("utf-8"))
    return [
        {"half": "shared", "kind": "different", "a": lessons[a], "b": lessons[b]} for a, b in meta["confusable_pairs"]
    ]


class Reader:
    """Reads each lesson once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.reading = cache(self._reading)

    def _reading(self, title: str, description: str, content: str) -> tuple[Words, "np.ndarray[Any, Any]"]:
        strategy = Strategy(id="st", title=title, description=description, content=content, outcome="success")
        (item,) = embed(self._embedder, [strategy])
        words = pieces(self._embedder, item)
        assert words
        return read(strategy, words), item.text

    def compare(self, pair: Pair) -> tuple[Likeness, float]:
        """How alike, and the cosine of the texts."""
        (a, va), (b, vb) = (self.reading(s["title"], s["description"], s["content"]) for s in (pair["a"], pair["b"]))
        return compare(a, b), float(va @ vb)


def measured(chosen: list[Pair]) -> list[tuple[Likeness, float]]:
    with TemporaryDirectory() as folder:
        reader = Reader(Embedder(Path(folder)))
        return [reader.compare(pair) for pair in chosen]


def merges(likeness: Likeness, cosine: float) -> bool:
    return cosine >= NEAR and likeness.same


def main() -> None:
    chosen = [*pairs(), *confusable()]
    found = measured(chosen)
    rules = {
        f"cosine of the texts ≥ {MERGE_COSINE}": [cosine >= MERGE_COSINE for _, cosine in found],
        "cosine of the texts ≥ 0.85": [cosine >= 0.85 for _, cosine in found],
        "ours": [merges(likeness, cosine) for likeness, cosine in found],
        "ours and the grey zone (an endpoint would be asked)": [
            cosine >= NEAR and (likeness.same or likeness.open) for likeness, cosine in found
        ],
        "linked as contradicting": [cosine >= NEAR and likeness.contrary for likeness, cosine in found],
    }
    for rule, decisions in rules.items():
        print(f"\n{rule}")
        for half in HALVES:
            for name, kinds in (("same", SAME), ("not the same", WRONG)):
                mine = [
                    d
                    for d, pair in zip(decisions, chosen, strict=True)
                    if pair["half"] == half and pair["kind"] in kinds
                ]
                print(f"  {half:<12} {name:<14} {told(sum(mine), len(mine))}")
        by_kind = {
            kind: [
                d for d, pair in zip(decisions, chosen, strict=True) if pair["kind"] == kind and pair["half"] in HALVES
            ]
            for kind in (*SAME, *WRONG)
        }
        print("  both halves: " + ", ".join(f"{kind} {sum(each)}/{len(each)}" for kind, each in by_kind.items()))
        shared = [d for d, pair in zip(decisions, chosen, strict=True) if pair["half"] == "shared"]
        print(
            f"  near-confusable pairs of the shared set: {told(sum(shared), len(shared))}"
            if shared
            else "  shared set: absent"
        )
    if "--failures" in sys.argv:
        for pair, (likeness, cosine) in zip(chosen, found, strict=True):
            if pair["half"] == "development" and merges(likeness, cosine) != (pair["kind"] in SAME):
                print(f"  ! {pair['kind']} {likeness.score:.2f} {pair['a']['title']} <> {pair['b']['title']}")


if __name__ == "__main__":
    main()
