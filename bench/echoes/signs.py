"""How often words of a lesson come back in work in which it was used, and in work whose agent never saw it.

    python -m bench.echoes.signs [--long 10]

Unseen: the attempts of bench/judging with lessons of other work that a recall might show for them (drawn/useful.jsonl), by how
useful a reader found them. Used: used.jsonl. `--long` puts as many other attempts behind each, as in a long session.
"""

import argparse
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.consolidation.pairs import DRAWN, rows
from bench.judging.cases import Case, load_cases
from bench.support.figures import share
from strategy_bank.store.records import Strategy
from strategy_bank.tools.echoes import echoed

USED = Path(__file__).parent / "used.jsonl"
_USE = ("unseen, does not apply", "unseen, applies partly", "unseen, applies")
Messages = list[dict[str, Any]]


def said(case: Case) -> Messages:
    """What the agent wrote and did; of a plain text nobody can tell what that is."""
    steps = case.trajectory if isinstance(case.trajectory, list) else []
    return [step | {"observation": None} for step in steps if step.get("role") in (None, "assistant")]


def pairs(cases: dict[str, Case]) -> Iterator[tuple[str, str, str, Messages]]:
    """What is known of a lesson in some work, the task, the lesson, and the agent's messages."""
    for row in rows(DRAWN / "useful.jsonl"):
        yield _USE[row["use"]], row["task"], row["lesson"], said(cases[row["task"]])
    for row in rows(USED):
        yield "used", row["task"], row["lesson"], [{"content": text} for text in row["did"]]


def measure(long: int) -> dict[str, tuple[int, int]]:
    """By what is known of a lesson: in how many works its words came back, and in how many it was looked for."""
    cases = {case.name: case for case in load_cases()}
    lessons = {row["id"]: row for row in rows(DRAWN / "lessons.jsonl")}
    chance, seen = random.Random(1), defaultdict[str, list[bool]](list)
    for known, task, lesson, messages in pairs(cases):
        row = lessons[lesson]
        others = [name for name in cases if name not in (task, row["work"])]
        strategy = Strategy(**{name: row[name] for name in row.keys() - {"work"}})
        more = [message for name in chance.sample(others, long) for message in said(cases[name])]
        seen[known].append(bool(echoed([strategy], cases[task].task, [*messages, *more])))
    return {known: (sum(found), len(found)) for known, found in seen.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", type=int, default=10, help="other attempts behind each (default: 10)")
    for long in (0, parser.parse_args().long):
        print(f"{long} other attempts behind each")
        for known, (found, of) in measure(long).items():
            print(f"  {known:24} {share(found, of)}")


if __name__ == "__main__":
    main()
