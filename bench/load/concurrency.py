"""Many server processes on one bank: is anything lost, doubled, late or refused?

    python -m bench.load.concurrency [--writers 4] [--reports 200] [--readers 2]

Every process is a real server over stdio. Each writer reports its own attempts and, one time in five, one that another writer
reports as well; all of them used one strategy, whose counters must add up. Readers recall what was acknowledged last.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import anyio
from mcp import Client

from bench.support.figures import p50_p95, show_problems
from bench.support.lessons import lesson, report
from bench.support.replayed import wrong_counters
from bench.support.servers import connected, environment
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode, Strategy

COMMON = 199
"""The lesson that all of them use."""


@dataclass
class Crowd:
    """What happened. Seconds per call; `problems` is empty when all went well."""

    report_seconds: list[float] = field(default_factory=list[float])
    recall_seconds: list[float] = field(default_factory=list[float])
    acknowledged: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Episode to the strategies that it was told to have taught."""
    seen_late: int = 0
    pieces: int = 0
    problems: list[str] = field(default_factory=list[str])


async def crowd(settings: Mapping[str, str], writers: int, reports: int, readers: int) -> Crowd:
    """Let them work, then compare the bank with what each was told."""
    told = Crowd()
    latest: list[tuple[int, str]] = []
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(settings)) for _ in range(writers + readers)]
        common = (await _call(told, clients[0], "report_outcome", report(COMMON)))["strategies"][0]["id"]
        done = anyio.Event()

        async def write(number: int, client: Client) -> None:
            await _call(told, client, "recall_strategies", {"ids": [common]})
            for index in range(reports):
                shared = index % 5 == 0
                attempt = index if shared else reports + number * reports + index
                verdict = "failure" if attempt % 3 == 0 else "success"
                arguments = report(attempt % COMMON, verdict, used_strategy_ids=[common])
                arguments["trajectory"] = f"attempt {attempt}\n{arguments['trajectory']}"
                arguments["task"] += f" ({attempt})"
                started = time.monotonic()
                answer = await _call(told, client, "report_outcome", arguments)
                told.report_seconds.append(time.monotonic() - started)
                if answer:
                    ids = [strategy["id"] for strategy in answer["strategies"]]
                    told.acknowledged[answer["episode_id"]] = ids
                    latest.extend((attempt % COMMON, id) for id in ids)

        async def read(client: Client) -> None:
            while not done.is_set():
                wanted = latest[-1] if latest else (COMMON, common)
                words = lesson(wanted[0])
                started = time.monotonic()
                task = f"{words['title']}. {words['content']}"
                answer = await _call(told, client, "recall_strategies", {"task": task, "limit": 10})
                told.recall_seconds.append(time.monotonic() - started)
                if answer and wanted[1] not in [hit["id"] for hit in answer["strategies"]]:
                    told.seen_late += 1
                    told.problems.append(f"{wanted[1]} was acknowledged, but the next recall did not bring it")

        async with anyio.create_task_group() as reading:
            for client in clients[writers:]:
                reading.start_soon(read, client)
            async with anyio.create_task_group() as writing:
                for number, client in enumerate(clients[:writers]):
                    writing.start_soon(write, number, client)
            done.set()
    await _compare(told, settings, common, reports, writers)
    return told


async def _compare(told: Crowd, settings: Mapping[str, str], common: str, reports: int, writers: int) -> None:
    bank = await Bank.open(Settings.read(settings).location)
    try:
        episodes, strategies = await bank.all(Episode), await bank.all(Strategy)
        told.pieces = max((await bank.fragments()).values())
    finally:
        await bank.close()
    shared = len(range(0, reports, 5))
    expected = 1 + shared + writers * (reports - shared)
    if len(episodes) != expected:
        told.problems.append(f"{len(episodes)} episodes instead of {expected}")
    for records in (episodes, strategies):
        doubled = [id for id, count in Counter(record.id for record in records).items() if count > 1]
        told.problems.extend(f"{id} is there twice" for id in doubled)
    stored = {episode.id: episode for episode in episodes}
    known = {strategy.id for strategy in strategies}
    for id, ids in told.acknowledged.items():
        if id not in stored or stored[id].status != "learned":
            told.problems.append(
                f"episode {id} was acknowledged and is {stored[id].status if id in stored else 'lost'}"
            )
        told.problems.extend(f"strategy {lost} was acknowledged and is lost" for lost in ids if lost not in known)
    told.problems += wrong_counters(strategies, episodes)


async def _call(told: Crowd, client: Client, tool: str, arguments: Mapping[str, object]) -> dict[str, object]:
    result = await client.call_tool(tool, dict(arguments))
    if result.is_error or result.structured_content is None:
        told.problems.append(f"{tool} failed: {getattr(result.content[0], 'text', '?')[:200]}")
        return {}
    return result.structured_content


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--reports", type=int, default=200)
    parser.add_argument("--readers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        started = time.monotonic()
        told = await crowd(environment(home, "crowd"), given.writers, given.reports, given.readers)
        elapsed = time.monotonic() - started
    print(f"{given.writers} writers × {given.reports} reports, {given.readers} readers, one bank, {elapsed:.0f} s")
    print(
        f"  acknowledged episodes {len(told.acknowledged)}, problems {len(told.problems)}, seen late {told.seen_late}"
    )
    print(f"  report {p50_p95(told.report_seconds)}")
    print(f"  {len(told.recall_seconds)} recalls, {p50_p95(told.recall_seconds)}")
    print(f"  most pieces of a table at the end {told.pieces}")
    show_problems(told.problems)
    return bool(told.problems)


if __name__ == "__main__":
    sys.exit(anyio.run(main))
