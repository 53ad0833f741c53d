"""What an agent is told whose task the model cannot read, and what becomes of lessons from such tasks."""

import json
from typing import Any

import anyio.to_thread
import pytest
from click.testing import CliRunner
from mcp import Client

from bench.recall.languages import DATA
from strategy_bank.server.cli.main import cli
from strategy_bank.server.settings import Settings
from strategy_bank.tools.prompting import render
from tests.support.connecting import Connect
from tests.support.samples import REWORDED, STRATEGY, call, judgement, report, text_of

pytestmark = pytest.mark.anyio

TASKS = {file.stem: json.loads(file.read_text("utf-8"))["tasks"][0]["task"] for file in sorted(DATA.glob("*.json"))}
ASK = render("ask_in_english")


async def recalled(client: Client, task: str) -> dict[str, Any]:
    return await call(client, "recall_strategies", task=task)


@pytest.mark.parametrize("language", TASKS)
async def test_a_task_that_the_model_cannot_read_gets_no_lesson_but_one_line_of_advice(
    connect: Connect, language: str
) -> None:
    async with connect() as client:
        await report(client)
        answer = await recalled(client, TASKS[language])
    assert (answer["strategies"], answer["others"], answer["guidance"]) == ([], [], ASK)
    assert "in English" in ASK
    assert "\n" not in ASK


async def test_a_hook_hands_the_same_line_to_the_agent(connect: Connect) -> None:
    async with connect() as client:
        await report(client)
        result = await client.call_tool("recall_strategies", {"task": TASKS["de"], "hook": "UserPromptSubmit"})
    context = json.loads(text_of(result))["hookSpecificOutput"]["additionalContext"]
    assert context.startswith(ASK)
    assert context.count("in English") == 1


async def test_where_there_is_nothing_to_find_nobody_has_to_ask_again(connect: Connect) -> None:
    async with connect() as client:
        answer = await recalled(client, TASKS["de"])
    assert answer["guidance"] == render("nothing_recalled")


async def test_an_english_lesson_from_a_task_in_another_language_is_found_in_english(connect: Connect) -> None:
    async with connect() as client:
        await report(client, task=TASKS["de"])
        answer = await recalled(client, REWORDED)
    assert [strategy["title"] for strategy in answer["strategies"]] == [STRATEGY["title"]]


async def test_a_lesson_in_the_language_of_its_task_is_stored_nevertheless(connect: Connect) -> None:
    (lesson,) = json.loads((DATA / "ja.json").read_text("utf-8"))["lessons"][:1]
    async with connect() as client:
        answer = await report(client, task=TASKS["ja"], judgement=judgement(strategies=[lesson]))
    assert [each["action"] for each in answer["strategies"]] == ["added"]


async def test_several_attempts_begin_with_the_advice_too(connect: Connect) -> None:
    async with connect() as client:
        await report(client)
        begun = await call(client, "scale_attempts", task=TASKS["de"], attempts=2)
        english = await call(client, "scale_attempts", task=REWORDED, attempts=2)
        again = await call(client, "scale_attempts", run_id=begun["run_id"])
    assert [warning.endswith(ASK) for warning in begun["warnings"]] == [True]
    assert english["warnings"] == again["warnings"] == []


async def test_on_the_command_line_it_is_said_in_words_for_people(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        await report(client)
    env = {"STRATEGY_BANK_HOME": str(settings.location.home), "STRATEGY_BANK_SCOPE": "project"}
    said = await anyio.to_thread.run_sync(lambda: CliRunner().invoke(cli, ["recall", TASKS["de"]], env=env))
    assert "ask in English" in said.output
