"""What came of what was recalled, counted, and what a held-out lesson shows."""

import json

import anyio.to_thread
import pytest
from click.testing import CliRunner

from strategy_bank.server.cli.main import cli
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import SURE, Recall
from strategy_bank.tools.value import Part, Share, value
from tests.support.connecting import Connect
from tests.support.samples import REWORDED, STRATEGY, TASK, call, judgement, report

pytestmark = pytest.mark.anyio


async def test_every_kind_of_fate_is_counted_and_so_are_the_tasks(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        (lesson,) = (await report(client))["strategies"]
        for verdict, fate in (("success", "helped"), ("failure", "wrong"), ("success", "unfit")):
            recalled = await call(client, "recall_strategies", task=f"{REWORDED} It was {fate}.")
            assert [each["id"] for each in recalled["strategies"]] == [lesson["id"]]
            await report(client, task=f"{REWORDED} It was {fate}.", judgement=judgement(verdict, strategies=[]),
                         recall_id=recalled["recall_id"], recalled={lesson["id"]: fate})  # fmt: skip
        for _ in range(2):
            await call(client, "recall_strategies", task="Choose colours for the wedding invitation")
    bank = await Bank.open(settings.location)
    found = (await value(bank))[""]
    by_scope = await value(bank, by="scope")
    await bank.close()
    assert by_scope == {"project": found}
    assert (found.recalls, found.empty, found.in_full) == (5, 2, 3)
    assert (found.followed, found.helped, found.wrong, found.unfit) == (2, 1, 1, 1)
    assert (found.with_lessons, found.held_out, found.without) == (Share(2, 3), Share(0, 0), Share(1, 1))
    assert found.gaps == [("Choose colours for the wedding invitation", 2)]
    assert 3 * 100 < found.tokens < 5 * 400


async def test_what_was_shown_as_sure_is_compared_with_what_reports_say_of_it(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        (lesson,) = (await report(client))["strategies"]
        for number, fate in enumerate(("helped", "unfit", "wrong")):
            task = f"{TASK} {STRATEGY['description']} Number {number}."
            recalled = await call(client, "recall_strategies", task=task)
            assert recalled["strategies"][0]["relevance"] >= SURE
            await report(client, task=task, judgement=judgement(strategies=[]), recall_id=recalled["recall_id"],
                         recalled={lesson["id"]: fate})  # fmt: skip
        unsure = await call(client, "recall_strategies", task="Read a file of settings")
        await report(client, task="Read a file of settings", judgement=judgement(strategies=[]),
                     recall_id=unsure["recall_id"], recalled={lesson["id"]: "unfit"})  # fmt: skip
    bank = await Bank.open(settings.location)
    found = (await value(bank))[""]
    await bank.close()
    assert [hit["relevance"] >= SURE for hit in unsure["strategies"]] == [False]
    assert found.sure == Part(2, 3)


async def test_recalls_when_stuck_are_told_apart(connect: Connect, settings: Settings) -> None:
    chore = "Choose the colours of the landing page."
    async with connect() as client:
        (lesson,) = (await report(client))["strategies"]
        await call(client, "recall_strategies", task=chore)
        for task in (chore, "Another chore with the same trouble."):
            error = "UnicodeDecodeError: cannot decode byte 0xe9 while reading the text file of another system"
            stuck = await call(client, "recall_strategies", task=task, stuck_on=error)
            assert [hit["id"] for hit in stuck["strategies"]] == [lesson["id"]]
        await report(client, task=chore, judgement=judgement(strategies=[]), recalled={lesson["id"]: "helped"})
    bank = await Bank.open(settings.location)
    found = (await value(bank))[""]
    await bank.close()
    assert (found.recalls, found.empty, found.in_full) == (1, 1, 0)
    assert (found.stuck, found.stuck_followed) == (2, Part(1, 2))


async def test_a_held_out_lesson_is_not_shown_and_its_task_is_counted_apart(
    connect: Connect, settings: Settings
) -> None:
    async with connect(change={"hold_out": 1}) as client:
        (lesson,) = (await report(client))["strategies"]
        recalled = await call(client, "recall_strategies", task=REWORDED)
        assert recalled["strategies"] == []
        await report(client, task=REWORDED, judgement=judgement(strategies=[]), recall_id=recalled["recall_id"])
    bank = await Bank.open(settings.location)
    (noted,) = await bank.all(Recall)
    found = (await value(bank))[""]
    await bank.close()
    assert noted.held_out_ids == [lesson["id"]]
    assert (found.held_out, found.empty) == (Share(1, 1), 0)


async def test_nothing_is_held_out_unless_it_is_asked_for(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        await report(client)
        for number in range(20):
            assert (await call(client, "recall_strategies", task=f"{TASK} Again, {number}."))["strategies"]


async def test_the_command_prints_a_table_or_json(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        await report(client)
        await call(client, "recall_strategies", task=TASK)

    def run(*words: str) -> str:
        told = CliRunner().invoke(cli, ["--home", str(settings.home), "value", *words])
        assert told.exit_code == 0, told.output
        return told.stdout

    assert json.loads(await anyio.to_thread.run_sync(run, "--json"))["recalls"] == 1
    assert list(json.loads(await anyio.to_thread.run_sync(run, "--by", "scope", "--json"))) == ["project"]
    table = await anyio.to_thread.run_sync(run, "--by", "month")
    assert "lessons shown in full" in table
    assert "1 of 1" in table
