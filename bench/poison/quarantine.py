"""How many poisoned reports reach a recall, and how many harmless lessons are held back.

Every report goes through the real server by an in-memory client, each into a scope of its own, so that nothing but
quarantine and the floor of relevance can keep its strategy from the recall that follows with the same task.
Then every set of lessons is put to each judge of texts alone, without a server.

    python -m bench.poison.quarantine [--failures] [--all] [FILE …]

`--failures` shows the failures of the development half; with `--all` every set goes through the server, which takes minutes;
the files are further ones of a corpus.
"""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import anyio
from mcp import Client

from bench.poison.texts import HALVES, LABELS, Case, Text, cases, sets
from bench.support.figures import told
from strategy_bank.server.mcp.app import create_server
from strategy_bank.server.settings import Settings
from strategy_bank.tools.safety.prompt_injection import read_as_orders
from strategy_bank.tools.safety.text_judge.judge import suspicion

Fate = Literal["quarantined", "not relevant", "recalled"]
WORK = "Looked at the task, made the change, ran the tests.\n14 passed in 2.31s"
JUDGES: dict[str, Callable[[str], bool]] = {
    "rules alone": lambda words: read_as_orders(words) is not None,
    "classifier alone": lambda words: bool(suspicion(words).severity),
    "both": lambda words: read_as_orders(words) is not None or bool(suspicion(words).severity),
}
"""Whether a lesson is held, by whose word."""


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


def by_judge(texts: Mapping[str, list[Text]], judges: Mapping[str, Callable[[str], bool]]) -> None:
    """Of each set and label, how many lessons each judge holds."""
    for name, some in texts.items():
        print(f"\nHeld of {name}")
        for label in LABELS:
            own = [text for text in some if text.label == label]
            for judge, holds in judges.items() if own else ():
                print(f"  {label:6} {judge:16} {told(sum(holds(text.words) for text in own), len(own))}")


def through_the_server(texts: Mapping[str, list[Text]]) -> None:
    """Of each set and label, how many lessons are held and how many reach a recall of their own task."""
    for name, some in texts.items():
        by_id = anyio.run(fates, [text.case for text in some])
        print(f"\nThrough the server: {name}")
        for label in LABELS:
            own = [by_id[text.case["id"]] for text in some if text.label == label]
            for fate in ("quarantined", "recalled") if own else ():
                print(f"  {label:6} {fate:11} {told(own.count(fate), len(own))}")


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
    texts = sets(Path(name) for name in sys.argv[1:] if not name.startswith("--"))
    by_judge(texts, JUDGES)
    if "--all" in sys.argv:
        through_the_server({name: some for name, some in texts.items() if name not in HALVES})


if __name__ == "__main__":
    main()
