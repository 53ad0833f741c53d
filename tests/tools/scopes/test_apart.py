"""With the setting `projects_apart` no lesson goes from one project to another, but by a person's hand."""

import pytest
from mcp import Client

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Strategy
from strategy_bank.tools.consolidation.sweep import sweep
from strategy_bank.tools.judging.judge import AgentJudge
from strategy_bank.tools.scopes.moving import move_strategies
from tests.support.amending import NARROWER, actions, amended, stored, taught
from tests.support.connecting import Connect
from tests.support.samples import REWORDED, STRATEGY, TASK, call, judgement, refusal, report

pytestmark = pytest.mark.anyio
SAID_OTHERWISE = STRATEGY | {"title": "Find the encoding of foreign files"}
APART = {"projects_apart": True}


async def shown(client: Client) -> list[str]:
    menu = await call(client, "recall_strategies", task=TASK)
    return [each["id"] for each in (*menu["strategies"], *menu["others"])]


async def given_to_all(settings: Settings, id: str) -> None:
    bank = await Bank.open(settings.location)
    await move_strategies(bank, [id], "global")
    await bank.close()


async def test_what_two_projects_teach_stays_two(connect: Connect, settings: Settings) -> None:
    async with connect(change=APART | {"scope": "clinic"}) as client:
        (first,) = await taught(client)
    async with connect(change=APART) as client:
        (second,) = await taught(client, SAID_OTHERWISE, task=REWORDED)
        assert await shown(client) == [second]
    bank = await Bank.open(settings.model_copy(update=APART).location)
    done = await sweep(bank, AgentJudge(), lambda done, total: None, None, dry_run=False)
    found = {each.id: each.scope for each in await bank.all(Strategy, status="active")}
    await bank.close()
    assert (done.merges, found) == ([], {first: "clinic", second: "project"})


async def test_what_got_global_by_itself_is_read_where_it_began_only(connect: Connect, settings: Settings) -> None:
    async with connect(change={"scope": "clinic"}) as client:
        (id,) = await taught(client)
    async with connect() as client:
        assert await taught(client, SAID_OTHERWISE, task=REWORDED) == [id]
        assert await shown(client) == [id]
    assert (await stored(settings, id)).scope == "global"
    for scope in ("project", "clin", "shop"):
        async with connect(change=APART | {"scope": scope}) as client:
            assert await shown(client) == []
            assert "None of these ids can be opened" in await refusal(client, "recall_strategies", ids=[id])
            summary = await client.read_resource("bank://summary")
            assert STRATEGY["title"] not in summary.model_dump_json()
    async with connect(change=APART) as client:
        told = await report(client, task=REWORDED, trajectory="It ran again: 14 passed in 2.31s")
        assert [each["action"] for each in told["strategies"]] == ["added"]
    async with connect(change=APART | {"scope": "clinic"}) as client:
        assert await shown(client) == [id]
        assert (await call(client, "recall_strategies", ids=[id]))["strategies"][0]["id"] == id
        assert actions(await report(client, task=REWORDED)) == [(id, "merged")]


async def test_what_a_person_put_into_global_is_read_by_all_and_reworded_by_no_agent(
    connect: Connect, settings: Settings
) -> None:
    async with connect(change=APART | {"scope": "clinic"}) as client:
        (id,) = await taught(client)
    await given_to_all(settings, id)
    async with connect(change=APART) as client:
        assert await shown(client) == [id]
        result = await amended(client, REWORDED, id, NARROWER)
        assert "projects are kept apart" in result["warnings"][0]
        used = judgement(strategies=[])
        await report(client, recalled={id: "helped"}, judgement=used)
    after = await stored(settings, id)
    assert (after.scope, after.content, after.proposals, after.helped) == ("global", STRATEGY["content"], [], 1)


async def test_a_person_gives_a_lesson_to_all_that_had_got_global_by_itself(
    connect: Connect, settings: Settings
) -> None:
    async with connect(change={"scope": "clinic"}) as client:
        (id,) = await taught(client)
    async with connect() as client:
        await taught(client, SAID_OTHERWISE, task=REWORDED)
    await given_to_all(settings, id)
    async with connect(change=APART | {"scope": "shop"}) as client:
        assert await shown(client) == [id]
