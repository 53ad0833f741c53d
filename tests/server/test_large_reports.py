"""A large report over HTTP: other clients do not wait for it, and what takes too long to clean is not stored."""

import sys
import time
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp import Client

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode
from strategy_bank.tools import own_process
from strategy_bank.tools.episodes import record
from strategy_bank.tools.scopes.registry import Scope
from tests.support.connecting import Connect
from tests.support.http_server import reached, serving
from tests.support.samples import REWORDED, TASK, TRAJECTORY, call, judgement, refusal, report

pytestmark = pytest.mark.anyio

SIZE = 1_900_000
HUGE = {
    "digits": "7" * 80_000,
    "many digits": "7" * SIZE,
    "keywords": "password is a " * (SIZE // 14),
    "half URLs": "https://a:" * (SIZE // 10),
    "lines": "\n[1] action: a" * (SIZE // 14),
    "marks": "\u0301\u0323" * (SIZE // 4),
}
SECRET = "sk-ant-" + "Zk3vQ9xW1aBcDeFgHiJkLmNo"


def told(url: str, trajectory: Any) -> dict[str, Any]:
    """Report from a loop of its own, so that writing the request does not hold up who recalls."""

    async def tell() -> dict[str, Any]:
        async with reached(url, "auto") as client:
            return await report(client, trajectory=trajectory)

    return anyio.run(tell)


async def recall_s(client: Client) -> float:
    begun = time.perf_counter()
    await call(client, "recall_strategies", task=REWORDED)
    return time.perf_counter() - begun


@pytest.mark.slow
@pytest.mark.parametrize("name", HUGE)
async def test_a_large_report_holds_up_no_recall_of_another_client(environment: dict[str, str], name: str) -> None:
    trajectory = [*TRAJECTORY, {"action": "cat it", "observation": HUGE[name]}]
    with serving(environment) as server:
        async with reached(server.url, "auto") as client:
            await report(client)
            alone = [await recall_s(client) for _ in range(30)]
            during: list[float] = []
            reported: list[dict[str, Any]] = []

            async def tell() -> None:
                reported.append(await anyio.to_thread.run_sync(told, server.url, trajectory))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(tell)
                while not reported:
                    during.append(await recall_s(client))
    assert during
    assert reported[0]["status"] == "learned"
    assert max(during) < 0.2 + 3 * max(alone)


@pytest.mark.parametrize("given", [True, False], ids=["judged", "not judged"])
async def test_what_cannot_be_cleaned_in_time_is_not_stored_and_waits_for_a_judge(
    connect: Connect, settings: Settings, monkeypatch: pytest.MonkeyPatch, given: bool
) -> None:
    monkeypatch.setattr(own_process, "LIMIT_S", 0.001)
    trajectory = f"export KEY={SECRET}\n14 passed in 2.31s\n" * 10_000
    async with connect() as client:
        result = await report(client, trajectory=trajectory, judgement=judgement() if given else None)
    assert result["status"] == ("judgement_needed" if given else "recorded")
    assert "took longer than 0.001 s" in result["warnings"][0]
    episode = await stored(settings, result["episode_id"])
    assert (episode.status, episode.task, episode.trajectory) == ("pending", TASK, record.NOT_CLEANED)
    assert episode.reason == result["warnings"][0]
    assert not [
        file for file in settings.location.home.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()
    ]


def test_the_part_that_is_stored_instead_is_the_beginning_and_the_end(settings: Settings) -> None:
    told = record.Report(scope=Scope("project"), task=TASK, trajectory=f"first {SECRET}\n{'x ' * 90_000}\nlast")
    episode, warnings = record._episode(told, None, record.PART_CHARS)
    assert len(episode.trajectory) <= record.PART_CHARS
    assert episode.trajectory.startswith("first [redacted: Anthropic key]")
    assert episode.trajectory.endswith("\nlast")
    assert warnings == ["Secrets were redacted before storing: Anthropic key."]


async def test_a_large_report_is_refused_in_the_same_words_as_a_small_one(connect: Connect) -> None:
    async with connect() as client:
        said = [
            await refusal(client, "report_outcome", task=TASK, trajectory=[{"observation": text}, 7])
            for text in ("x", "x" * 99_999)
        ]
    assert said[0] == said[1]
    assert "Step 2 of the trajectory" in said[0]


async def test_without_a_process_a_large_report_is_cleaned_all_the_same(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    async with connect() as client:
        assert (await report(client, trajectory=f"{'x ' * 90_000}\n14 passed in 2.31s"))["status"] == "learned"


async def stored(settings: Settings, id: str) -> Episode:
    bank = await Bank.open(settings.location)
    episode = await bank.get(Episode, id)
    await bank.close()
    return episode
