"""A bank on an object store, which has no file lock: the S3 that moto serves, over HTTP, with credentials from AWS's variables.

The bank's own tests run here once more, on `s3://`.
"""

import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import boto3
import httpx
import pytest
from samples import call, report
from test_bank import (  # noqa: F401 collected here, with this module's bank
    episode,
    lesson,
    put,
    test_a_change_of_a_record_that_somebody_else_changed_meanwhile_is_refused,
    test_a_step_is_done_again_until_nobody_else_comes_first,
    test_many_writes_are_compacted_and_stay_findable,
)

from strategy_bank.store.bank import Bank
from strategy_bank.store.errors import BankUnavailable
from strategy_bank.store.location import Location
from strategy_bank.store.records import Episode, Strategy

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

from concurrency import crowd
from servers import connected

pytestmark = pytest.mark.anyio
BUCKET = "team"


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """The address of a real S3 API."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(address)
                break
            except httpx.TransportError:
                assert time.monotonic() < deadline
        yield address
        process.kill()


@pytest.fixture
def aws(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's usual variables, for this process and the servers that it starts."""
    usual = {
        "AWS_ACCESS_KEY_ID": "who", "AWS_SECRET_ACCESS_KEY": "knows", "AWS_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": store, "AWS_ALLOW_HTTP": "true",
    }  # fmt: skip
    for name, value in usual.items():
        monkeypatch.setenv(name, value)
    place = {"LocationConstraint": "eu-central-1"}
    s3 = boto3.client("s3", region_name="eu-central-1")
    if BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)


@pytest.fixture
def location(aws: None, home: Path) -> Location:
    return Location(home, f"s3://{BUCKET}/{home.parent.name}", lock_timeout_s=5)


@pytest.fixture
async def bank(location: Location) -> AsyncIterator[Bank]:
    opened = await Bank.open(location)
    yield opened
    await opened.close()


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
