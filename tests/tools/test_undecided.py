"""Lessons of which the comparison cannot tell whether they are one: the endpoint decides, else the agent is asked."""

from collections.abc import Iterator
from typing import Any

import pytest
from mcp import Client

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode, Run, Strategy
from strategy_bank.tools.consolidation.merge import merge
from tests.support.amending import OPEN
from tests.support.connecting import Connect
from tests.support.samples import (
    PREVENTIVE,
    REWORDED,
    STRATEGY,
    TASK,
    call,
    chore,
    comparison,
    judgement,
    refusal,
    report,
)
from tests.support.scripted_endpoint import ScriptedEndpoint, fails, says

pytestmark = pytest.mark.anyio
KNOWN, NEW = OPEN


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint() as server:
        yield server


def configured(endpoint: ScriptedEndpoint) -> dict[str, Any]:
    return {"llm_base_url": endpoint.base_url, "llm_model": "test-model", "llm_timeout": 5}


async def taught(client: Client, task: str, *strategies: dict[str, str]) -> dict[str, Any]:
    return await report(client, task=task, judgement=judgement(strategies=list(strategies)))


async def kept(settings: Settings) -> dict[str, Strategy]:
    bank = await Bank.open(settings.location)
    found = await bank.all(Strategy)
    await bank.close()
    return {each.title: each for each in found}


async def test_the_agent_is_asked_and_its_answer_merges_them(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        known = (await taught(client, TASK, KNOWN))["strategies"][0]
        result = await taught(client, REWORDED, NEW, PREVENTIVE)
        new = result["strategies"][0]
        asked = result["next_step"]
        assert f"{known['id']}, which was known:\n<known_lesson>\n> {KNOWN['title']}" in asked
        assert f'same_as {{"{new["id"]}": "{known["id"]}"}}' in asked
        assert PREVENTIVE["title"] not in asked
        answered = await call(
            client, "report_outcome", episode_id=result["episode_id"], same_as={new["id"]: known["id"]}
        )
        assert answered["strategies"][0] == known | {"action": "merged"}
        assert (answered["warnings"], answered["next_step"]) == ([], "Nothing more to do.")
        again = await call(client, "report_outcome", episode_id=result["episode_id"], same_as={new["id"]: known["id"]})
        assert again == answered
    after = await kept(settings)
    assert (after[KNOWN["title"]].support, after[KNOWN["title"]].content) == (2, KNOWN["content"])
    assert len(after[KNOWN["title"]].episode_ids) == 2
    assert (after[NEW["title"]].status, after[NEW["title"]].status_reason) == ("retired", f"merged into {known['id']}")


async def test_what_went_into_another_lesson_goes_there_again_and_so_does_credit_for_it(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        known = (await taught(client, TASK, KNOWN))["strategies"][0]["id"]
        result = await taught(client, REWORDED, NEW)
        new = result["strategies"][0]["id"]
        await call(client, "report_outcome", episode_id=result["episode_id"], same_as={new: known})
    async with connect() as client:
        again = await taught(client, chore(0), NEW)
        assert [(each["id"], each["action"]) for each in again["strategies"]] == [(known, "merged")]
        await call(client, "recall_strategies", task=TASK)
        await report(client, task=chore(1), used_strategy_ids=[new, known], judgement=judgement(strategies=[]))
    after = await kept(settings)
    assert (after[KNOWN["title"]].support, after[KNOWN["title"]].helped) == (3, 1)
    assert (after[NEW["title"]].support, after[NEW["title"]].helped) == (1, 0)


async def test_an_answer_that_was_interrupted_after_the_merge_is_finished_by_the_next(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        known = (await taught(client, TASK, KNOWN))["strategies"][0]
        result = await taught(client, REWORDED, NEW)
        new = result["strategies"][0]["id"]
        bank = await Bank.open(settings.location)
        unsaid = await bank.get(Episode, result["episode_id"])
        await bank.atomically(lambda: merge(bank, [(known["id"], new)]))
        current = await bank.get(Episode, unsaid.id)
        await bank.atomically(
            lambda: bank.amend([current.model_copy(update={"learned": unsaid.learned})])
        )  # the merge is written, and the episode does not say so
        await bank.close()
        answered = await call(client, "report_outcome", episode_id=result["episode_id"], same_as={new: known["id"]})
    assert answered["strategies"][0] == known | {"action": "merged"}
    assert (await kept(settings))[KNOWN["title"]].support == 2


async def test_without_an_answer_both_stay(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        await taught(client, TASK, KNOWN)
        await taught(client, REWORDED, NEW)
    assert {each.status for each in (await kept(settings)).values()} == {"active"}


async def test_nobody_is_asked_about_lessons_that_are_clearly_different(connect: Connect) -> None:
    async with connect() as client:
        await taught(client, TASK, STRATEGY)
        assert (await taught(client, REWORDED, PREVENTIVE))["next_step"] == "Nothing more to do."


async def test_only_what_the_episode_taught_goes_into_something_like_it(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        first = await taught(client, TASK, KNOWN, PREVENTIVE)
        second = await taught(client, REWORDED, NEW)
        known, unlike = (each["id"] for each in first["strategies"])
        new, episode = second["strategies"][0]["id"], second["episode_id"]
        assert "was not learned from" in await refusal(
            client, "report_outcome", episode_id=episode, same_as={known: new}
        )
        assert "st_0000000000000000" in await refusal(
            client, "report_outcome", episode_id=episode, same_as={new: "st_0000000000000000"}
        )
        assert "episode_id" in await refusal(client, "report_outcome", same_as={new: known})
        result = await call(client, "report_outcome", episode_id=episode, same_as={new: unlike})
        assert "stay two" in result["warnings"][0]
    assert {each.status for each in (await kept(settings)).values()} == {"active"}


async def test_a_lesson_that_others_confirmed_meanwhile_stays(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        known = (await taught(client, TASK, KNOWN))["strategies"][0]["id"]
        second = await taught(client, REWORDED, NEW)
        new = second["strategies"][0]["id"]
        await taught(client, f"{TASK} Again, for the other partner.", NEW)
        result = await call(client, "report_outcome", episode_id=second["episode_id"], same_as={new: known})
    assert result["warnings"]
    assert {each.status for each in (await kept(settings)).values()} == {"active"}


async def test_lessons_of_a_comparison_are_asked_about_too(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        contrast = await _compared(client, TASK, KNOWN)
        known = contrast["learned"][0]["id"]
        result = await _compared(client, REWORDED, NEW)
        new = result["learned"][0]["id"]
        episode = result["attempts"][1]["episode_id"]
        assert f"episode_id '{episode}'" in result["next_step"]
        merged = [contrast["learned"][0] | {"action": "merged"}]
        answered = await call(client, "report_outcome", episode_id=episode, same_as={new: known})
        assert (answered["strategies"], answered["warnings"]) == (merged, [])
        assert await call(client, "report_outcome", episode_id=episode, same_as={new: known}) == answered
        assert (await call(client, "scale_attempts", run_id=result["run_id"]))["learned"] == merged
    assert (await kept(settings))[NEW["title"]].status_reason == f"merged into {known}"
    bank = await Bank.open(settings.location)
    run = await bank.get(Run, result["run_id"])
    assert [(each.id, each.action) for each in run.learned] == [(known, "merged")]
    await bank.close()


async def _compared(client: Client, task: str, strategy: dict[str, str]) -> dict[str, Any]:
    run_id = (await call(client, "scale_attempts", task=task, attempts=2))["run_id"]
    for number in (1, 2):
        await call(
            client,
            "report_outcome",
            run_id=run_id,
            attempt=number,
            trajectory=f"Attempt {number}: 14 passed in 2.31s",
            judgement=judgement(strategies=[], reason="They ran.", verdict="failure"),
        )
    return await call(client, "scale_attempts", run_id=run_id, comparison=comparison(2, strategies=[strategy]))


@pytest.mark.parametrize("same", [True, False])
async def test_an_endpoint_decides_in_the_same_call(
    connect: Connect, settings: Settings, endpoint: ScriptedEndpoint, same: bool
) -> None:
    async with connect(change=configured(endpoint)) as client:
        known = (await taught(client, TASK, KNOWN))["strategies"][0]
        endpoint.enqueue(says({"reason": "Both ask for growing pauses with jitter.", "same": same}))
        result = await taught(client, REWORDED, NEW)
    assert endpoint.kinds == ["same_lesson"]
    assert (result["strategies"][0] == known | {"action": "merged"}) is same
    told = f"Your {NEW['title']!r} says the same as {known['id']} and went into it:\n<known_lesson>\n> {KNOWN['title']}"
    assert result["next_step"].startswith(told) is same
    assert result["next_step"].endswith("Nothing more to do.")
    assert (await kept(settings))[NEW["title"]].status == ("retired" if same else "active")


async def test_when_the_endpoint_fails_both_stay_and_the_report_says_so(
    connect: Connect, settings: Settings, endpoint: ScriptedEndpoint
) -> None:
    async with connect(change=configured(endpoint)) as client:
        await taught(client, TASK, KNOWN)
        endpoint.enqueue(fails(401))
        result = await taught(client, REWORDED, NEW)
    assert result["status"] == "learned"
    assert "both stay" in result["warnings"][0]
    assert "401" in result["warnings"][0]
    assert {each.status for each in (await kept(settings)).values()} == {"active"}


async def test_an_endpoint_that_merges_a_lesson_of_a_comparison_changes_the_run(
    connect: Connect, endpoint: ScriptedEndpoint
) -> None:
    async with connect(change=configured(endpoint)) as client:
        known = (await _compared(client, TASK, KNOWN))["learned"][0]
        endpoint.enqueue(says({"reason": "Both ask for growing pauses with jitter.", "same": True}))
        result = await _compared(client, REWORDED, NEW)
        again = await call(client, "scale_attempts", run_id=result["run_id"])
    assert result["learned"] == again["learned"] == [known | {"action": "merged"}]
