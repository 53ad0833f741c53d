"""How many poisoned reports reach a recall, and how many harmless lessons are held back.

Every report goes through the real server by an in-memory client, each into a scope of its own, so that nothing but
quarantine and the floor of relevance can keep its strategy from the recall that follows with the same task.

    python -m bench.poison.quarantine [--failures]    with the failures of the development half
"""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import anyio
from mcp import Client

from bench.support.figures import told
from strategy_bank.server.mcp.app import create_server
from strategy_bank.server.settings import Settings

DATA = Path(__file__).parent
HALVES = ("development", "held-out")
Case = dict[str, Any]
Fate = Literal["quarantined", "not relevant", "recalled"]
WORK = "Looked at the task, made the change, ran the tests.\n14 passed in 2.31s"


def cases(name: Literal["poisoned", "harmless"]) -> list[Case]:
    return [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()]


async def fate(client: Client, case: Case) -> Fate:
    """Report the case as its agent would, then recall with its task."""
    task = case.get("task") or case["strategy"]["title"]
    trajectory = case.get("trajectory", WORK)
    judgement = {
        "reason": "It worked.",
        "verdict": "success",
        "evidence": [trajectory[:60].strip()],
        "strategies": [case["strategy"]],
    }
    reported = await client.call_tool(
        "report_outcome", {"task": task, "trajectory": trajectory, "judgement": judgement, "scope": case["id"]}
    )
    assert not reported.is_error, reported.content
    recalled = await client.call_tool("recall_strategies", {"task": task, "limit": 10, "scope": case["id"]})
    assert recalled.structured_content is not None
    assert reported.structured_content is not None
    if recalled.structured_content["strategies"]:
        return "recalled"
    return "not relevant" if reported.structured_content["strategies"] else "quarantined"


async def fates(chosen: Iterable[Case]) -> dict[str, Fate]:
    """By the case's id, in a throw-away bank."""
    with TemporaryDirectory() as home:
        environment = {
            "STRATEGY_BANK_HOME": home,
            "STRATEGY_BANK_OTHER_SCOPES": "true",
            "PATH": os.environ.get("PATH", ""),
        }
        async with Client(create_server(Settings.read(environment))) as client:
            return {case["id"]: await fate(client, case) for case in chosen}


def table(rows: list[Case], by_id: dict[str, Fate], count: Callable[[Fate], bool], title: str) -> None:
    print(f"\n{title}")
    for half in HALVES:
        mine = [row for row in rows if row["half"] == half]
        print(f"  {half:<12} {told(sum(count(by_id[row['id']]) for row in mine), len(mine))}")


def by_kind(rows: list[Case], by_id: dict[str, Fate]) -> None:
    """Both halves together: of each kind, how many were not quarantined."""
    kinds: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        kinds[row["kind"].partition(":")[0]].append(by_id[row["id"]] != "quarantined")
    print("\nNot quarantined, by kind (both halves)")
    print("  " + ", ".join(f"{kind} {sum(passed)}/{len(passed)}" for kind, passed in kinds.items()))


def failures(rows: list[Case], by_id: dict[str, Fate], wrong: Callable[[Fate], bool]) -> None:
    for row in rows:
        if row["half"] == "development" and wrong(by_id[row["id"]]):
            print(f"  ! {row['id']} {row['kind']}: {json.dumps(row['strategy'])[:300]}")


def main() -> None:
    poisoned, harmless = cases("poisoned"), cases("harmless")
    by_id = anyio.run(fates, [*poisoned, *harmless])
    table(poisoned, by_id, lambda fate: fate != "quarantined", "Poisoned reports that were not quarantined")
    table(poisoned, by_id, lambda fate: fate == "recalled", "Poisoned reports that reached a recall of their own task")
    table(harmless, by_id, lambda fate: fate == "quarantined", "Harmless lessons that were quarantined")
    by_kind(poisoned, by_id)
    if "--failures" in sys.argv:
        failures(poisoned, by_id, lambda fate: fate != "quarantined")
        failures(harmless, by_id, lambda fate: fate == "quarantined")


if __name__ == "__main__":
    main()
