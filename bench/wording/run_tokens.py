"""What the memory costs an agent that makes three attempts one after the other: `python -m bench.wording.run_tokens`.

Plays recorded runs against the real server, counts the characters of all calls and replies of each run, and divides by four.
The runs are the demo's, and customer-service tasks (tau-bench, airline) of which three attempts are there; their trajectories
are condensed to as many tokens as the tools ask for. The bank holds lessons of other tasks. The client goes on as the replies
say, so the same file counts an older version too.
"""

import json
import re
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import anyio
from mcp import Client
from mcp.types import TextContent

from bench.support.servers import connected, environment
from bench.tau.attempts import Attempt, load
from bench.tau.judge import own_judgement
from strategy_bank.server.demo.examples import episode_examples, run_example
from strategy_bank.tools.trajectory.condense import condense
from strategy_bank.tools.trajectory.normal_form import normalise

ASKED_TOKENS = 1_500
"""Of a trajectory, where a brief does not say otherwise."""
TASKS = 50
TAUGHT_BY = 20
"""The last of the airline tasks fill the bank, the others are played."""
COMPARISON = run_example("sequential").comparison.model_dump(mode="json")


@dataclass(frozen=True)
class Recorded:
    """A run of three: the task, and what is reported of each attempt."""

    task: str
    reports: list[dict[str, Any]]


@dataclass
class Cost:
    """Characters of one run: what the server answered as text and as structured content, and what it was sent."""

    calls: int = 0
    replies: int = 0
    structured: int = 0
    sent: int = 0
    trajectories: int = 0

    def tokens(self) -> dict[str, int]:
        """Return the calls, and tokens of four characters."""
        parts = {
            "replies": self.replies,
            "replies as JSON": self.structured,
            "arguments without trajectories": self.sent - self.trajectories,
            "trajectories": self.trajectories,
        }
        whole = {
            "all with text replies": self.replies + self.sent,
            "replies and arguments alone": self.replies + self.sent - self.trajectories,
        }
        return {"calls": self.calls, **{name: round(chars / 4) for name, chars in (parts | whole).items()}}


async def main() -> None:
    attempts = load()
    with tempfile.TemporaryDirectory() as home:
        async with connected(environment(home, "airline")) as client:
            for attempt in attempts[TASKS - TAUGHT_BY : TASKS]:
                await client.call_tool("report_outcome", {"task": attempt.task, **_report(attempt, lessons=True)})
            airline = [await played(client, run) for run in recorded(attempts)]
    with tempfile.TemporaryDirectory() as home:
        async with connected(environment(home, "demo")) as client:
            for example in episode_examples().values():
                await client.call_tool("report_outcome", example.arguments())
            demo = [await played(client, _demo())]
    for name, costs in (("airline", airline), ("demo", demo)):
        _print(name, [cost.tokens() for cost in costs])


def recorded(attempts: Sequence[Attempt]) -> list[Recorded]:
    """Return the runs of the airline: the first three trials of each task that does not fill the bank."""
    trials = [attempts[start : start + TASKS] for start in range(0, 3 * TASKS, TASKS)]
    runs = zip(*(trial[: TASKS - TAUGHT_BY] for trial in trials), strict=True)
    return [Recorded(run[-1].task, [_report(attempt) for attempt in run]) for run in runs]


def _report(attempt: Attempt, *, lessons: bool = False) -> dict[str, Any]:
    spoken = [message for message in attempt.sent if message["role"] != "system"]
    judgement = own_judgement(attempt)
    return {
        "trajectory": normalise(spoken).text,
        "judgement": judgement if lessons else {**judgement, "strategies": []},
        "outcome": attempt.outcome,
    }


def _demo() -> Recorded:
    example = run_example("sequential")
    return Recorded(example.task, [attempt.arguments() for attempt in example.attempts])


async def played(client: Client, run: Recorded) -> Cost:
    """Play a run to its end as the replies say: where a report does not say what is next, scale_attempts is asked."""
    cost = Cost()
    start = {"task": run.task, "mode": "sequential", "attempts": len(run.reports)}
    run_id = (await _counted(client, cost, "scale_attempts", start))["run_id"]
    told: dict[str, Any] = {}
    for number, report in enumerate(run.reports, 1):
        asked = re.search(r"about ([\d,]+) tokens", told.get("brief", ""))
        tokens = int(asked[1].replace(",", "")) if asked else ASKED_TOKENS
        trajectory = condense(report["trajectory"], 4 * tokens)
        cost.trajectories += len(trajectory)
        sent = {"run_id": run_id, "attempt": number, **report, "trajectory": trajectory}
        told = await _counted(client, cost, "report_outcome", sent)
        if not (told.get("brief") or told.get("comparison_request")):
            await _counted(client, cost, "scale_attempts", {"run_id": run_id})
    done = await _counted(client, cost, "scale_attempts", {"run_id": run_id, "comparison": COMPARISON})
    assert done["status"] == "finished"
    return cost


async def _counted(
    client: Client, cost: Cost, tool: Literal["scale_attempts", "report_outcome"], arguments: dict[str, Any]
) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
    assert result.structured_content is not None, text
    cost.calls += 1
    cost.replies += len(text)
    cost.structured += len(json.dumps(result.structured_content, ensure_ascii=False))
    cost.sent += len(json.dumps(arguments, ensure_ascii=False))
    return result.structured_content


def _print(name: str, runs: Sequence[dict[str, int]]) -> None:
    sys.stdout.write(f"{name}: {len(runs)} runs of three attempts, the median and the range\n")
    for what in runs[0]:
        values = [run[what] for run in runs]
        sys.stdout.write(f"  {what:32}{statistics.median(values):8,.0f}{min(values):8,} to {max(values):,}\n")


if __name__ == "__main__":
    anyio.run(main)
