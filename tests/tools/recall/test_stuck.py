"""Recall in mid-task: by the error that came again, without what was shown for the task, and silent where it is unsure."""

import json
from collections.abc import AsyncIterator

import pytest

from strategy_bank.server.mcp.failures import Failures
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Recall
from strategy_bank.tools.recall_strategies import recall, recall_when_stuck
from strategy_bank.tools.scopes.registry import Scope
from tests.support.connecting import Connect
from tests.support.records import lesson, put
from tests.support.samples import PREVENTIVE, STRATEGY, TASK, call, report, text_of

pytestmark = pytest.mark.anyio
SCOPE = Scope("project")
CHORE = "Choose the colours of the landing page."
STUCK = "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xe9, while reading the text file of another system"


@pytest.fixture
async def bank(settings: Settings) -> AsyncIterator[Bank]:
    opened = await Bank.open(settings.location)
    await put(
        opened,
        lesson(1, id="st_00000000000000a1", source_task=TASK, **STRATEGY),
        lesson(2, id="st_00000000000000a2", source_task="Make the suite green", **PREVENTIVE),
    )
    yield opened
    await opened.close()


async def test_a_lesson_for_the_error_comes_where_the_task_alone_found_none(bank: Bank) -> None:
    assert (await recall(bank, CHORE, 3, SCOPE)).strategies == []
    found = await recall_when_stuck(bank, CHORE, STUCK, 3, SCOPE)
    assert [hit.title for hit in found.strategies] == [STRATEGY["title"]]
    assert found.others == []
    assert "stuck" in found.guidance


async def test_what_was_shown_for_the_task_does_not_come_again(bank: Bank) -> None:
    assert (await recall(bank, TASK, 3, SCOPE)).strategies[0].title == STRATEGY["title"]
    for task in (TASK, ""):  # without a task, it is that of the newest recall
        assert (await recall_when_stuck(bank, task, STUCK, 3, SCOPE)).strategies == []
    assert (await recall_when_stuck(bank, CHORE, STUCK, 3, SCOPE)).strategies
    assert (await recall_when_stuck(bank, CHORE, STUCK, 3, SCOPE)).strategies == []


async def test_what_another_scope_was_shown_for_the_task_comes(bank: Bank) -> None:
    await recall(bank, TASK, 3, SCOPE)
    other = Scope("other")
    await put(bank, lesson(3, id="st_00000000000000b1", scope="other", source_task=TASK, **STRATEGY))
    assert [hit.id for hit in (await recall_when_stuck(bank, TASK, STUCK, 3, other)).strategies] == [
        "st_00000000000000b1"
    ]


async def test_it_is_silent_where_nothing_surely_fits(bank: Bank) -> None:
    found = await recall_when_stuck(bank, CHORE, "The printer is out of paper, and the queue has stopped", 3, SCOPE)
    assert (found.strategies, found.others) == ([], [])
    assert "Nothing new" in found.guidance


async def test_it_is_noted_with_the_task_so_that_a_report_may_name_it(bank: Bank) -> None:
    found = await recall_when_stuck(bank, CHORE, STUCK, 3, SCOPE)
    async with bank.lock.hold():
        await bank.flush_recalls()
    noted = await bank.get(Recall, found.recall_id)
    assert (noted.task, noted.strategy_ids) == (CHORE, [found.strategies[0].id])


async def test_an_agent_asks_with_the_tool_and_gets_a_few_words(connect: Connect) -> None:
    async with connect() as client:
        await report(client)
        found = await client.call_tool("recall_strategies", {"task": CHORE, "stuck_on": STUCK})
        again = await call(client, "recall_strategies", task=CHORE, stuck_on=STUCK)
        alone = await call(client, "recall_strategies", stuck_on="The printer is out of paper")
    assert STRATEGY["content"] in text_of(found)
    assert again["strategies"] == alone["strategies"] == []


async def test_a_hook_is_answered_once_for_an_error_and_only_when_it_came_again(connect: Connect) -> None:
    def error(line: int) -> dict[str, str]:
        return {"stuck_on": f"Exit code 3, line {line}\n{STUCK}", "hook": "PostToolUseFailure"}

    async with connect() as client:
        await report(client)
        told = [text_of(await client.call_tool("recall_strategies", error(line))) for line in (3, 41, 5)]
        printer = {"stuck_on": "The printer is out of paper", "hook": "PostToolUseFailure"}
        silent = [text_of(await client.call_tool("recall_strategies", printer)) for _ in range(2)]
    assert [told[0], told[2], *silent] == ["{}"] * 4
    answer = json.loads(told[1])["hookSpecificOutput"]
    assert answer["hookEventName"] == "PostToolUseFailure"
    assert STRATEGY["content"] in answer["additionalContext"].replace("\n> ", " ")


@pytest.mark.parametrize("event", ["PostToolUseFailure", "PostToolUse"])
async def test_an_error_is_the_same_whatever_stands_around_it_and_however_long(connect: Connect, event: str) -> None:
    def printed(around: str) -> dict[str, str]:
        return {"stuck_on": f"{around}\n{STUCK}\nread 3 files\n{around}", "hook": event}

    async with connect() as client:
        await report(client)
        told = [
            text_of(await client.call_tool("recall_strategies", printed(around)))
            for around in ("reading", "still reading " * 3_000, "reading")
        ]
    assert (told[0], told[2]) == ("{}", "{}")
    assert json.loads(told[1])["hookSpecificOutput"]["hookEventName"] == event


async def test_commands_that_printed_no_error_say_nothing_however_often(connect: Connect) -> None:
    harmless = [STRATEGY["content"], "except UnicodeDecodeError:", "test result: ok. 9 passed; 0 failed", "", None]
    async with connect() as client:
        await report(client)
        for text in harmless:
            for _ in range(3):
                sent = {"stuck_on": text, "hook": "PostToolUse"}
                assert text_of(await client.call_tool("recall_strategies", sent)) == "{}"


def test_what_is_fixed_in_part_is_another_error() -> None:
    failures = Failures()
    both, one = "a.c:7: error: no type\nb.c:9: error: no such field", "b.c:11: error: no such field"
    assert [bool(failures.again("x", text, failed=False)) for text in (both, one, one)] == [False, False, True]
    assert failures.again("x", "b.c:2: error: no such field\na.c:8: error: no type", failed=False)
    assert not failures.again("other", one, failed=False)
