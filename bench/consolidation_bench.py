"""Which pairs of lessons the bank takes for one: wrong merges and found duplicates, over pairs with labels.

    python bench/consolidation_bench.py [--failures]    with the failures of the development half

With an endpoint configured (STRATEGY_BANK_LLM_MODEL, …) also what comes out when it decides the grey zone.
"""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import numpy as np
from figures import told

from strategy_bank.server.distilling import with_endpoint
from strategy_bank.server.settings import Settings
from strategy_bank.store.embedding import Embedder
from strategy_bank.store.errors import JudgeFailed
from strategy_bank.store.records import Strategy, wording
from strategy_bank.store.vectors import embed, pieces
from strategy_bank.tools.judge import Judge
from strategy_bank.tools.likeness import NEAR, Likeness, Words, compare, read
from strategy_bank.tools.neighbours import MERGE_COSINE

DATA = Path(__file__).parent / "consolidation" / "pairs.jsonl"
SHARED = Path(__file__).parents[2] / "shared" / "data"
SAME = ("paraphrase", "restated", "edited")
WRONG = ("different", "opposite", "crossed")
HALVES = ("development", "held-out")
AT_ONCE = 4
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


Rule = Sequence[bool]
"""For each pair, whether it is taken for one."""


def show(name: str, decisions: Rule, chosen: list[Pair]) -> None:
    """Found duplicates and wrong merges of each half, and all by kind."""

    def of(half: str, kinds: tuple[str, ...]) -> list[bool]:
        return [
            said for said, pair in zip(decisions, chosen, strict=True) if pair["half"] == half and pair["kind"] in kinds
        ]

    print(f"\n{name}")
    for half in HALVES:
        for meaning, kinds in (("same", SAME), ("not the same", WRONG)):
            mine = of(half, kinds)
            print(f"  {half:<12} {meaning:<14} {told(sum(mine), len(mine))}")
    by_kind = {kind: [said for half in HALVES for said in of(half, (kind,))] for kind in (*SAME, *WRONG)}
    print("  both halves: " + ", ".join(f"{kind} {sum(each)}/{len(each)}" for kind, each in by_kind.items()))
    shared = of("shared", WRONG)
    print(f"  near-confusable pairs of the shared set: {told(sum(shared), len(shared)) if shared else 'absent'}")


async def _decisions(settings: Settings, open_pairs: dict[int, Pair]) -> dict[int, bool]:
    """What the endpoint says of the pairs, by their number; one that it cannot answer stays two."""
    return await with_endpoint(settings, lambda judge: _ask_all(judge, open_pairs))


async def _ask_all(judge: Judge, open_pairs: dict[int, Pair]) -> dict[int, bool]:
    limit, same = anyio.CapacityLimiter(AT_ONCE), dict[int, bool]()

    async def ask(number: int, pair: Pair) -> None:
        async with limit:
            try:
                one, other = (wording(**_lesson(pair[side])) for side in "ab")
                same[number] = bool(await judge.same(one, other))
            except JudgeFailed as exc:
                same[number] = False
                print(f"  ! not decided: {exc}")

    async with anyio.create_task_group() as tasks:
        for number, pair in open_pairs.items():
            tasks.start_soon(ask, number, pair)
    return same


def _lesson(strategy: dict[str, str]) -> dict[str, str]:
    return {name: strategy[name] for name in ("title", "description", "content")}


def main() -> None:
    chosen = [*pairs(), *confusable()]
    found = measured(chosen)
    ours = [merges(likeness, cosine) for likeness, cosine in found]
    grey = [cosine >= NEAR and likeness.open for likeness, cosine in found]
    show(f"cosine of the texts ≥ {MERGE_COSINE}", [cosine >= MERGE_COSINE for _, cosine in found], chosen)
    show("cosine of the texts ≥ 0.85", [cosine >= 0.85 for _, cosine in found], chosen)
    show("ours", ours, chosen)
    show("ours and the grey zone", [a or b for a, b in zip(ours, grey, strict=True)], chosen)
    settings = Settings.from_environment(os.environ)
    if settings.llm_model:
        asked = {number: pair for number, (pair, open) in enumerate(zip(chosen, grey, strict=True)) if open}
        same = anyio.run(_decisions, settings, asked)
        decided = [merged or same.get(number, False) for number, merged in enumerate(ours)]
        show(f"ours, {settings.llm_model} deciding {len(asked)} pairs of the grey zone", decided, chosen)
    show("linked as contradicting", [cosine >= NEAR and likeness.contrary for likeness, cosine in found], chosen)
    if "--failures" in sys.argv:
        for pair, merged, (likeness, _) in zip(chosen, ours, found, strict=True):
            if pair["half"] == "development" and merged != (pair["kind"] in SAME):
                print(f"  ! {pair['kind']} {likeness.score:.2f} {pair['a']['title']} <> {pair['b']['title']}")


if __name__ == "__main__":
    main()
