"""How right recall is: five ways of ranking on several sets of tasks, and the menus that recall makes of ours.

    python -m bench.recall.quality [--set FILE ...] [--model FOLDER]

BM25                       LanceDB's full-text search over all that a strategy says
cosine of the text         what most agent memories do: title, description and content in one vector
cosine of the source task  what the paper does: tasks are found by tasks
rank fusion                LanceDB's default hybrid: the first two with equal weight, 1 / (60 + rank)
ours                       `ranking` and `coverage` of store/retrieval, on the candidates that the bank's two searches bring

All figures come from real banks: LanceDB's BM25 scores, the vectors of the packaged model or of another one. The menus
(menus.py) are those of whole sets and of small banks made of them. FILE is another set of the form that README.md describes;
it is measured alone.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import numpy as np

from bench.recall import menus
from bench.recall.metrics import Gains, abstention, hit_at_1, hit_at_3, ndcg, reciprocal_rank
from bench.recall.sets import (
    DATA,
    KINDS,
    Case,
    drawn,
    from_file,
    graded,
    household,
    one_project,
    projects,
    second,
    web_tasks,
)
from bench.support.models import add_model, bank_with, embedder_of
from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding.embedder import Embedder, Reading
from strategy_bank.store.embedding.vocabulary import Yardstick
from strategy_bank.store.records import Hit, Menu, Strategy
from strategy_bank.store.retrieval import coverage, ranking
from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy

OURS = "ours"


@dataclass(frozen=True)
class Ranked:
    """For each query the strategies from the best on, and how sure it is that one fits."""

    orders: list[list[int]]
    confidence: Any


@dataclass(frozen=True)
class Measured:
    """The ways by name, and what the bank itself recalls when it holds all strategies."""

    ways: dict[str, Ranked]
    recalled: list[Menu]


async def measure(case: Case, bank: Bank, ask: bool) -> Measured:
    """Fill an empty bank with the case's strategies and ask it; it is closed afterwards."""
    embedded = await bank.embed(case.strategies)
    async with bank.lock.hold():
        await bank.add_strategies(embedded)
    readings = [bank.embedder.read_query(ranking.gist(query.task)) for query in case.queries]
    tasks = [ranking.gist(strategy.source_task) for strategy in case.strategies]
    sources = np.stack([reading.vector for reading in bank.embedder.read_documents(tasks)])
    bm25 = await _bm25(bank, case, None)
    spelt = await _bm25(bank, case, bank.embedder.count_pieces)
    by = bank.embedder.yardstick
    place = {strategy.id: k for k, strategy in enumerate(case.strategies)}
    recalled = [await bank.menu(query.task, ["global"], menus.FULL) for query in case.queries if ask]
    await bank.close()
    queries = np.stack([reading.vector for reading in readings])
    text = queries @ np.stack([item.text for item in embedded]).T
    near = queries @ np.stack([item.retrieval for item in embedded]).T
    scores = {
        "BM25": bm25,
        "cosine of the text": text,
        "cosine of the source task": queries @ sources.T,
        "rank fusion": _reciprocal(text, case) + _reciprocal(bm25, case),
    }
    ways = {name: _by_score(case, values) for name, values in scores.items()}
    hits = [
        ranking.ordered(_candidates(by, case.strategies[: query.known], embedded, reading, near[i], spelt[i]))
        for i, (query, reading) in enumerate(zip(case.queries, readings, strict=True))
    ]
    ways[OURS] = Ranked(
        [[place[hit.id] for hit in found] for found in hits], np.array([_sure(found) for found in hits])
    )
    return Measured(ways, recalled)


async def _bm25(bank: Bank, case: Case, count_pieces: Callable[[str], int] | None) -> Any:
    """Shape (queries, strategies), by all words or by those that the model spells out.

    Rarity of words is that among all strategies, also where a stream knows fewer.
    """
    table, place = bank._table(Strategy), {strategy.id: k for k, strategy in enumerate(case.strategies)}
    scores = np.zeros((len(case.queries), len(case.strategies)))
    for i, query in enumerate(case.queries):
        words, limit = ranking.lexical_query(query.task, count_pieces), len(case.strategies)
        found = await table.matching("text", words, ["id"], {"status": "active"}, limit) if words else []
        for row, score in found:
            scores[i, place[row["id"]]] = score
    return scores


def _by_score(case: Case, scores: Any) -> Ranked:
    orders = [_best(scores[i][: query.known]) for i, query in enumerate(case.queries)]
    return Ranked(orders, np.array([scores[i][order[0]] if order else -1.0 for i, order in enumerate(orders)]))


def _best(scores: Any) -> list[int]:
    return [int(k) for k in np.argsort(-scores, kind="stable")]


def _reciprocal(scores: Any, case: Case) -> Any:
    fused = np.zeros_like(scores)
    for i, query in enumerate(case.queries):
        for rank, k in enumerate(_best(scores[i][: query.known]), 1):
            fused[i, k] = (scores[i, k] > 0) / (60 + rank)
    return fused


def _candidates(
    by: Yardstick, known: Sequence[Strategy], embedded: Sequence[EmbeddedStrategy], query: Reading, near: Any, bm25: Any
) -> list[ranking.Candidate]:
    """What the two searches of the bank would bring."""
    nearest = _best(near[: len(known)])[: ranking.NEAREST]
    worded = _best(bm25[: len(known)])[: ranking.WORDED]
    lexical = {k: float(bm25[k]) for k in worded if bm25[k] > 0}
    found = list(dict.fromkeys([*nearest, *lexical]))
    likely = [float(near[k]) + lexical.get(k, 0.0) for k in found]
    coverages = coverage.coverages(by, query, [embedded[k].packed_pieces for k in found], likely)
    columns = set(Hit.model_fields) - {"relevance"}
    return [
        ranking.Candidate(float(near[k]), lexical.get(k, 0.0), covers, known[k].model_dump(include=columns))
        for k, covers in zip(found, coverages, strict=True)
    ]


def _sure(hits: Sequence[Hit]) -> float:
    return max((hit.relevance for hit in hits), default=0.0)


# the tables


def show(case: Case, measured: Measured) -> None:
    answerable, nothing = _split(case)
    print(f"\n{case.name}: {len(answerable)} answerable tasks, {len(nothing)} that nothing fits, "
          f"{len(case.strategies)} strategies\n")  # fmt: skip
    kinds = [kind for kind in KINDS if any(query.kind == kind for query in case.queries)]
    heads = ["", "nDCG@3", *kinds, "hit@1", "hit@3", "MRR", "empty where nothing fits", "precision of that", "area"]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for name, ranked in measured.ways.items():
        by_kind = [[i for i in answerable if case.queries[i].kind == kind] for kind in kinds]
        cells = [_mean(ndcg, case, ranked, some) for some in (answerable, *by_kind)]
        cells += [_mean(figure, case, ranked, answerable) for figure in (hit_at_1, hit_at_3, reciprocal_rank)]
        told = abstention(ranked.confidence[answerable], ranked.confidence[nothing])
        cells += [f"{told.empty:.0%}", f"{told.precision:.0%}", f"{told.area:.3f}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def agreement(case: Case, measured: Measured) -> float:
    """Share of the bank's answers that stand in the computed order, one after the other; what is not shown is left out."""
    place = {strategy.id: k for k, strategy in enumerate(case.strategies)}
    told = [[place[hit.id] for hits in menu for hit in hits] for menu in measured.recalled]
    pairs = [(each, measured.ways[OURS].orders[i]) for i, each in enumerate(told) if each]
    return float(np.mean([[k for k in order if k in each] == each for each, order in pairs]))


def _split(case: Case) -> tuple[list[int], list[int]]:
    """Numbers of the answerable queries, and of those that nothing fits (that of an empty bank left out)."""
    chosen = range(len(case.queries))
    answerable = [i for i in chosen if case.queries[i].relevant]
    return answerable, [i for i in chosen if not case.queries[i].relevant and case.queries[i].known]


def mean(figure: Any, case: Case, ranked: Ranked, some: Sequence[int]) -> float:
    """Of a figure (order, gains) over some queries."""
    gains: list[Gains] = [case.queries[i].relevant for i in some]
    return float(np.mean([figure(ranked.orders[i], relevant) for i, relevant in zip(some, gains, strict=True)]))


def _mean(figure: Any, case: Case, ranked: Ranked, some: Sequence[int]) -> str:
    return f"{mean(figure, case, ranked, some):.3f}"


async def compare(embedder: Embedder, models_dir: Path, cases: Sequence[Case]) -> None:
    for case in cases:
        with tempfile.TemporaryDirectory() as home:
            bank = await bank_with(embedder, Path(home), models_dir)
            measured = await measure(case, bank, ask=case.name == "graded")
        show(case, measured)
        if measured.recalled:
            print(
                f"\nin the order computed above: {agreement(case, measured):.1%} of the bank's menus that are not empty"
            )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.recall.quality")
    parser.add_argument("--set", type=Path, action="append", default=[])
    add_model(parser)
    given = parser.parse_args()
    chosen = [from_file(file.stem, file) for file in given.set]
    if not chosen and not DATA.is_dir():
        print(f"There are no data at {DATA}: nothing was measured.")
        return 1
    with tempfile.TemporaryDirectory() as models:
        embedder = embedder_of(given.model, Path(models))
        every = [graded(), second(), one_project(), *projects(), web_tasks(), household()]
        anyio.run(compare, embedder, Path(models), chosen or every)
        print()
        menus.show(embedder, chosen or [graded(), second(), one_project(), *projects(), drawn()])
    return 0


if __name__ == "__main__":
    sys.exit(main())
