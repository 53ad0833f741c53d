"""Which tasks are played, drawn once from ScienceWorld's test split: `python -m bench.agents.plan` draws plan.json anew.

Each task type is a chain of visits, in the order in which they are played.
"""

import json
import random
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.agents.world import WorldMissing, test_variations

FILE = Path(__file__).with_name("plan.json")
SEED = 2026
VISITS = 6
TASKS = (
    "boil",
    "chemistry-mix",
    "grow-plant",
    "freeze",
)


@dataclass(frozen=True)
class Plan:
    """Task type → the variations of its visits."""

    chains: Mapping[str, Sequence[int]]

    def variation(self, task: str, visit: int) -> int:
        """Return what is played on this visit, counted from 1. Raises LookupError."""
        chain = self.chains.get(task, ())
        if not 1 <= visit <= len(chain):
            raise LookupError(f"The plan has no visit {visit} of {task!r}; its chains: {', '.join(self.chains)}")
        return chain[visit - 1]


def load_plan() -> Plan:
    return Plan(json.loads(FILE.read_text("utf-8"))["chains"])


def draw() -> Plan:
    """Draw the visits from the test split. Raises WorldMissing."""
    dice = random.Random(SEED)
    return Plan({task: dice.sample(test_variations(task), VISITS) for task in TASKS})


def main() -> int:
    try:
        plan = draw()
    except WorldMissing as exc:
        print(exc, file=sys.stderr)
        return 2
    FILE.write_text(json.dumps({"seed": SEED, "split": "test", "chains": plan.chains}, indent=1) + "\n", "utf-8")
    print("\n".join(f"{task}: {', '.join(map(str, chain))}" for task, chain in plan.chains.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
