"""Pairs of lessons with labels, of three kinds: written for this project, drawn by agents, and near-confusable ones.

What they are stands in README.md and drawn/README.md.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench.support.places import DATA
from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.store.records import Strategy, wording
from strategy_bank.store.retrieval.strategy_vectors import embed, pieces
from strategy_bank.tools.consolidation.likeness import NEAR, Likeness, likeness_of
from strategy_bank.tools.consolidation.words import Words, read

WRITTEN = Path(__file__).parent
DRAWN = WRITTEN / "drawn"
SAME = ("paraphrase", "restated", "edited")
HALVES = ("development", "held-out")


@dataclass(frozen=True)
class Lesson:
    title: str
    description: str
    content: str

    @property
    def wording(self) -> str:
        return wording(self.title, self.description, self.content)


@dataclass(frozen=True)
class Pair:
    """`half` is development or held-out; `group`, pairs that share lessons; `same`, whether they are one lesson."""

    half: str
    kind: str
    group: int
    same: bool
    a: Lesson
    b: Lesson


def written() -> list[Pair]:
    """Those in pairs.jsonl, and of each group the other wordings with the lessons that are not meant: kind `crossed`."""
    groups: dict[int, dict[str, Pair]] = defaultdict(dict)
    pairs: list[Pair] = []
    for row in rows(WRITTEN / "pairs.jsonl"):
        pair = Pair(row["half"], row["kind"], row["group"], row["kind"] in SAME, _lesson(row["a"]), _lesson(row["b"]))
        groups[pair.group].setdefault(pair.kind, pair)
        pairs.append(pair)
    for kinds in groups.values():
        if opposite := kinds.get("opposite"):
            again, near = kinds.get("paraphrase") or kinds["restated"], kinds["different"]
            crossed = ((again.b, near.b), (again.b, opposite.b), (near.b, opposite.b))
            pairs += [Pair(opposite.half, "crossed", opposite.group, False, a, b) for a, b in crossed]
    return pairs


def drawn() -> list[Pair]:
    """Those of the lessons that agents drew on which both readers agree."""
    lessons = {row["id"]: _lesson(row) for row in rows(DRAWN / "lessons.jsonl")}
    return [
        Pair(row["half"], "drawn", 0, row["same"][0], lessons[row["a"]], lessons[row["b"]])
        for row in rows(DRAWN / "pairs.jsonl")
        if len(set(row["same"])) == 1
    ]


def confusable() -> list[Pair]:
    """The near-confusable pairs of the shared development set; none where it is absent."""
    if not (DATA / "strategy_retrieval_dev_meta.json").exists():
        return []
    strategies = json.loads((DATA / "strategy_retrieval_dev.json").read_text("utf-8"))["strategies"]
    lessons = {row["id"]: _lesson(row) for row in strategies}
    meta = json.loads((DATA / "strategy_retrieval_dev_meta.json").read_text("utf-8"))
    return [Pair("held-out", "confusable", 0, False, lessons[a], lessons[b]) for a, b in meta["confusable_pairs"]]


class Reader:
    """Reads each lesson once."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.reading = cache(self._reading)

    def _reading(self, lesson: Lesson) -> tuple[Words, Any]:
        """With the vector of the text."""
        strategy = Strategy.model_validate({"id": "st", "outcome": "success"} | vars(lesson))
        (item,) = embed(self._embedder, [strategy])
        words = pieces(self._embedder, item)
        assert words
        return read(strategy, words), item.text

    def compare(self, pair: Pair) -> "Compared":
        (a, va), (b, vb) = self.reading(pair.a), self.reading(pair.b)
        return Compared(likeness_of(a, b), float(va @ vb))


@dataclass(frozen=True)
class Compared:
    """How alike, and the cosine of the texts: below NEAR the bank compares no further."""

    likeness: Likeness
    cosine: float

    @property
    def merges(self) -> bool:
        return self.cosine >= NEAR and self.likeness.same

    @property
    def asks(self) -> bool:
        return self.cosine >= NEAR and self.likeness.undecided

    @property
    def links(self) -> bool:
        return self.cosine >= NEAR and self.likeness.contrary


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def _lesson(row: dict[str, str]) -> Lesson:
    return Lesson(row["title"], row["description"], row["content"])
