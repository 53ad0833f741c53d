"""Does the bank get slower with use, and how much of the disk does it take?

    python -m bench.load.growth [--timed 2000] [--stored 10000]

Speed: reports with judgement to one real server over stdio, the median around the 50th against that of the last hundred.
Disk: reports in this process, the way a server makes them and with its upkeep, against a bank that holds the same rows,
written in one batch (a backup that is restored elsewhere). Old versions of a table are kept for some minutes, for readers that
are still on them; the disk is counted with them, and again without, as when that time has passed.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio

from bench.support.figures import percentile_ms, show_problems
from bench.support.lessons import report
from bench.support.processes import disk_mb
from bench.support.servers import connected, environment
from strategy_bank.store.bank import Bank
from strategy_bank.store.lance import table
from strategy_bank.store.location import Location
from strategy_bank.store.records import Strategy
from strategy_bank.store.transfer.archive import check_backup
from strategy_bank.store.transfer.backup import write_backup
from strategy_bank.store.transfer.restore import restore_backup
from strategy_bank.tools.episodes.record import Report
from strategy_bank.tools.judging.judge import AgentJudge
from strategy_bank.tools.judging.judgement import Judgement
from strategy_bank.tools.report_outcome import report_outcome
from strategy_bank.tools.scopes.registry import Scope

SCOPE = "growth"
AROUND = 50
"""Reports on either side of the 50th that are timed, and so many at the end."""
_WHERE = [
    "in the nightly run", "on the oldest phone", "behind a proxy", "for guests", "after midnight", "in the second tenant",
    "on a full disk", "with a slow network", "during the holidays", "for blind users", "in the staging cluster", "in German",
    "for one customer only", "on a Mac", "inside the container", "while a backup runs", "with two screens", "at month's end",
    "for huge orders", "without JavaScript",
]  # fmt: skip
"""With the 200 lessons these make 4,000, most of them too different to be merged."""


@dataclass
class Timed:
    seconds: list[float] = field(default_factory=list[float])
    problems: list[str] = field(default_factory=list[str])

    @property
    def half(self) -> int:
        """Reports on either side that go into a median: fewer of a short run, so that two medians do not share any."""
        return min(AROUND, len(self.seconds) // 8)

    def around(self, number: int) -> float:
        """Median in ms of the reports around this one."""
        return percentile_ms(self.seconds[number - self.half : number + self.half], 0.5)

    @property
    def ratio(self) -> float:
        return self.around(len(self.seconds) - self.half) / self.around(min(50, len(self.seconds) // 4))


@dataclass
class Stored:
    """Megabytes."""

    strategies: int
    with_old_versions: float
    without: float
    in_one_batch: float

    @property
    def ratio(self) -> float:
        return self.without / self.in_one_batch


def different_report(number: int) -> dict[str, Any]:
    """One attempt of its own for each number; its lesson is one of 4,000."""
    arguments = report(number % 200)
    where = _WHERE[number // 200 % len(_WHERE)]
    taught = arguments["judgement"]["strategies"][0]
    for name in ("title", "description"):
        taught[name] = f"{taught[name].removesuffix('.')}, {where}"
    taught["content"] += f" Try it {where} before you call it done."
    return arguments | {
        "task": f"{taught['title']}: repair it.",
        "trajectory": f"attempt {number}\n" + arguments["trajectory"],
    }


async def timed(settings: Mapping[str, str], reports: int) -> Timed:
    """To one server, one after the other."""
    told = Timed()
    async with connected(settings) as client:
        for number in range(reports):
            started = time.perf_counter()
            result = await client.call_tool("report_outcome", different_report(number))
            told.seconds.append(time.perf_counter() - started)
            if result.is_error:
                told.problems.append(f"report {number}: {getattr(result.content[0], 'text', '?')[:200]}")
    return told


async def stored(folder: Path, reports: int) -> Stored:
    """Make the reports, then write what they left into a second bank in one batch."""
    location = Location(folder / "grown")
    bank = await Bank.open(location)
    for number in range(reports):
        arguments = different_report(number)
        judgement = Judgement.model_validate(arguments.pop("judgement"))
        await report_outcome(bank, AgentJudge(), Report(scope=Scope(SCOPE), judgement=judgement, **arguments))
        await bank.maintain()
    with_old_versions = disk_mb(folder / "grown" / "bank.lance")
    await _let_time_pass(location)
    with (folder / "backup.zip").open("wb") as file:
        await write_backup(bank, file)
    strategies = await bank.count(Strategy)
    await bank.close()
    await restore_backup(check_backup(folder / "backup.zip", folder), Location(folder / "batch"))
    without, batch = (disk_mb(folder / name / "bank.lance") for name in ("grown", "batch"))
    return Stored(strategies, with_old_versions, without, batch)


async def _let_time_pass(location: Location) -> None:
    """What the next compaction does when old versions have been kept for long enough; nobody reads them here."""
    kept, table.KEEP_OLD_VERSIONS = table.KEEP_OLD_VERSIONS, timedelta(milliseconds=1)
    try:
        connection = await table.Connection.open(location)
        for name in ("strategies", "episodes", "runs", "recalls", "meta"):
            await (await connection.table(name)).files.compact()
        connection.close()
    finally:
        table.KEEP_OLD_VERSIONS = kept


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timed", type=int, default=2000)
    parser.add_argument("--stored", type=int, default=10_000)
    given = parser.parse_args()
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as home:
        if given.timed:
            speed = await timed(environment(home, SCOPE), given.timed)
            problems = speed.problems
            print(f"report_outcome: p50 around the 50th {speed.around(50):.0f} ms, the last {2 * AROUND} of {given.timed} "
                  f"{speed.around(given.timed - AROUND):.0f} ms: {speed.ratio:.2f}×")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        if given.stored:
            disk = await stored(Path(folder), given.stored)
            minutes = table.KEEP_OLD_VERSIONS.total_seconds() / 60
            print(f"{given.stored} reports, {disk.strategies} strategies: {disk.without:.1f} MB on disk, written in one batch "
                  f"{disk.in_one_batch:.1f} MB: {disk.ratio:.2f}×; with the versions of the last {minutes:.0f} minutes "
                  f"{disk.with_old_versions:.0f} MB")  # fmt: skip
    show_problems(problems)
    return bool(problems)


if __name__ == "__main__":
    sys.exit(anyio.run(main))
