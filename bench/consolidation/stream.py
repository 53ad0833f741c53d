"""How a bank grows when the same kind of task comes again: the reports of real agents, replayed in their order.

    python -m bench.consolidation.stream

The reports are those that agents sent while they played chains of tasks (bench/agents), lessons and corrections included. Each
recalls and reports again through the real server, a chain in a bank of its own. What a report says of lessons by id is replayed
as it was sent; where today's server has merged or named them otherwise, that is told.
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from mcp import Client

from bench.agents.episode import SCOPE
from bench.agents.rows import read_reports
from strategy_bank.server.mcp.app import create_server
from strategy_bank.server.settings import Settings

ARM = "bank"
ABOUT = ("arm", "task_type", "visit")


async def replay(reports: list[dict[str, Any]], home: Path) -> list[Counter[str]]:
    """Return for each report of a chain what became of its lessons: how many were added, merged, amended and so on."""
    settings = Settings.read({"STRATEGY_BANK_HOME": str(home), "STRATEGY_BANK_SCOPE": SCOPE})
    fates = list[Counter[str]]()
    async with Client(create_server(settings)) as client:
        for report in reports:
            arguments = {name: value for name, value in report.items() if name not in ABOUT}
            recalled = await client.call_tool("recall_strategies", {"task": arguments["task"]})
            assert recalled.structured_content
            arguments["recall_id"] = recalled.structured_content["recall_id"]
            told = await client.call_tool("report_outcome", arguments)
            assert not told.is_error, told.content
            assert told.structured_content
            learned: list[Mapping[str, str]] = told.structured_content["strategies"]
            fates.append(Counter(each["action"] for each in learned))
    return fates


def main() -> int:
    chains: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for report in read_reports():
        if report["arm"] == ARM:
            chains[report["task_type"]].append(report)
    if not chains:
        print("No reports are kept in bench/agents/records yet.")
        return 1
    by_visit: dict[int, list[Counter[str]]] = defaultdict(list)
    for name, reports in chains.items():
        with TemporaryDirectory() as home:
            fates = anyio.run(replay, reports, Path(home))
        for visit, fate in enumerate(fates, 1):
            by_visit[visit].append(fate)
            print(f"{name} {visit}: {', '.join(f'{count} {action}' for action, count in fate.items()) or 'nothing'}")
    print("\n| visit | reports | added by each | merged, amended, proposed or confirmed by each |\n|---|---|---|---|")
    for visit, fates in sorted(by_visit.items()):
        added = sum(fate["added"] for fate in fates)
        others = sum(map(Counter.total, fates)) - added
        print(f"| {visit} | {len(fates)} | {added / len(fates):.2f} | {others / len(fates):.2f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
