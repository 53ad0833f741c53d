"""Opposite advice stays apart, is linked, and comes back together, each with its outcomes."""

import pytest

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Strategy
from tests.support.connecting import Connect
from tests.support.samples import call, judgement, report, text_of

pytestmark = pytest.mark.anyio
TASK = "Change the settings of the message broker in production."
RESTART = {
    "title": "Restart the broker after changing its settings",
    "description": "When the settings of a message broker are changed.",
    "content": "Always restart the broker after a change of its settings, since it reads them at the start only.",
}
STAY = RESTART | {
    "title": "Never restart the broker after changing its settings",
    "content": "Never restart the broker after a change of its settings, since it reads them again by itself.",
}


async def stored(settings: Settings) -> list[Strategy]:
    bank = await Bank.open(settings.location)
    found = await bank.all(Strategy)
    await bank.close()
    return found


@pytest.mark.parametrize("at_once", [True, False])
async def test_opposite_advice_is_linked_both_ways_and_recalled_together(
    connect: Connect, settings: Settings, at_once: bool
) -> None:
    async with connect() as client:
        if at_once:
            await report(client, task=TASK, judgement=judgement(strategies=[RESTART, STAY]))
        else:
            await report(client, task=TASK, judgement=judgement(strategies=[RESTART]))
            await report(client, task=f"{TASK} Again.", judgement=judgement(strategies=[STAY]))
        recalled = await call(client, "recall_strategies", task=TASK, limit=1)
        text = text_of(await client.call_tool("recall_strategies", {"task": TASK, "limit": 1}))
    one, other = await stored(settings)
    assert (one.contradicts, other.contradicts) == ([other.id], [one.id])
    assert {hit["id"] for hit in recalled["strategies"]} == {one.id, other.id}
    for strategy in (one, other):
        assert f"Advises the opposite of [{strategy.id}]; weigh them by their outcomes." in text


async def test_a_retired_opposite_is_not_shown_nor_named(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        await report(client, task=TASK, judgement=judgement(strategies=[RESTART, STAY]))
        bank = await Bank.open(settings.location)
        gone = (await bank.all(Strategy))[0]
        await bank.atomically(lambda: bank.amend([gone.model_copy(update={"status": "retired"})]))
        await bank.close()
        text = text_of(await client.call_tool("recall_strategies", {"task": TASK}))
    assert gone.id not in text
    assert "opposite" not in text


async def test_lessons_that_have_nothing_to_do_with_each_other_are_not_linked(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        await report(client, task=TASK, judgement=judgement(strategies=[RESTART]))
        await report(client)
    assert [strategy.contradicts for strategy in await stored(settings)] == [[], []]
