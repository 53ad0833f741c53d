"""Ids that a report names: what is no id is refused or ignored with a warning, and never stored."""

from typing import Any

import pytest

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode
from tests.support.connecting import Connect
from tests.support.samples import REWORDED, TASK, call, comparison, judgement, refusal, report

pytestmark = pytest.mark.anyio
KEY = "AKIA" + "IOSFODNN7EXAMPLQ"
UNKNOWN = "0123456789abcdef"
NO_IDS = [
    f"rc_{KEY}",
    f"rc_{UNKNOWN}",
    "latest",
    "rc_" + "a" * 5_000_000,
    f"rc_{UNKNOWN}0",
    f"xrc_{UNKNOWN}",
    "rc_0123456789ABCDEF",
    "rc_٠١٢٣٤٥٦٧٨٩abcdef",
    "null",
    "rc_ " + UNKNOWN,
    f"st_{UNKNOWN}",
    "x\ud800",
]


async def stored(settings: Settings, id: str) -> Episode:
    bank = await Bank.open(settings.location)
    try:
        return await bank.get(Episode, id)
    finally:
        await bank.close()


@pytest.mark.parametrize("named", NO_IDS, ids=range(len(NO_IDS)))
async def test_what_no_recall_has_is_ignored_with_a_warning(connect: Connect, settings: Settings, named: str) -> None:
    async with connect() as client:
        told = await report(client, recall_id=named, used_strategy_ids=[named, named[:300]])
    assert {warning.partition(",")[0] for warning in told["warnings"]} == {
        "Unknown used_strategy_ids", "Unknown recall_id",
    }  # fmt: skip
    assert max(map(len, told["warnings"])) < 200
    episode = await stored(settings, told["episode_id"])
    assert (episode.recall_id, episode.used_ids) == ("", [])


async def test_ids_are_found_inside_what_stood_around_them(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        known = (await report(client))["strategies"][0]
        recalled = await call(client, "recall_strategies", task=REWORDED)
        told = await report(
            client,
            task=REWORDED,
            recall_id=f"recall_id: {recalled['recall_id']}",
            used_strategy_ids=f"[{known['id']}] {known['title']}, st_{UNKNOWN}",
        )
    episode = await stored(settings, told["episode_id"])
    assert (episode.recall_id, episode.used_ids) == (recalled["recall_id"], [known["id"]])
    assert told["warnings"] == [f"Unknown used_strategy_ids, ignored: st_{UNKNOWN}."]


async def test_the_recall_of_another_process_is_known_once_it_is_written(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        recalled = await call(client, "recall_strategies", task=TASK)
    async with connect() as client:
        told = await report(client, recall_id=recalled["recall_id"])
    assert told["warnings"] == []
    assert (await stored(settings, told["episode_id"])).recall_id == recalled["recall_id"]


async def test_what_is_added_to_a_pending_episode_is_held_to_the_same(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        id = (await report(client, judgement=None))["episode_id"]
        told = await call(
            client, "report_outcome", episode_id=id, judgement=judgement(), recall_id=KEY, used_strategy_ids=[KEY]
        )
    assert len(told["warnings"]) == 2
    episode = await stored(settings, id)
    assert (episode.recall_id, episode.used_ids) == ("", [])


@pytest.mark.parametrize("wrong", ["x", f"st_{UNKNOWN}\n", "' OR 1=1", "é" * 300_000, f"ST_{UNKNOWN}"])
@pytest.mark.parametrize(
    ("tool", "argument", "rest"),
    [
        ("report_outcome", "episode_id", {"judgement": judgement()}),
        ("report_outcome", "run_id", {"task": TASK, "trajectory": "x", "attempt": 1}),
        ("report_outcome", "same_as", {"task": TASK, "trajectory": "x"}),
        ("scale_attempts", "run_id", {"comparison": comparison(1)}),
    ],
)
async def test_an_id_that_decides_what_is_done_is_refused_in_words(
    connect: Connect, settings: Settings, tool: str, argument: str, rest: dict[str, Any], wrong: str
) -> None:
    async with connect() as client:
        said = await refusal(client, tool, **rest, **{argument: {wrong: wrong} if argument == "same_as" else wrong})
    assert said.startswith(argument)
    assert "16 of 0-9 and a-f" in said
    assert len(said) < 300
    bank = await Bank.open(settings.location)
    assert await bank.count(Episode) == 0
    await bank.close()
