"""Banks of their own in a folder and on an object store: the S3 that moto serves, over HTTP."""

import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import boto3
import httpx
import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.location import Location

BUCKET = "team"


@pytest.fixture(scope="session")
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
def folder(home: Path) -> Location:
    return Location(home, lock_timeout_s=0.5)


@pytest.fixture
def bucket(aws: None, home: Path) -> Location:
    return Location(home, f"s3://{BUCKET}/{home.parent.name}", lock_timeout_s=5)


@pytest.fixture
async def bank(location: Location) -> AsyncIterator[Bank]:
    opened = await Bank.open(location)
    yield opened
    await opened.close()
