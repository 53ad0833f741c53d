"""The world of the learning curve: tasks with hidden pitfalls, the lessons about them, right and wrong, in real words.

pitfalls.jsonl: one family a line, with its tasks in five wordings, what avoids the pitfall, what runs into it, how that shows,
and lessons (title, description, content) as a judge draws them: from a success, from a failure, and from a failure taken for a
success.
"""

import json
import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from strategy_bank.tools.judging.judgement import StrategyDraft

Kind = Literal["success", "failure", "bad"]
_HERE = Path(__file__).parent
PLATITUDES = (
    ("Read the task twice", "Before any work begins.", "Make sure that the request is understood; ask when it is not."),
    (
        "Keep notes on the way",
        "When a piece of work has many steps.",
        "Write down what was done, so that it can be told.",
    ),
    (
        "Finish what was begun",
        "Near the end of a piece of work.",
        "Go through the open points once more before handing over.",
    ),
)
"""What a judge draws that did not see the point."""

BRANCHES = (
    "",
    " This is for the branch in Graz.",
    " The colleagues in Porto wait for it.",
    " It concerns the Oslo office.",
)


@dataclass(frozen=True)
class Family:
    family: str
    tasks: list[str]
    good: str
    naive: str
    symptom: str
    success: list[list[str]]
    failure: list[list[str]]
    bad: list[list[str]]

    def lesson(self, kind: Kind, chance: float) -> StrategyDraft:
        """One of the phrasings; `chance` 0–1 chooses."""
        some: list[list[str]] = getattr(self, kind)
        return draft(*some[int(chance * len(some))])

    def workflow(self, task: str, good: bool) -> StrategyDraft:
        """The steps of one attempt that was taken for a success."""
        steps = (
            f"1. Look at what is there. 2. {(self.good if good else self.naive).capitalize()}. 3. Check and hand over."
        )
        return draft(f"Workflow: {task[:150]} ({'a' if good else 'b'})", f"For tasks such as: {task}", steps)


@dataclass(frozen=True)
class Task:
    text: str
    family: Family | None
    """None for a task without a pitfall."""


def draft(title: str, description: str, content: str) -> StrategyDraft:
    return StrategyDraft(title=title, description=description, content=content)


def platitude(chance: float) -> StrategyDraft:
    return draft(*PLATITUDES[int(chance * len(PLATITUDES))])


@cache
def families() -> tuple[Family, ...]:
    return tuple(Family(**json.loads(line)) for line in (_HERE / "pitfalls.jsonl").read_text("utf-8").splitlines())


@cache
def truth() -> dict[str, tuple[str, Kind]]:
    """Title of a lesson → the family it speaks of and what it is worth; titles are unique."""
    told: dict[str, tuple[str, Kind]] = {}
    for family in families():
        kinds: tuple[Kind, ...] = ("success", "failure", "bad")
        told |= {title: (family.family, kind) for kind in kinds for title, _, _ in getattr(family, kind)}
        for task in (f"{text}{branch}" for text in family.tasks for branch in BRANCHES):
            told[family.workflow(task, True).title] = family.family, "success"
            told[family.workflow(task, False).title] = family.family, "bad"
    return told


def stream(seed: int, length: int) -> list[Task]:
    """Tasks about half of the families, in an order of their own for each seed; one in seven has no pitfall.

    When all wordings have come they come again, for another branch: another task, with the same pitfall.
    """
    chance = random.Random(f"stream {seed}")
    chosen = chance.sample(families(), len(families()) // 2)
    harmless = [Task(text, None) for text in (_HERE / "distractors.txt").read_text("utf-8").splitlines()]
    chance.shuffle(harmless)
    pitfalls: list[Task] = []
    for branch in BRANCHES:
        some = [Task(f"{text}{branch}", family) for family in chosen for text in family.tasks]
        chance.shuffle(some)
        pitfalls += some
    return [harmless[i // 7 % len(harmless)] if i % 7 == 6 else pitfalls[i - i // 7] for i in range(length)]
