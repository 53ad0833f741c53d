"""How near words must be to those that they correct, and how far tasks from each other: tried on what agents and others wrote.

The lessons are those of bench/consolidation/drawn, the tasks those of bench/recall/projects.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.consolidation.pairs import DRAWN, Lesson, Pair, Reader, drawn, rows
from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.tools.consolidation.amendment import CLOSE
from strategy_bank.tools.learning.corrections import ANOTHER_TASK
from tests.support.places import ROOT


@pytest.fixture(scope="module")
def reader(models_dir: Path) -> Reader:
    return Reader(Embedder(models_dir))


def lesson(row: dict[str, str]) -> Lesson:
    return Lesson(row["title"], row["description"], row["content"])


def test_corrections_are_close_to_what_they_correct(reader: Reader) -> None:
    known = {row["id"]: lesson(row) for row in rows(DRAWN / "lessons.jsonl")}
    pairs = [
        (row["kind"], Pair("", "", 0, True, known[row["of"]], lesson(row))) for row in rows(DRAWN / "amended.jsonl")
    ]
    assert len(pairs) == 18
    assert [kind for kind, pair in pairs if reader.compare(pair).cosine < CLOSE] == []


def test_hardly_a_lesson_that_says_something_else_is_close_even_of_the_nearest(reader: Reader) -> None:
    others = [pair for pair in drawn() if not pair.same]
    close = [pair for pair in others if reader.compare(pair).cosine >= CLOSE]
    assert len(others) > 300
    assert len(close) <= len(others) / 20


@pytest.mark.parametrize("project", ["billing", "firmware"])
def test_two_tasks_of_one_project_are_not_taken_for_the_same(project: str, models_dir: Path) -> None:
    known = json.loads((ROOT / "bench" / "recall" / "projects" / f"{project}.json").read_text("utf-8"))
    tasks = [each["task"] for each in known["queries"]]
    vectors = np.stack([each.vector for each in Embedder(models_dir).read_documents(tasks)])
    cosines = vectors @ vectors.T - np.eye(len(tasks))
    assert len(tasks) >= 80
    assert cosines.max() < ANOTHER_TASK
