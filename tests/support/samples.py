"""Reports to send, and short ways to send them."""

import os
from typing import Any

from mcp import Client
from mcp.types import CallToolResult

from tests.support.places import ROOT

TASK = "The nightly import of customer orders crashes with a decoding error; make it run through."
REWORDED = "Our job that reads partner CSV files dies on strange characters. Please repair it."
TRAJECTORY = [
    {
        "thought": "Find out which bytes break it.",
        "action": "python -m importer --file sample.csv",
        "observation": "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe9 in position 17",
    },
    {"action": "file -i sample.csv", "observation": "sample.csv: text/plain; charset=iso-8859-1"},
    {"action": "pytest -q", "observation": "14 passed in 2.31s"},
]
STRATEGY = {
    "title": "Detect the encoding of foreign files",
    "description": "When reading text files that another system wrote fails or shows wrong characters.",
    "content": "Find out the real encoding of a failing file before changing code. Pass the encoding explicitly when opening "
    "it and add a file of that kind to the tests.",
}
PREVENTIVE = {
    "title": "Check that the tests really ran",
    "description": "Before calling a change done because the test run is green.",
    "content": "Read how many tests ran and how many were skipped. A green run that skipped the relevant test proves nothing.",
}


THINGS = (
    *(
        "pump",
        "ledger",
        "gate",
        "crane",
        "oven",
        "mast",
        "cable",
        "ferry",
        "kiln",
        "lathe",
        "press",
        "radar",
        "silo",
        "valve",
    ),
    *(
        "wagon",
        "winch",
        "bridge",
        "chapel",
        "dam",
        "engine",
        "forge",
        "harbour",
        "jetty",
        "mill",
        "quay",
        "rudder",
        "sluice",
    ),
)


def chore(number: int) -> str:
    """A task that no other number has, nor one in other words."""
    return f"Repair the {THINGS[number]} before the winter comes"


def judgement(verdict: str = "success", **changes: Any) -> dict[str, Any]:
    """A valid judgement of TRAJECTORY."""
    return {
        "reason": "The suite ran and passed after the encoding was given.",
        "verdict": verdict,
        "evidence": ["14 passed in 2.31s"],
        "strategies": [STRATEGY],
    } | changes


def comparison(best_attempt: int, **changes: Any) -> dict[str, Any]:
    return {
        "analysis": "The better attempt looked at the failing input before it changed anything.",
        "best_attempt": best_attempt,
        "strategies": [STRATEGY],
    } | changes


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured result of a call that must succeed."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return result.structured_content


async def refusal(client: Client, tool: str, **arguments: Any) -> str:
    """The text of a call that must fail as a tool error."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, text_of(result)
    return text_of(result)


async def report(client: Client, **changes: Any) -> dict[str, Any]:
    """Report TASK and TRAJECTORY with a judgement, changed as asked."""
    arguments = {"task": TASK, "trajectory": TRAJECTORY, "judgement": judgement()} | changes
    return await call(client, "report_outcome", **arguments)


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if block.type == "text")


def check_snapshot(name: str, text: str) -> None:
    """Compare with tests/snapshots/<name>; with UPDATE_SNAPSHOTS=1 in the environment, accept the text as it is."""
    file = ROOT / "tests" / "snapshots" / name
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        file.write_text(f"{text}\n", "utf-8")
    assert text == file.read_text("utf-8").rstrip("\n"), f"{name} has changed; accept it with UPDATE_SNAPSHOTS=1"
