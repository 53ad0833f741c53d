"""How long compaction keeps writers waiting, while another process grows the bank and compacts it.

    python -m bench.load.compaction [--sizes 1000 10000] [--rounds 8]

A child process breaks the bank into pieces and lets them be compacted, as a server does after its calls; meanwhile this one
takes the write lock every few milliseconds, as a report would, and notes how long that took. "Joining" writes the rows of small
pieces only, as in large banks. With "beside changes" it also changes one of the strategies that the child has changed, whenever
it has the lock, which may undo compaction; then the pieces are joined instead.
"""

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import anyio

from bench.load.speed import fill
from bench.support.figures import percentile_ms
from bench.support.places import ROOT
from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.store.location import Location
from strategy_bank.store.maintenance import upkeep
from strategy_bank.store.maintenance.upkeep import COMPACT_AT
from strategy_bank.store.records import Strategy

PAUSE_S = 0.005
HOW = {"joining": 1.0, "compaction": 0.0, "beside changes": 0.0}
"""What `upkeep.STALE` is set to."""


async def grow_and_compact(location: Location, rounds: int, how: str) -> None:
    """Prints when each compaction began and ended, on the clock that all processes share."""
    bank = await Bank.open(location)
    await bank.maintain()
    upkeep.STALE, upkeep.PUT_OFF = HOW[how], 0
    ids = [row["id"] for row in (await bank.cells(Strategy, []))[:COMPACT_AT]]
    for _ in range(rounds):
        for id in ids:
            await bank.atomically(lambda id=id: change(bank, id))
        began = time.monotonic()
        await bank.maintain()
        undone = bank._upkeep._put_off_until["strategies"] >= began
        print(began, time.monotonic(), int(undone), flush=True)
    await bank.close()


async def change(bank: Bank, id: str) -> None:
    """The caller holds the write lock."""
    await bank.amend([await bank.get(Strategy, id)])


async def waits(location: Location, rounds: int, how: str) -> tuple[list[float], list[float], int]:
    """(seconds of each round of upkeep, seconds that the lock took to get meanwhile, rounds in which compaction was undone)."""
    bank = await Bank.open(location)
    ids = itertools.cycle(row["id"] for row in (await bank.cells(Strategy, []))[:COMPACT_AT])
    command = [sys.executable, "-m", "bench.load.compaction", "child", str(location.home), str(rounds), how]
    taken: list[tuple[float, float]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:  # noqa: ASYNC220 nothing else waits here
        while child.poll() is None:
            asked = time.monotonic()
            async with bank.lock.hold():
                taken.append((asked, time.monotonic() - asked))
                if how == "beside changes":
                    await change(bank, next(ids))
            await anyio.sleep(PAUSE_S)
        assert child.stdout
        spans = [tuple(map(float, line.split())) for line in child.stdout.read().splitlines()]
    await bank.close()
    during = [
        min(asked + wait, ended) - max(asked, began)  # the child's writes before keep a writer waiting too
        for asked, wait in taken
        for began, ended, _ in spans
        if asked <= ended and asked + wait >= began
    ]
    return [ended - began for began, ended, _ in spans], during, sum(int(undone) for *_, undone in spans)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--rounds", type=int, default=8)
    given = parser.parse_args()
    print("strategies | upkeep | compaction undone | takes p50, max ms | a writer waits meanwhile p50, p95, max ms")
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as home:
            location = Location(Path(home))
            await fill(location, Embedder(location.models_dir), size)
            for how in HOW:
                took, waited, undone = await waits(location, given.rounds, how)
                print(
                    f"{size:>9,} | {how} | {undone} of {len(took)} | {percentile_ms(took, 0.5):.0f}, {max(took) * 1e3:.0f} | "
                    f"{percentile_ms(waited, 0.5):.1f}, {percentile_ms(waited, 0.95):.1f}, {max(waited) * 1e3:.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        anyio.run(grow_and_compact, Location(Path(sys.argv[2])), int(sys.argv[3]), sys.argv[4])
    else:
        anyio.run(main)
