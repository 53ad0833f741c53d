"""Calls as clients, proxies and models send them (tests/data/calls.json): what is taken, as what, and what is refused."""

import json
from typing import Any

import pytest

from strategy_bank.server.mcp.tools import contract
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode
from tests.support.connecting import Connect
from tests.support.places import ROOT
from tests.support.samples import TASK, call, refusal, text_of

pytestmark = pytest.mark.anyio
CALLS = json.loads((ROOT / "tests" / "data" / "calls.json").read_text("utf-8"))
"""`name`, `tool`, `arguments`, `why` anybody sends this, and of the call either what `is` read, as far as it counts, with
parts of its `reply`, or the `refused` argument."""
TOOLS = {tool.name: tool for tool in contract()}


def named(calls: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(each, id=each["name"]) for each in calls]


@pytest.mark.parametrize("sent", named([each for each in CALLS if "refused" not in each]))
async def test_what_says_clearly_what_it_means_is_taken(connect: Connect, sent: dict[str, Any]) -> None:
    read = TOOLS[sent["tool"]].fn_metadata.validate_arguments(sent["arguments"])
    assert read | sent["is"] == read
    async with connect() as client:
        result = await client.call_tool(sent["tool"], sent["arguments"])
    assert not result.is_error, text_of(result)
    reply = {
        name: len(value) if isinstance(value, list) else value
        for name, value in (result.structured_content or {}).items()
    }
    assert reply | sent["reply"] == reply


@pytest.mark.parametrize("sent", named([each for each in CALLS if "refused" in each]))
async def test_what_cannot_be_meant_is_refused_by_name(connect: Connect, sent: dict[str, Any]) -> None:
    async with connect() as client:
        said = await refusal(client, sent["tool"], **sent["arguments"])
    assert sent["refused"] in said
    assert not said.startswith("Error executing tool")


@pytest.mark.parametrize(
    ("task", "taken"), [("ab" * 4000, True), ("\U0001f9e9" * 8000, True), ("ab" * 4000 + "c", False)]
)
async def test_the_length_of_a_task_is_counted_in_characters(connect: Connect, task: str, taken: bool) -> None:
    async with connect() as client:
        result = await client.call_tool("recall_strategies", {"task": task})
    assert result.is_error is not taken
    assert taken or "task" in text_of(result)


@pytest.mark.parametrize("task", ['{"ticket":4711}', " [1,  2]", "null", '"quoted"', "```json\n{}\n```", "\ufeff{}"])
async def test_a_task_is_stored_in_its_own_spelling(connect: Connect, settings: Settings, task: str) -> None:
    async with connect() as client:
        result = await call(client, "report_outcome", task=task, trajectory="14 passed")
    bank = await Bank.open(settings.location)
    assert (await bank.get(Episode, result["episode_id"])).task == task.strip()
    await bank.close()


async def test_steps_that_came_as_text_are_steps(connect: Connect, settings: Settings) -> None:
    """Also inside an object; but what a tool printed stays as it was printed."""
    step = {"action": "curl /health", "observation": '{"ok": false}'}
    printed = ['{"output": 1', '{"ok": false}']
    ids = list[str]()
    async with connect() as client:
        for trajectory in ([json.dumps(step)], {"steps": json.dumps([step])}, [step], printed):
            ids.append((await call(client, "report_outcome", task=TASK, trajectory=trajectory))["episode_id"])
    bank = await Bank.open(settings.location)
    first, *_, last = [(await bank.get(Episode, id)).trajectory for id in ids]
    await bank.close()
    assert ids[0] == ids[1] == ids[2]
    assert first == '[1] action: curl /health\n[1] observation: {"ok": false}'
    assert last == '[1] text: {"output": 1\n[2] text: {"ok": false}'
