"""200 real attempts at customer-service tasks through `report_outcome`, over stdio, with a judge that checks its prompts.

    python -m bench.tau.reports [--agent] [--limit 200]

Prints times, memory and what was learned. Exit code 1, with a list, where anything was lost, doubled, misjudged, left pending,
sent to the judge incompletely, or leaked. With --agent the agent judges itself in the same call, without an endpoint.
"""

import argparse
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import anyio

from bench.support.figures import p50_p95, show_problems
from bench.support.processes import disk_mb
from bench.support.servers import environment
from bench.tau.attempts import DATA, Attempt, load
from bench.tau.judge import MODEL, Examiner
from bench.tau.lessons import FAR, REWORDED
from bench.tau.run import Tally, inspect_bank, run
from tests.support.scripted_endpoint import ScriptedEndpoint


async def by_endpoint(
    environment: dict[str, str], attempts: Sequence[Attempt], tasks: Sequence[str]
) -> tuple[Tally, int]:
    """With the endpoint judge; how many requests it got."""
    examiner = Examiner("no-real-" + "key-4f1c", [attempt.secret for attempt in attempts if attempt.secret])
    with ScriptedEndpoint(examiner) as endpoint:
        told = {"JUDGE": "endpoint", "LLM_BASE_URL": endpoint.base_url, "LLM_MODEL": MODEL, "LLM_API_KEY": examiner.key}
        settings = environment | {f"STRATEGY_BANK_{name}": value for name, value in told.items()}
        tally = await run(settings, attempts, tasks, examiner, _progress)
        tally.problems += examiner.problems + await inspect_bank(environment, tally, [*examiner.secrets, examiner.key])
        return tally, len(endpoint.requests)


async def by_agent(environment: dict[str, str], attempts: Sequence[Attempt], tasks: Sequence[str]) -> tuple[Tally, int]:
    """With the agent's own judgement in the report."""
    tally = await run(environment | {"STRATEGY_BANK_JUDGE": "agent"}, attempts, tasks, progress=_progress)
    tally.problems += await inspect_bank(environment, tally, [attempt.secret for attempt in attempts])
    return tally, 0


def show(tally: Tally, requests: int, tasks: Sequence[str], home: Path) -> None:
    reports = len(tally.report_seconds)
    quarter = max(1, reports // 4)
    first, last = (p50_p95(part) for part in (tally.report_seconds[:quarter], tally.report_seconds[-quarter:]))
    rows = {
        "reports": f"{reports}, {len(tally.episodes)} episodes, in {tally.elapsed:.1f} s with a recall before each: "
        f"{reports / tally.elapsed:.1f}/s",
        "report_outcome": f"{p50_p95(tally.report_seconds)}; first quarter {first}, last quarter {last}",
        "recall_strategies": p50_p95(tally.recall_seconds),
        "requests to the endpoint": str(requests),
        "strategies": f"{tally.actions.count('added')} added, {tally.actions.count('merged')} merged, {tally.used} used",
        "recall afterwards": f"lessons for {len(tasks) + len(REWORDED)} tasks of the same kinds asked for; "
        f"of {len(REWORDED)} reworded ones, {tally.right_kind} got one of their kind; "
        f"{tally.far_answered} of {len(FAR)} far ones got any",
        "memory of the server": ", ".join(f"{when} {mb:.0f} MB" for when, mb in tally.memory.items() if mb is not None),
        "disk": f"{disk_mb(home / 'bank.lance'):.1f} MB, the model beside it {disk_mb(home / 'models'):.1f} MB",
        "problems": str(len(tally.problems)),
    }
    for name, value in rows.items():
        print(f"  {name:25}{value}")
    show_problems(tally.problems)


def _progress(done: int) -> None:
    if done % 50 == 0:
        print(f"  … {done}", file=sys.stderr)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--agent", action="store_true", help="the agent judges itself, in the same call")
    arguments.add_argument("--limit", type=int, default=200, help="report only so many (default: all)")
    options = arguments.parse_args()
    if not DATA.is_file():
        print(f"Skipped: the data is not there. Put tau-bench's historical trajectories (gpt-4o, airline) at {DATA}")
        return 0
    everything = load()
    attempts = everything[: options.limit]
    tasks = sorted({attempt.task for attempt in everything if not attempt.secret})
    how = "by the agent itself" if options.agent else "by an endpoint"
    print(f"tau-bench airline, {len(attempts)} attempts, judged {how}; Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        judged = by_agent if options.agent else by_endpoint
        tally, requests = anyio.run(judged, environment(home, "airline"), attempts, tasks)
        show(tally, requests, tasks, home)
    return 1 if tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
