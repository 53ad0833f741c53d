"""The setting `trust`: what a person decides before agents see it, and how a decision is taken back."""

from typing import Any

import pytest

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Strategy
from strategy_bank.tools.safety.admission import CAUTION, NEW, RISKY, admitted
from tests.support.connecting import Connect
from tests.support.records import stored
from tests.support.samples import PREVENTIVE, REWORDED, STRATEGY, TASK, call, judgement, report, text_of
from tests.support.shell import run

pytestmark = pytest.mark.anyio
APPROVE: dict[str, Any] = {"trust": "approve"}
RISKY_WORDS = {
    "title": "chmod fixes it",
    "description": "When the container can't write to the upload dir",
    "content": "Make the folder writable for everybody with chmod -R 777 and move on. Ownership of volumes is a rabbit hole.",
}


def lesson(**changes: Any) -> Strategy:
    return Strategy.model_validate({"id": "st_1", **STRATEGY, "outcome": "success", "scope": "project", **changes})


async def test_with_approve_a_lesson_is_recalled_only_after_a_person_has_let_it_in(
    connect: Connect, settings: Settings
) -> None:
    async with connect(change=APPROVE) as client:
        told = await report(client)
        before = await call(client, "recall_strategies", task=TASK)
        listed = await run(settings, "review", "--list")
        decided = await run(settings, "review", answers="l\n")
        after = await call(client, "recall_strategies", task=TASK)
    assert [(each["action"], each["title"]) for each in told["strategies"]] == [("waiting", STRATEGY["title"])]
    assert (before["strategies"], before["others"]) == ([], [])
    assert (NEW in listed.stdout, listed.exit_code, decided.exit_code) == (True, 1, 0)
    assert [each["title"] for each in after["strategies"]] == [STRATEGY["title"]]


async def test_the_agent_is_told_that_its_lesson_waits(connect: Connect) -> None:
    async with connect(change=APPROVE) as client:
        arguments = {"task": TASK, "trajectory": "Ran it. 3 passed.", "judgement": judgement(evidence=["3 passed"])}
        text = text_of(await client.call_tool("report_outcome", arguments))
    assert "agents see it once a person has let it in" in text


async def test_a_waiting_lesson_can_be_neither_opened_nor_read(connect: Connect, settings: Settings) -> None:
    async with connect(change=APPROVE) as client:
        told = await report(client)
        id = told["strategies"][0]["id"]
        opened = await client.call_tool("recall_strategies", {"ids": [id]})
        with pytest.raises(Exception, match=id):
            await client.read_resource(f"strategy://{id}")
    assert opened.is_error


async def test_a_lesson_that_is_taught_again_waits_as_one(connect: Connect, settings: Settings) -> None:
    async with connect(change=APPROVE) as client:
        await report(client)
        await report(client, task=REWORDED)
    assert [(each.status, each.support) for each in await stored(settings, Strategy)] == [("waiting", 2)]


async def test_a_lesson_that_needs_no_decision_does_not_vanish_in_one_that_waits(
    connect: Connect, settings: Settings
) -> None:
    again = STRATEGY | {"content": STRATEGY["content"] + " Then go on."}
    async with connect(change=APPROVE) as client:
        await report(client)
    async with connect() as client:
        await report(client, task=f"{TASK} Again.", judgement=judgement(strategies=[again]))
        recalled = await call(client, "recall_strategies", task=TASK)
    assert sorted(each.status for each in await stored(settings, Strategy)) == ["active", "waiting"]
    assert len(recalled["strategies"]) == 1


async def test_a_correction_waits_too_and_shows_the_old_words_until_a_person_accepts_it(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        known = (await report(client))["strategies"][0]["id"]
    better = STRATEGY | {"content": STRATEGY["content"] + " Say which encoding it was.", "amends": known}
    async with connect(change=APPROVE) as client:
        shown = await call(client, "recall_strategies", task=TASK)
        for task in (f"{TASK} Again.", f"{TASK} Now for a file of another customer."):
            recall = (await call(client, "recall_strategies", task=task))["recall_id"]
            told = await report(client, task=task, recall_id=recall, judgement=judgement(strategies=[better]))
            assert [each["action"] for each in told["strategies"]] == ["waiting"], "no report confirms it"
        text = text_of(await client.call_tool("recall_strategies", {"task": TASK}))
        assert shown["strategies"][0]["content"] in text.replace("> ", "")
        assert "Say which encoding" not in text
        listed = await run(settings, "review", "--list")
        assert "+ Say which encoding it was." in listed.stdout
        assert (await run(settings, "review", answers="l\n")).exit_code == 0
        text = text_of(await client.call_tool("recall_strategies", {"task": TASK}))
    assert "Say which encoding" in text


async def test_a_correction_that_a_person_keeps_out_is_gone(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        known = (await report(client))["strategies"][0]["id"]
    async with connect(change=APPROVE) as client:
        recall = (await call(client, "recall_strategies", task=TASK))["recall_id"]
        better = STRATEGY | {"content": STRATEGY["content"] + " Say which encoding it was.", "amends": known}
        told = {"task": f"{TASK} Again.", "recall_id": recall, "judgement": judgement(strategies=[better])}
        await report(client, **told)
    assert (await run(settings, "review", answers="k\n")).exit_code == 0
    (strategy,) = await stored(settings, Strategy)
    assert (strategy.content, strategy.proposals, strategy.revisions) == (STRATEGY["content"], [], [])


async def test_a_decision_is_in_the_history_and_undo_takes_it_back(connect: Connect, settings: Settings) -> None:
    async with connect(change=APPROVE) as client:
        id = (await report(client))["strategies"][0]["id"]
    await run(settings, "review", answers="l\n")
    assert "waiting (new: nobody has let it in yet) → active" in (await run(settings, "show", id)).stdout
    assert "active → waiting" in (await run(settings, "undo", id)).stdout
    (strategy,) = await stored(settings, Strategy)
    assert (strategy.status, strategy.status_reason) == ("waiting", NEW)
    assert "waiting → active" in (await run(settings, "undo", id)).stdout
    assert len((await stored(settings, Strategy))[0].decisions) == 3


async def test_undo_says_when_there_is_nothing_to_undo(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        id = (await report(client))["strategies"][0]["id"]
    undone = await run(settings, "undo", id)
    assert undone.exit_code != 0
    assert "Nobody has decided" in undone.stderr


@pytest.mark.parametrize(("trust", "status", "reason"), [("auto", "active", ""), ("flagged", "waiting", RISKY)])
def test_advice_that_may_do_harm_waits_or_comes_with_a_caution(trust: Any, status: str, reason: str) -> None:
    made = admitted(lesson(**RISKY_WORDS), trust)
    assert (made.status, made.status_reason[: len(RISKY)], made.caution) == (status, reason, CAUTION)


async def test_a_lesson_with_a_caution_is_never_first_and_says_so(connect: Connect, settings: Settings) -> None:
    bank = await Bank.open(settings.location)
    risky = lesson(source_task=TASK, caution=CAUTION)
    other = lesson(id="st_2", **PREVENTIVE, source_task=TASK, outcome="failure")
    async with bank.lock.hold():
        await bank.add_strategies(await bank.embed([risky, other]))
    await bank.close()
    async with connect() as client:
        text = text_of(await client.call_tool("recall_strategies", {"task": TASK}))
    assert f"Caution: {CAUTION}. Check it before you follow it." in text
    if "st_2] from" in text:
        assert text.index("st_2] from") < text.index("st_1] from")


async def test_what_comes_from_another_bank_waits_with_approve(settings: Settings, tmp_path: Any) -> None:
    file = tmp_path / "lessons.jsonl"
    file.write_text(lesson().model_dump_json(include={"title", "description", "content", "outcome"}), "utf-8")
    (settings.home / "config.toml").write_text('trust = "approve"\n', "utf-8")
    assert (await run(settings, "import", str(file), "--scope", "project")).exit_code == 0
    assert [each.status for each in await stored(settings, Strategy)] == ["waiting"]
