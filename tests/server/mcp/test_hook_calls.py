"""What the running server answers to hooks when an agent stops, and what it counts then."""

import json
import os
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Recall
from strategy_bank.tools.curation.counts import counts
from strategy_bank.tools.transcripts.entry import REQUEST
from strategy_bank.tools.value import Part, Value, value
from tests.support.connecting import Connect
from tests.support.samples import STRATEGY, call, judgement, report, text_of
from tests.support.sessions import (
    PROMPT,
    agent,
    codex_reporting,
    codex_work,
    reporting,
    result,
    said,
    text,
    use,
    work,
    write,
)

pytestmark = pytest.mark.anyio
AFTER_THE_LESSON = "I look for the real encoding of the failing file first, and pass it explicitly when it is opened."


@pytest.fixture
def transcript(settings: Settings, tmp_path: Path) -> Path:
    return tmp_path / "claude" / "projects" / "-gone-shop" / "s-1.jsonl"


@pytest.fixture
async def client(connect: Connect, tmp_path: Path) -> AsyncIterator[Client]:
    async with connect(change={"claude_home": tmp_path / "claude", "codex_home": tmp_path / "codex"}) as connected:
        yield connected


async def stop(client: Client, path: Path, *, again: bool = False) -> str:
    """The request with which the agent goes on; empty where it may stop. As clients send it: a bool within a text."""
    sent = {"transcript": str(path), "stop_hook_active": str(again).lower(), "hook": "Stop"}
    answer = json.loads(text_of(await client.call_tool("recall_strategies", sent)))
    return answer.get("reason") or answer.get("hookSpecificOutput", {}).get("additionalContext", "")


async def prompted(client: Client, task: str = PROMPT) -> None:
    await client.call_tool("recall_strategies", {"task": task, "hook": "UserPromptSubmit"})


async def figures(settings: Settings) -> Value:
    bank = await Bank.open(settings.location)
    found = (await value(bank))[""]
    await bank.close()
    return found


@pytest.mark.parametrize(("folder", "worked"), [("claude/projects/-x", work), ("codex/sessions/2026", codex_work)])
async def test_an_agent_that_has_not_reported_its_work_is_asked_once(
    client: Client, tmp_path: Path, folder: str, worked: Callable[[], list[dict[str, Any]]]
) -> None:
    file = write(tmp_path / folder / "rollout-1.jsonl", worked())
    request = await stop(client, file)
    assert request.startswith(REQUEST)
    named = re.search(r"\{.*?\}", request)
    assert named
    assert json.loads(named[0]) == {"transcript": str(file)}
    assert await stop(client, file, again=True) == ""


async def test_it_may_stop_where_nothing_was_tried_or_it_has_reported(client: Client, transcript: Path) -> None:
    talk = [said(PROMPT), agent(text("It is a question of taste."))]
    for records in (talk, [*work(), *reporting(REQUEST)], []):
        assert await stop(client, write(transcript, records)) == ""


async def test_whatever_goes_wrong_it_may_stop(client: Client, transcript: Path, tmp_path: Path) -> None:
    outside = write(tmp_path / "s-2.jsonl", work())
    transcript.parent.mkdir(parents=True)
    os.mkfifo(transcript.with_name("pipe.jsonl"))
    for path in (outside, transcript, transcript.with_name("pipe.jsonl"), transcript.parent, Path("\0"), Path("")):
        assert await stop(client, path) == ""


async def test_a_server_that_reads_no_transcripts_or_has_no_bank_lets_it_stop(
    connect: Connect, transcript: Path, tmp_path: Path
) -> None:
    write(transcript, work())
    own = {"claude_home": tmp_path / "claude"}
    (tmp_path / "file").touch()
    for change in ({"transcripts": False}, {"home": tmp_path / "file"}):
        async with connect(change=own | change) as client:
            assert await stop(client, transcript) == ""
            error = {"stuck_on": "make: *** no rule", "hook": "PostToolUse"}
            assert text_of(await client.call_tool("recall_strategies", error)) == "{}"


@pytest.mark.parametrize("reports", [work, codex_work])
async def test_requests_reports_and_lessons_that_came_of_them_are_counted(
    client: Client, settings: Settings, transcript: Path, tmp_path: Path, reports: Callable[[], list[dict[str, Any]]]
) -> None:
    codex = reports is codex_work
    file = tmp_path / "codex" / "sessions" / "rollout-1.jsonl" if codex else transcript
    await prompted(client)
    request = await stop(client, write(file, reports()))
    sent = {"trajectory": {"transcript": str(file)}, "judgement": judgement()}
    learned = await call(client, "report_outcome", **sent)
    answered = codex_reporting(request) if codex else reporting(request)
    told = json.dumps([*reports(), *answered]).replace("ep_0123456789abcdef", learned["episode_id"])
    assert await stop(client, write(file, json.loads(told)), again=True) == ""
    await prompted(client, "Another task that is left unreported")
    assert await stop(client, write(file, reports()))
    assert await stop(client, file, again=True) == ""
    assert await stop(client, file)  # a turn without a recall
    await report(client, task="Something else, so that all is written")
    found = await figures(settings)
    assert (found.asked, found.answered, found.taught) == (3, 1, 1)
    assert found.recalls == 2


async def test_what_is_seen_last_is_not_lost_when_the_server_ends(
    connect: Connect, settings: Settings, transcript: Path, tmp_path: Path
) -> None:
    async with connect(change={"claude_home": tmp_path / "claude"}) as client:
        await prompted(client)
        request = await stop(client, write(transcript, work()))
        learned = await report(client)
        told = json.dumps([*work(), *reporting(request)]).replace("ep_0123456789abcdef", learned["episode_id"])
        await stop(client, write(transcript, json.loads(told)), again=True)
    assert (await figures(settings)).answered == 1


async def test_words_of_a_lesson_that_come_back_are_a_sign_that_is_kept_apart(
    client: Client, settings: Settings, transcript: Path
) -> None:
    await report(client)
    used = [said(PROMPT), agent(text(AFTER_THE_LESSON)), agent(use("t1", command="make")), result("t1", "ok")]
    unused = [said(PROMPT), agent(text("I restart the service and look again.")), agent(use("t1", command="make"))]
    for records in (used, unused):
        await prompted(client)
        await stop(client, write(transcript, records))
    await report(client, task="Something else, so that all is written")
    found = await figures(settings)
    assert found.echoed == Part(1, 2)
    assert (found.helped, found.followed, found.wrong) == (0, 0, 0)
    bank = await Bank.open(settings.location)
    told = (await counts(bank, None))["recalls"]
    await bank.close()
    assert list(told["shown"].values()) == [2, 1]


async def test_what_the_user_said_and_what_only_a_tool_printed_does_not_count(
    client: Client, settings: Settings, transcript: Path
) -> None:
    await report(client)
    asked = f"{PROMPT} {STRATEGY['content']}"
    told = [said(asked), agent(text(AFTER_THE_LESSON)), agent(use("t1", command="make")), result("t1", "ok")]
    printed = [said(PROMPT), agent(use("t1", command="cat notes")), result("t1", STRATEGY["content"])]
    for records in (told, [*printed, agent(text("These are the notes."))]):
        await prompted(client)
        await stop(client, write(transcript, records))
    await report(client, task="Something else, so that all is written")
    assert (await figures(settings)).echoed == Part(0, 2)


async def test_a_bank_that_another_process_writes_to_keeps_nobody_waiting_and_loses_nothing(
    client: Client, settings: Settings, transcript: Path
) -> None:
    await prompted(client)
    write(transcript, work())
    other = await Bank.open(settings.location)
    async with other.lock.hold():
        with anyio.fail_after(10):
            assert await stop(client, transcript)
    await other.close()
    await report(client, task="Something else, so that all is written")
    assert (await figures(settings)).asked == 1


async def test_a_row_of_a_server_that_does_not_know_the_columns_is_read(settings: Settings) -> None:
    bank = await Bank.open(settings.location)
    row = Recall(id="rc_0000000000000001", scope="project", task="x", strategy_ids=["st_0000000000000001"])
    known = {
        "id",
        "created_at",
        "revision",
        "scope",
        "task",
        "strategy_ids",
        "listed_ids",
        "opened_ids",
        "held_out_ids",
    }
    table = bank.tables["recalls"]
    await table.insert([row.model_dump(include=known)])
    assert await bank.all(Recall) == [row]
    assert (await value(bank))[""].recalls == 1
    assert (await counts(bank, None))["recalls"]["all"] == 1
    await bank.close()
