"""A file's time proves nothing: where files look older than they are, no file of a write in progress is swept away."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio
import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.location import Location
from strategy_bank.store.maintenance import upkeep
from strategy_bank.store.records import Episode
from tests.support.records import lesson, put

pytestmark = pytest.mark.anyio
DAY_S = 86_400
WRITER = """
import sys
from pathlib import Path
import anyio
from strategy_bank.store.bank import Bank
from strategy_bank.store.location import Location
from strategy_bank.store.records import Episode

async def write():
    bank = await Bank.open(Location(Path(sys.argv[1])))
    for number in range(100):
        episode = Episode(id=f"ep_{number}", scope="s", task="t", trajectory="x " * 50_000, steps=1)
        await bank.atomically(lambda: bank.add(episode))
        print(episode.id, flush=True)
    await bank.close()

anyio.run(write)
"""


def set_back(folder: Path, days: float) -> None:
    then = time.time() - days * DAY_S
    for file in folder.rglob("*"):
        with suppress(OSError):  # it was deleted a moment ago
            os.utime(file, (then, then))


@contextmanager
def always_set_back(folder: Path, days: float) -> Generator[None]:
    """Make every file in a folder look days old as soon as it is there, as a share with a slow clock does."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            set_back(folder, days)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.slow
async def test_no_acknowledged_report_is_lost_where_files_look_nine_days_old(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"COMPACT_AT": 3, "GATHER_AT": 3, "STALE": 0.0, "PUT_OFF": 0}.items():
        monkeypatch.setattr(upkeep, name, value)
    bank, compacted = await Bank.open(Location(home)), 0
    command = [sys.executable, "-c", WRITER, str(home)]
    with (
        always_set_back(home / "bank.lance", 9),
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer,
    ):
        while writer.poll() is None:
            compacted += await bank.maintain()
            await anyio.sleep(0.01)
        assert writer.stdout
        acknowledged = writer.stdout.read().split()
    assert compacted
    assert len(acknowledged) == 100
    assert {each.id for each in await bank.all(Episode)} == set(acknowledged)
    await bank.close()


async def test_writers_wait_for_compaction_only_where_files_look_old(home: Path) -> None:
    bank = await Bank.open(Location(home))
    await put(bank, lesson(1))
    files = bank.tables["strategies"].files
    set_back(home, 0.1)
    assert not await files.looks_old()
    set_back(home, 9)
    assert await files.looks_old()
    await bank.close()
