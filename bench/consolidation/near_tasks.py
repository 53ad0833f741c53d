"""Which tasks count as nearly the same: of truly different ones too many, and of one task in other forms too few?

    python -m bench.consolidation.near_tasks

Different are all pairs of tasks of one source. Forms of a task are made by a rule: a dot, a number, a name, words in another
order, one to five words more, one or two words replaced.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from bench.support.places import DATA, ROOT
from strategy_bank.tools.consolidation.witnesses import same_task
from strategy_bank.tools.trajectory.text import words_of

OF_EACH = 60
"""Tasks of a source of which forms are made."""
NAMES = ("Lehmann", "Kovacs", "Ayodele", "Tanaka", "Silva")
BENCH = ROOT / "bench"


def sources() -> dict[str, list[str]]:
    """Return the different tasks of each source that is there, in their order."""
    found = {
        "coding and office": [_json(file)["task"] for file in sorted((BENCH / "judging" / "cases").glob("*.json"))],
        "ScienceWorld": [json.loads(line)["task"] for line in _lines(BENCH / "agents" / "records" / "reports.jsonl")],
    }
    if DATA.exists():
        found |= {
            "websites": [each["intent"] for each in _json(DATA / "webarena_tasks.json")],
            "household": [
                each["content"]["task_meta"]["original_goal"] for each in _json(DATA / "skillrl_alfworld_memories.json")
            ],
            "airline": [each["info"]["task"]["instruction"] for each in _json(DATA / "tau_bench_airline_gpt4o.json")],
        }
        for part in ("dev", "second"):
            queries = _json(DATA / f"strategy_retrieval_{part}.json")["queries"]
            found[f"coding, {part}"] = [each["task"] for each in queries]
    return {name: list(dict.fromkeys(tasks)) for name, tasks in found.items()}


def forms(task: str, words: list[str], luck: random.Random) -> Iterator[tuple[str, str]]:
    """Yield the name of a change and the task with it; `words` are those that may be put in."""
    own = task.split()

    def longer(*more: str) -> str:
        mixed = list(own)
        for word in more:
            mixed.insert(luck.randrange(len(mixed) + 1), word)
        return " ".join(mixed)

    def replaced(number: int) -> str:
        mixed = list(own)
        for place in luck.sample(range(len(mixed)), min(number, len(mixed))):
            mixed[place] = luck.choice(words)
        return " ".join(mixed)

    yield "a dot", f"{task}."
    yield "a number", longer(str(luck.randrange(9_999)))
    yield "a name", longer(luck.choice(NAMES))
    yield "another order", " ".join(luck.sample(own, len(own)))
    for number in (1, 2, 5):
        yield f"{number} more", longer(*luck.choices(words, k=number))
    for number in (1, 2):
        yield f"{number} replaced", replaced(number)


def _json(file: Path) -> Any:
    return json.loads(file.read_text("utf-8"))


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines()


def main() -> None:
    luck, taken, made = random.Random(1), Counter[str](), 0
    every = sources()
    words = [word for tasks in every.values() for task in tasks for word in words_of(task)]
    for name, tasks in every.items():
        alike = [pair for pair in combinations(tasks, 2) if same_task(*pair)]
        lost = len({pair[1] for pair in alike})
        print(f"{name}: {len(alike)} of {len(tasks) * (len(tasks) - 1) // 2} pairs, {lost} of {len(tasks)} tasks")
        for task in luck.sample(tasks, min(OF_EACH, len(tasks))):
            made += 1
            taken.update(change for change, other in forms(task, words, luck) if same_task(task, other))
    print("the same task with " + ", ".join(f"{change} {number / made:.0%}" for change, number in taken.items()))


if __name__ == "__main__":
    main()
