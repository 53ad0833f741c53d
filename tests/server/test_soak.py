"""Many calls to one server process: open files and threads do not grow, memory hardly does."""

import sys
from pathlib import Path

import pytest

from bench.load.soak import soak
from bench.support.lessons import lesson
from strategy_bank.server.settings import Settings
from strategy_bank.store import bank as banks
from strategy_bank.store.bank import Bank
from strategy_bank.store.maintenance import upkeep
from strategy_bank.store.records import Strategy

pytestmark = [
    pytest.mark.slow,
    pytest.mark.anyio,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts files and threads in /proc"),
]


async def test_four_hundred_mixed_calls_leave_nothing_behind(environment: dict[str, str]) -> None:
    told = await soak(environment, calls=400, every=25)
    assert told.problems == []
    assert max(look.threads for look in told.looks) < 60  # pools fill up to their bounds
    assert max(look.files for look in told.looks[-4:]) <= max(look.files for look in told.looks[:4]) + 5
    assert told.grown(100) < 1.2


async def test_indexes_of_the_past_are_let_go(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COMPACT_AT": 1, "GATHER_AT": 1, "STALE": 0.0}.items():
        monkeypatch.setattr(upkeep, name, value)
    monkeypatch.setattr(banks, "REOPENED_EVERY", 4)
    bank = await Bank.open(settings.location)
    opened: list[int] = []
    for number in range(100):
        strategy = Strategy(id=f"st_{number}", outcome="success", **lesson(number))
        async with bank.lock.hold():
            await bank.add_strategies(await bank.embed([strategy]))
        assert strategy.id in [hit.id for hit in await bank.search(strategy.title, ["global"], 10)]
        await bank.maintain()
        opened.append(sum("_indices" in _target(file) for file in Path("/proc/self/fd").iterdir()))
    await bank.close()
    assert 0 < max(opened) <= 9


def _target(file: Path) -> str:
    try:
        return str(file.readlink())
    except OSError:  # closed meanwhile
        return ""
