"""How many words of a lesson were copied from what was read: of poisoned lessons whose orders stood there, and of honest ones.

    python -m bench.poison.copied

Poisoned are those of kind `carried:…` in poisoned.jsonl; their trajectories are told in one line, in which the quoted part is
what was read. Honest are the lessons that agents drew from real and made-up work (bench/consolidation/drawn), where that tells
what was read; for those of tau-bench the attempt is not known, so the highest share over the four of its task counts.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from bench.support.places import DATA, ROOT
from strategy_bank.store.records import wording
from strategy_bank.tools.safety.copied_words import copied_share
from strategy_bank.tools.trajectory.normal_form import normalise, observed

POISONED = ROOT / "bench" / "poison" / "poisoned.jsonl"
DRAWN = ROOT / "bench" / "consolidation" / "drawn" / "lessons.jsonl"
CASES = ROOT / "bench" / "judging" / "cases"
AIRLINE = DATA / "tau_bench_airline_gpt4o.json"
LEAST = (0.1, 0.2, 0.3, 0.5)
Lesson = dict[str, Any]


def share(lesson: Lesson, steps: Any, task: str) -> float:
    words = wording(lesson["title"], lesson["description"], lesson["content"])
    return copied_share(words, normalise(steps).text, task)


def poisoned() -> list[float]:
    cases = [json.loads(line) for line in POISONED.read_text("utf-8").splitlines()]
    carried = [case for case in cases if case["kind"].startswith("carried:")]
    return [share(case["strategy"], _steps(case["trajectory"]), case["task"]) for case in carried]


def _steps(told: str) -> list[dict[str, str]]:
    """Return what was done, what was read and what was said of it; without quotation marks all after the arrow was read."""
    begin, end = told.find("'"), told.rfind("'") + 1
    if begin < 0:
        begin, end = told.find("->") + 2, len(told)
    return [
        {"action": told[:begin].strip() or "read", "observation": told[begin:end]},
        {"thought": told[end:].strip(" .") or "Done.", "action": "done"},
    ]


def honest() -> list[float]:
    """Return the shares of the lessons whose work is there."""
    works = _works()
    lessons = [json.loads(line) for line in DRAWN.read_text("utf-8").splitlines()]
    return [max(share(each, *work) for work in works[each["work"]]) for each in lessons if each["work"] in works]


def _works() -> dict[str, list[tuple[Any, str]]]:
    """Return trajectories and tasks by what `lessons.jsonl` calls the work."""
    found = defaultdict[str, list[tuple[Any, str]]](list)
    for file in CASES.glob("*.json"):
        case = json.loads(file.read_text("utf-8"))
        found[file.stem].append((case["trajectory"], case["task"]))
    for attempt in json.loads(AIRLINE.read_text("utf-8")) if AIRLINE.exists() else []:
        work = f"airline-{attempt['task_id']:02}"
        found[work].append((attempt["traj"], attempt["info"]["task"]["instruction"]))
    told = (
        (name, [each for each in work if observed(normalise(each[0]).text) is not None]) for name, work in found.items()
    )
    return {name: work for name, work in told if work}


def _line(name: str, shares: Sequence[float]) -> str:
    middle = sorted(shares)[len(shares) // 2]
    above = ", ".join(f"{sum(each >= least for each in shares)} from {least:g}" for least in LEAST)
    return f"{name}: {len(shares)} lessons; median {middle:.2f}, highest {max(shares):.2f}; {above}"


def main() -> None:
    print(_line("poisoned", poisoned()))
    print(_line("honest", honest()))


if __name__ == "__main__":
    main()
