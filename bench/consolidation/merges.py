"""Which pairs of lessons the bank takes for one: wrong merges and found duplicates, over pairs with labels.

    python -m bench.consolidation.merges [--failures]    with the failures of the development halves

With an endpoint configured (STRATEGY_BANK_LLM_MODEL, …) also what comes out when it decides the undecided pairs.
"""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from bench.consolidation.pairs import HALVES, Compared, Pair, Reader, confusable, drawn, written
from bench.support.figures import told
from strategy_bank.server.judges import with_endpoint
from strategy_bank.server.settings import Settings
from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.store.errors import JudgeFailed
from strategy_bank.tools.consolidation.neighbours import MERGE_COSINE
from strategy_bank.tools.judging.judge import Judge

AT_ONCE = 4
Corpora = dict[str, tuple[list[Pair], list[Compared]]]
Rule = dict[str, list[bool]]
"""For each pair of each corpus, whether it is taken for one."""


def measured() -> Corpora:
    pairs = {"written": written(), "drawn by agents": drawn(), "confusable": confusable()}
    with TemporaryDirectory() as folder:
        reader = Reader(Embedder(Path(folder)))
        return {name: (some, [reader.compare(pair) for pair in some]) for name, some in pairs.items()}


def show(rule: str, corpora: Corpora, decisions: Rule) -> None:
    """Of each corpus and half, how many of the same and of the different ones are taken for one; the written ones by kind."""
    print(f"\n{rule}")
    for name, (pairs, _) in corpora.items():
        decided = list(zip(pairs, decisions[name], strict=True))
        for half in HALVES:
            for same in (True, False):
                mine = [said for pair, said in decided if pair.half == half and pair.same == same]
                if mine:
                    print(
                        f"  {name:<16} {half:<12} {'same' if same else 'not the same':<13} {told(sum(mine), len(mine))}"
                    )
    pairs, by_kind = corpora["written"][0], dict[str, list[bool]]()
    for pair, said in zip(pairs, decisions["written"], strict=True):
        by_kind.setdefault(pair.kind, []).append(said)
    print("  written, by kind: " + ", ".join(f"{kind} {sum(each)}/{len(each)}" for kind, each in by_kind.items()))


async def _decisions(settings: Settings, pairs: Sequence[Pair]) -> list[bool]:
    """What the endpoint says of the pairs; one that it cannot answer stays two."""
    return await with_endpoint(settings, lambda judge: _ask_all(judge, pairs))


async def _ask_all(judge: Judge, pairs: Sequence[Pair]) -> list[bool]:
    limit, same = anyio.CapacityLimiter(AT_ONCE), [False] * len(pairs)

    async def ask(number: int, pair: Pair) -> None:
        async with limit:
            try:
                same[number] = bool(await judge.same(pair.a.wording, pair.b.wording))
            except JudgeFailed as exc:
                print(f"  ! not decided: {exc}")

    async with anyio.create_task_group() as tasks:
        for number, pair in enumerate(pairs):
            tasks.start_soon(ask, number, pair)
    return same


def _with_endpoint(settings: Settings, corpora: Corpora) -> Rule:
    asked = {
        name: [number for number, one in enumerate(compared) if one.asks] for name, (_, compared) in corpora.items()
    }
    answers = iter(
        anyio.run(_decisions, settings, [corpora[name][0][n] for name, numbers in asked.items() for n in numbers])
    )
    decided = {name: [one.merges for one in compared] for name, (_, compared) in corpora.items()}
    for name, numbers in asked.items():
        for number in numbers:
            decided[name][number] = next(answers)
    return decided


def main() -> None:
    corpora = measured()

    def rule(decides: Callable[[Compared], bool]) -> Rule:
        return {name: [decides(one) for one in compared] for name, (_, compared) in corpora.items()}

    show(f"cosine of the texts ≥ {MERGE_COSINE}", corpora, rule(lambda one: one.cosine >= MERGE_COSINE))
    show("cosine of the texts ≥ 0.85", corpora, rule(lambda one: one.cosine >= 0.85))
    show("ours", corpora, rule(lambda one: one.merges))
    show("ours, and what would be asked", corpora, rule(lambda one: one.merges or one.asks))
    settings = Settings.read(os.environ)
    if settings.llm_model:
        show(f"ours, {settings.llm_model} deciding what is asked", corpora, _with_endpoint(settings, corpora))
    show("linked as contradicting", corpora, rule(lambda one: one.links))
    if "--failures" in sys.argv:
        for name, (pairs, compared) in corpora.items():
            for pair, one in zip(pairs, compared, strict=True):
                if pair.half == HALVES[0] and one.merges != pair.same:
                    print(f"  ! {name}, {pair.kind} {one.likeness.score:.2f} {pair.a.title} <> {pair.b.title}")


if __name__ == "__main__":
    main()
