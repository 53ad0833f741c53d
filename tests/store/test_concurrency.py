"""Several server processes on one bank: nothing lost, doubled or refused; a stopped one is waited for with a bound."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from bench.load.concurrency import crowd
from tests.support.samples import TASK, call, refusal, report

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
HOLDER = """
import sys, time
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


async def test_three_writers_and_a_reader_agree_on_one_bank(environment: dict[str, str]) -> None:
    told = await crowd(environment, writers=3, reports=15, readers=1)
    assert told.problems == []
    assert len(told.acknowledged) == 3 + 3 * 12  # one report in five was sent by all three
    assert told.recall_seconds


async def test_a_stopped_process_that_holds_the_lock_is_a_clear_error_and_passes(
    environment: dict[str, str], home: Path
) -> None:
    impatient = environment | {"STRATEGY_BANK_LOCK_TIMEOUT": "1"}
    server = StdioServerParameters(command=sys.executable, args=["-m", "strategy_bank.server"], env=impatient)
    async with Client(server) as client:
        await report(client)
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(home / "bank.lock")], stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdout
            assert holder.stdout.readline() == "held\n"
            os.kill(holder.pid, signal.SIGSTOP)
            started = time.monotonic()
            told = await refusal(client, "report_outcome", task="another", trajectory="pytest: 1 passed")
            assert 1 <= time.monotonic() - started < 10
            assert "bank.lock" in told
            assert "Try again" in told
            assert (await call(client, "recall_strategies", task=TASK))["strategies"]  # reading needs no lock
            holder.kill()
        assert (await report(client, task="another"))["status"] == "learned"
