"""`strategy-bank forget`: what goes takes with it all that others hold of it, and with --purge no byte is left."""

import json
import secrets
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import lancedb
import pytest
from mcp import Client, StdioServerParameters

from strategy_bank.store.bank import Bank
from strategy_bank.store.lance import schema
from strategy_bank.store.location import Location
from strategy_bank.store.records import Episode, Recall, Run, Strategy
from strategy_bank.tools.curation.copies import Gone, without
from tests.support.amending import FIRST, NARROWER, SECOND, amended, taught
from tests.support.connecting import Connect
from tests.support.records import lesson, put
from tests.support.samples import PREVENTIVE, STRATEGY, TRAJECTORY, call, comparison, judgement, report
from tests.support.shell import Shell

pytestmark = pytest.mark.anyio
NAME = "Zyxwoll Brothers"


@pytest.fixture
def shell(home: Path, environment: dict[str, str]) -> Shell:
    return Shell(home, environment)


async def run(shell: Shell, *words: str, code: int = 0) -> Any:
    return await anyio.to_thread.run_sync(lambda: shell(*words, code=code))


async def exported(shell: Shell) -> str:
    return (await run(shell, "export")).stdout


@asynccontextmanager
async def opened(home: Path) -> AsyncGenerator[Bank]:
    bank = await Bank.open(Location(home))
    try:
        yield bank
    finally:
        await bank.close()


async def told(client: Client, task: str, **changes: Any) -> dict[str, Any]:
    """Recall for a task, then report it."""
    recalled = await call(client, "recall_strategies", task=task)
    return await report(client, task=task, recall_id=recalled["recall_id"], **changes)


async def test_an_episode_takes_its_recalls_and_the_task_in_its_lesson_along(connect: Connect, shell: Shell) -> None:
    task = f"The nightly import of orders of {NAME} crashes with a decoding error."
    async with connect() as client:
        done = await told(client, task)
        await call(client, "recall_strategies", task=task)  # asked again, and never reported
        await told(client, "Another task", judgement=judgement(strategies=[PREVENTIVE]))
        (learned,) = done["strategies"]
    plan = json.loads((await run(shell, "forget", done["episode_id"], "--dry-run", "--json")).stdout)
    assert plan["counts"] == {"deleted": {"episode": 1, "recall": 2}, "changed": {"strategy": 1}}
    assert NAME in await exported(shell)
    result = await run(shell, "forget", done["episode_id"], "--yes")
    assert "Deleted 3: 1 episode, 2 recalls. The bank now holds 2 strategies, 1 episode, 1 recall" in result.stderr
    assert NAME not in await exported(shell)
    async with opened(shell.home) as bank:
        kept = await bank.get(Strategy, learned["id"])
        assert (kept.source_task, kept.episode_ids, kept.title) == ("", [], STRATEGY["title"])
        (item,) = await bank.embedded(id=kept.id)
        (anew,) = await bank.embed([kept])
        assert item.retrieval.tolist() == pytest.approx(anew.retrieval.tolist())
        assert not await bank.selected(Strategy, select(NAME), ["text"])


def select(text: str) -> Any:
    from strategy_bank.store.lance.selection import Selection

    return Selection(matching=text)


async def test_a_lesson_that_others_taught_too_keeps_the_task_that_they_share(connect: Connect, shell: Shell) -> None:
    async with connect() as client:
        first = await report(client)
        second = await report(client, trajectory=[*TRAJECTORY, {"action": "git commit", "observation": "done"}])
    assert second["strategies"][0]["id"] == first["strategies"][0]["id"]
    await run(shell, "forget", first["episode_id"], "--yes")
    async with opened(shell.home) as bank:
        notes = await bank._notes.due(schema.RECORDS)
        assert {note.table for note in notes} == {"episodes", "recalls"}, (
            "a lesson that loses an id only is not written anew"
        )
        kept = await bank.get(Strategy, first["strategies"][0]["id"])
        assert kept.episode_ids == [second["episode_id"]]
        assert kept.source_task
    await run(shell, "forget", second["episode_id"], "--yes")
    async with opened(shell.home) as bank:
        assert (await bank.get(Strategy, kept.id)).source_task == ""


async def test_a_run_takes_its_attempts_along_and_its_lessons_stay(connect: Connect, shell: Shell) -> None:
    async with connect() as client:
        started = await call(client, "scale_attempts", task=f"Repair the import of {NAME}", attempts=2)
        for number in (1, 2):
            steps = [*TRAJECTORY, {"action": f"try {number} for {NAME}", "observation": "done"}]
            await report(
                client,
                task=None,
                run_id=started["run_id"],
                attempt=number,
                trajectory=steps,
                judgement=judgement(strategies=[]),
            )
        await call(
            client, "scale_attempts", run_id=started["run_id"], comparison=comparison(1, analysis=f"{NAME}: looked")
        )
    result = await run(shell, "forget", started["run_id"], "--yes")
    assert f"attempt 2 of {started['run_id']}: Repair" in result.stderr
    assert "2 episodes, 1 run, 1 recall" in result.stderr
    assert NAME not in await exported(shell)
    async with opened(shell.home) as bank:
        (kept,) = await bank.all(Strategy)
        assert (kept.run_ids, kept.episode_ids, kept.source_task) == ([], [], "")


async def test_an_attempt_takes_the_comparison_of_its_run_along(connect: Connect, shell: Shell) -> None:
    async with connect() as client:
        started = await call(client, "scale_attempts", task="Repair the import", attempts=2)
        reported = [
            await report(
                client, task=None, run_id=started["run_id"], attempt=number, judgement=judgement(strategies=[])
            )
            for number in (1, 2)
        ]
        await call(
            client, "scale_attempts", run_id=started["run_id"], comparison=comparison(2, analysis=f"{NAME}: looked")
        )
    await run(shell, "forget", reported[1]["episode_id"], "--yes")
    async with opened(shell.home) as bank:
        kept = await bank.get(Run, started["run_id"])
        assert (kept.comparison, kept.best_attempt, kept.status) == ("", 0, "finished")
        assert await bank.count(Episode) == 1


async def test_a_lesson_goes_out_of_runs_recalls_titles_and_judgements(connect: Connect, shell: Shell) -> None:
    named = STRATEGY | {"title": f"Ask {NAME} first"}
    async with connect() as client:
        done = await report(client, judgement=judgement(strategies=[named, PREVENTIVE]))
        gone, kept = (each["id"] for each in done["strategies"])
        await call(client, "recall_strategies", task="read a file of another system with strange characters")
        started = await call(client, "scale_attempts", task="read a file of another system with strange characters")
        assert gone in [each["id"] for each in started["strategies"]]
        await report(client, task="Yet another", used_strategy_ids=[gone], judgement=judgement(strategies=[]))
    assert (await exported(shell)).count(NAME) >= 4
    await run(shell, "forget", gone, "--yes")
    lines = await exported(shell)
    assert NAME not in lines
    assert gone not in lines.replace(f'"status_reason":"{gone}', "")
    async with opened(shell.home) as bank:
        episode = await bank.get(Episode, done["episode_id"])
        assert [each.id for each in episode.learned] == [kept]
        stored = json.loads(episode.judgement)
        assert [draft["title"] for draft in stored["strategies"]] == [PREVENTIVE["title"]]
        assert stored["evidence"] == judgement()["evidence"]


async def test_a_draft_that_was_merged_in_other_words_goes_with_its_lesson(connect: Connect, shell: Shell) -> None:
    async with connect() as client:
        first = await report(client)
        other = STRATEGY | {"title": "Detect foreign files' encodings"}
        second = await report(client, task="Another", judgement=judgement(strategies=[other, PREVENTIVE]))
    assert second["strategies"][0]["action"] == "merged"
    assert other["title"] in await exported(shell)
    await run(shell, "forget", first["strategies"][0]["id"], "--yes")
    assert other["title"] not in await exported(shell)


async def test_all_selectors_must_hold(connect: Connect, shell: Shell) -> None:
    old = lesson(1, created_at="2020-01-01T00:00:00Z", title=f"Old {NAME}")
    async with opened(shell.home) as bank:
        await put(bank, old, lesson(2, title=f"New {NAME}"), lesson(3, scope="other", title=f"Other {NAME}"))
        await bank.atomically(lambda: bank.add(Recall(id="rc_1", scope="project", task=f"for {NAME.upper()}")))
        await bank.atomically(lambda: bank.add(Recall(id="rc_2", scope="project", task="for nobody")))

    async def meant(*words: str) -> list[str]:
        found = json.loads((await run(shell, "forget", *words, "--dry-run", "--json")).stdout)
        return sorted(each["id"] for each in found["deleted"])

    assert await meant("--matching", NAME.lower()) == ["rc_1", "st_1", "st_2", "st_3"]
    assert await meant("--matching", NAME, "--scope", "project") == ["rc_1", "st_1", "st_2"]
    assert await meant("--matching", NAME, "--scope", "project", "--before", "2021-01-01") == ["st_1"]
    assert await meant("st_1", "st_3", "--scope", "other") == ["st_3"]
    assert await meant("rc_2") == ["rc_2"]
    assert await meant("--scope", "nowhere") == []
    assert "Say what to forget" in (await run(shell, "forget", "--yes", code=2)).stderr
    assert "'st_9' in this bank" in (await run(shell, "forget", "st_9", "st_1", "--yes", code=1)).stderr
    shown = await run(shell, "forget", "--scope", "other", "--dry-run")
    assert "strategy  st_3  Other" in shown.stdout
    await run(shell, "forget", "--scope", "other", "--yes")
    await run(shell, "forget", "rc_1", "--yes")
    assert await meant("--matching", NAME) == ["st_1", "st_2"]


@pytest.mark.parametrize("text", [f"{NAME}", 'said "stop"', "C:\\orders\\new", "zeile\numbruch", "Ünïcödé"])
async def test_no_record_holds_a_text_after_everything_with_it_was_forgotten(
    connect: Connect, shell: Shell, text: str
) -> None:
    """A lesson that holds it only in the task that it was learned from stays."""
    async with connect() as client:
        named = PREVENTIVE | {"content": f"{PREVENTIVE['content']} As with {text}."}
        await told(client, f"Import what {text} sent", judgement=judgement(strategies=[STRATEGY, named]))
        await told(client, "Another", trajectory=[*TRAJECTORY, {"action": "ls", "observation": text.upper()}])
        await call(client, "scale_attempts", task="Count how many tests ran and how many were skipped")
        await told(client, "Unrelated", judgement=judgement(strategies=[], reason="The suite passed."))
    await run(shell, "forget", "--matching", text, "--yes")
    async with opened(shell.home) as bank:
        for kind in schema.RECORDS.values():
            assert text.lower() not in str([str(list(each)) for each in await bank.all(kind)]).lower()
        assert [each.title for each in await bank.all(Strategy)] == [STRATEGY["title"]]
        assert await bank.count(Episode) == 1
    again = json.loads((await run(shell, "forget", "--matching", text, "--dry-run", "--json")).stdout)
    assert again["deleted"] == again["changed"] == []


# bytes


def files_with(home: Path, *markers: str) -> list[str]:
    """The files of a bank that hold one of these, in any case; the models are no part of it."""
    folder = home / "bank.lance"
    found = [file for file in home.rglob("*") if file.is_file() and "models" not in file.relative_to(home).parts]
    assert any(folder in file.parents for file in found)
    return [
        str(file) for file in found if any(marker.lower().encode() in file.read_bytes().lower() for marker in markers)
    ]


async def readable(home: Path) -> str:
    """All that LanceDB can read of any version of any table, and the words in its indexes."""
    connection = await lancedb.connect_async(str(home / "bank.lance"))
    found: list[str] = []
    for name in (await connection.list_tables()).tables:
        table = await connection.open_table(name)
        for version in await table.list_versions():
            await table.checkout(version["version"])
            found += [str(row) for row in await table.query().to_list()]
    connection.close()
    return "\n".join(found).lower()


@pytest.mark.slow
@pytest.mark.parametrize("marker", ["zqxjkvwbyz" * 3, secrets.token_hex(32)], ids=["compressible", "incompressible"])
async def test_a_purge_leaves_no_byte_while_a_server_runs(home: Path, environment: dict[str, str], marker: str) -> None:
    shell = Shell(home, environment)
    arguments = ["-m", "strategy_bank.server"]
    async with Client(StdioServerParameters(command=sys.executable, args=arguments, env=environment)) as client:
        named = STRATEGY | {"content": f"{STRATEGY['content']} As with {marker}."}
        steps = [*TRAJECTORY, {"action": "ls", "observation": marker}]
        for number in range(3):
            task = f"Import {number} of {marker}"
            said = judgement(strategies=[named, PREVENTIVE], reason=f"The suite passed for {marker}.")
            await told(client, task, trajectory=steps, judgement=said)
        await told(client, "Another task", judgement=judgement(strategies=[PREVENTIVE]))
        await call(client, "scale_attempts", task=f"Read the strange characters in the file of {marker}")
        await call(client, "recall_strategies", task=f"buffered in the server: {marker}")
        assert files_with(home, marker)
        result = await run(shell, "forget", "--matching", marker, "--purge", "--yes")
        assert "bytes are gone" in result.stderr
        assert files_with(home, marker) == []
        assert marker not in await readable(home)
        recalled = await call(client, "recall_strategies", task="how many tests ran and were skipped")
        assert [hit["title"] for hit in recalled["strategies"]] == [PREVENTIVE["title"]]
        await report(client, task="Afterwards", judgement=judgement(strategies=[]))  # writes what was buffered
    assert files_with(home, marker) == []
    assert marker not in await exported(shell)


async def test_a_purge_alone_takes_what_was_forgotten_before(connect: Connect, shell: Shell) -> None:
    marker = secrets.token_hex(16)
    async with connect() as client:
        done = await told(client, f"Import of {marker}")
    await run(shell, "forget", done["episode_id"], "--yes")
    assert files_with(shell.home, marker)
    await run(shell, "forget", "--purge")
    assert files_with(shell.home, marker) == []
    assert marker not in await readable(shell.home)


async def test_upkeep_takes_the_bytes_of_what_was_forgotten_from_a_table_that_is_hardly_written(
    connect: Connect, shell: Shell
) -> None:
    marker = secrets.token_hex(16)
    async with connect() as client:
        done = await told(client, f"Import of {marker}")
        await told(client, "Another task", judgement=judgement(strategies=[PREVENTIVE]))
    await run(shell, "forget", done["episode_id"], "--yes")
    async with opened(shell.home) as bank:
        assert await bank.maintain()
        assert files_with(shell.home, marker), "others may still be reading the versions from before"
        for table in bank.tables.values():
            object.__setattr__(table.files, "kept", timedelta(milliseconds=1))
        deadline = time.monotonic() + 30
        while files_with(shell.home, marker):
            await bank.maintain()
            assert time.monotonic() < deadline
        while await bank.maintain():
            assert time.monotonic() < deadline
        assert {each.source_task for each in await bank.all(Strategy)} == {"", "Another task"}
    assert marker not in await readable(shell.home)


async def test_who_reads_during_a_purge_reads_again(home: Path) -> None:
    async with opened(home) as bank, opened(home) as other:
        await put(bank, *[lesson(number) for number in range(20)])
        await bank.atomically(
            lambda: bank.add_all(
                [Episode(id=f"ep_{n}", scope="s", task="t", trajectory="x" * 9000, steps=1) for n in range(20)]
            )
        )
        over = anyio.Event()

        async def read() -> None:
            while not over.is_set():
                assert len(await other.all(Episode)) == 20
                assert await other.search("Look at the bytes of the file first", ["project"], 3)

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(read)
            for _ in range(5):
                await bank.purge()
            over.set()


async def test_the_name_of_a_forgotten_project_goes_from_the_reasons_of_lessons_that_stay() -> None:
    told = lesson(1, scope="global", status_reason="global: taught independently in shop and web")
    assert without(told, Gone(frozenset(), scope="shop")).status_reason.endswith("in (forgotten) and web")
    assert without(told, Gone(frozenset(), scope="web")).status_reason.endswith("in shop and (forgotten)")
    assert without(told, Gone(frozenset(), scope="we")) == told


async def test_a_text_in_a_former_wording_goes_and_the_lesson_stays(connect: Connect, shell: Shell) -> None:
    named = STRATEGY | {"content": f"{STRATEGY['content']} {NAME} send such files."}
    async with connect() as client:
        (id,) = await taught(client, named)
        result = await amended(client, FIRST, id, NARROWER)
        await report(client, task=SECOND, judgement=judgement(strategies=[PREVENTIVE]))
    plan = json.loads((await run(shell, "forget", "--matching", NAME, "--dry-run", "--json")).stdout)
    assert [each["id"] for each in plan["changed"] if each["kind"] == "strategy"] == [id]
    await run(shell, "forget", "--matching", NAME, "--yes", "--purge")
    assert NAME not in await exported(shell)
    async with opened(shell.home) as bank:
        kept = await bank.get(Strategy, id)
        assert (kept.content, kept.revisions, kept.episode_ids) == (NARROWER["content"], [], [result["episode_id"]])
    assert not [file for file in shell.home.rglob("*.lance") if file.is_file() and NAME.encode() in file.read_bytes()]


async def test_a_lesson_takes_its_former_wordings_along_out_of_the_judgements_too(
    connect: Connect, shell: Shell
) -> None:
    async with connect() as client:
        (id,) = await taught(client)
        await taught(client, task=SECOND)
        await amended(client, FIRST, id, NARROWER)
    await run(shell, "forget", id, "--yes")
    left = await exported(shell)
    assert STRATEGY["title"] not in left
    assert "by its bytes" not in left
    assert id not in left


async def test_an_episode_takes_what_it_proposed_along_and_is_no_longer_named_in_what_it_amended(
    connect: Connect, shell: Shell
) -> None:
    async with connect() as client:
        (amends, proposes) = await taught(client, STRATEGY, PREVENTIVE)
        first = await amended(client, FIRST, amends, NARROWER, used_strategy_ids=[proposes])
        more = PREVENTIVE | {"content": f"{PREVENTIVE['content']} Name the ones that were skipped."}
        second = await amended(client, f"{FIRST} It is green because the test run skipped it.", proposes, more)
    assert [each["action"] for each in second["strategies"]] == ["proposed"]
    await run(shell, "forget", first["episode_id"], second["episode_id"], "--yes")
    async with opened(shell.home) as bank:
        former, waiting = await bank.get(Strategy, amends), await bank.get(Strategy, proposes)
        assert (former.content, former.revisions[0].replaced_by) == (NARROWER["content"], "")
        assert waiting.proposals == []
    assert "amended by what was forgotten" in (await run(shell, "show", amends)).stdout
