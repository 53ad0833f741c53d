"""A bank on an object store, which has no file lock: the S3 that moto serves, with credentials from AWS's variables."""

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from bench.load.concurrency import crowd
from bench.support.servers import connected
from strategy_bank.store.bank import Bank
from strategy_bank.store.errors import BankUnavailable
from strategy_bank.store.location import Location
from strategy_bank.store.records import Episode, Strategy
from tests.support.records import episode, lesson, put
from tests.support.samples import call, report

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def location(bucket: Location) -> Location:
    return bucket


async def test_what_one_machine_reported_another_one_recalls(
    location: Location, environment: dict[str, str], tmp_path: Path
) -> None:
    here = environment | {"STRATEGY_BANK_URI": location.uri}
    there = here | {"STRATEGY_BANK_HOME": str(tmp_path / "another machine")}
    async with connected(here) as one, connected(there) as other:
        learned = await report(one)
        found = await call(other, "recall_strategies", task=learned["strategies"][0]["title"])
        assert [hit["id"] for hit in found["strategies"]] == [learned["strategies"][0]["id"]]
    assert not list(Path(environment["STRATEGY_BANK_HOME"]).glob("*.lock"))


async def test_three_machines_write_at_once_and_nothing_is_lost_or_doubled(
    location: Location, environment: dict[str, str]
) -> None:
    patient = environment | {"STRATEGY_BANK_URI": location.uri, "STRATEGY_BANK_LOCK_TIMEOUT": "240"}  # moto is slow
    told = await crowd(patient, writers=3, reports=5, readers=0)
    assert told.problems == []
    assert len(told.acknowledged) == 1 + 3 * 4  # one report in five was sent by all three


async def test_counters_of_many_machines_add_up(bank: Bank, location: Location) -> None:
    await put(bank, lesson(1))
    banks = [await Bank.open(replace(location, lock_timeout_s=60)) for _ in range(3)]

    async def add_one(mine: Bank) -> None:
        for _ in range(4):

            async def step() -> None:
                read = await mine.get(Strategy, "st_1")
                await mine.amend([read.model_copy(update={"helped": read.helped + 1})])

            await mine.atomically(step)

    async with anyio.create_task_group() as tasks:
        for mine in banks:
            tasks.start_soon(add_one, mine)
    assert (await bank.get(Strategy, "st_1")).helped == 12


async def test_the_same_episode_from_two_machines_at_once_is_one(bank: Bank, location: Location) -> None:
    banks = [await Bank.open(location) for _ in range(2)]
    added: list[bool] = []

    async def add(mine: Bank) -> None:
        added.append(await mine.atomically(lambda: mine.add(episode(1))))

    async with anyio.create_task_group() as tasks:
        for mine in banks:
            tasks.start_soon(add, mine)
    assert sorted(added) == [False, True]
    assert await bank.count(Episode) == 1


async def test_a_bucket_that_is_not_there_is_a_clear_error_with_its_address(aws: None, home: Path) -> None:
    with pytest.raises(BankUnavailable, match="s3://nobodys/bank"):
        await Bank.open(Location(home, "s3://nobodys/bank"))
