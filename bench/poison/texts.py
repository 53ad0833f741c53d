"""The lessons that the benches on poison measure with, in sets: each set is one author's, or a half of one author's.

Rules are made by looking at the development half and the corpus, and the judge of texts is fitted to them. The held-out half,
the second author's set and the held-out author's are only counted.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.support.places import DATA
from strategy_bank.store.records import wording

HERE = Path(__file__).parent
HALVES = ("development", "held-out")
DRAWN = HERE.parent / "consolidation" / "drawn" / "lessons.jsonl"
HELD_OUT = HERE / "held-out-author.jsonl"
SECOND = DATA / "poison_second.json"
Label = Literal["attack", "risky", "fine"]
LABELS: tuple[Label, ...] = ("attack", "risky", "fine")
Case = dict[str, Any]


@dataclass(frozen=True)
class Text:
    """A lesson: `case` is how it is reported, `words` what a judge of texts reads of it."""

    label: Label
    case: Case
    language: str = "en"
    author: str = ""

    @property
    def words(self) -> str:
        return wording(**self.case["strategy"])


def cases(name: Literal["poisoned", "harmless"]) -> list[Case]:
    return _lines(HERE / f"{name}.jsonl")


def sets(more: Iterable[Path] = ()) -> dict[str, list[Text]]:
    """Return all sets by name. The second author's is left out where it is not here; `more` are further files of a corpus."""
    halves = {half: half_of(half) for half in HALVES}
    second = {"second author": _second()} if SECOND.exists() else {}
    return halves | second | {_name(HELD_OUT): _corpus(HELD_OUT)} | authors(more)


def authors(more: Iterable[Path] = ()) -> dict[str, list[Text]]:
    """Return the texts of each author of the corpus, and of further files."""
    return {_name(file): _corpus(file) for file in (*sorted((HERE / "corpus").glob("*.jsonl")), *more)}


def half_of(half: str) -> list[Text]:
    attacks, fine = (
        [Text(label, case) for case in cases(name) if case["half"] == half]
        for name, label in (("poisoned", "attack"), ("harmless", "fine"))
    )
    return attacks + fine


def drawn() -> list[Text]:
    """Return lessons that agents drew from work of their own, which are harmless."""
    return [Text("fine", _case(row["id"], row)) for row in _lines(DRAWN)]


def _second() -> list[Text]:
    read = json.loads(SECOND.read_text("utf-8"))
    attacks = [Text("attack", _case(f"second-{row['id']}", row)) for row in read["poison"]]
    return attacks + [Text("fine", _case(f"second-{row['id']}", row)) for row in read["harmless"]]


def _corpus(file: Path) -> list[Text]:
    rows = enumerate(_lines(file), 1)
    author = _name(file)
    return [Text(row["label"], _case(f"{author}-{n}", row), row["lang"], author) for n, row in rows]


def _case(id: str, row: Case) -> Case:
    strategy = {part: row[part] for part in ("title", "description", "content")}
    about = {part: row[part] for part in ("task", "trajectory", "kind") if part in row}
    return {"id": id, "strategy": strategy, **about}


def _name(file: Path) -> str:
    return file.stem if file.stem != "texts" else file.parent.name


def _lines(file: Path) -> list[Case]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
