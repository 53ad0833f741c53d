"""Thousands of mixed calls to one server process: do memory, open files or threads grow?

python -m bench.load.soak [--calls 5000]
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from bench.support.figures import percentile_ms, show_problems
from bench.support.lessons import lesson, report
from bench.support.processes import child_running, disk_mb, resident_mb
from bench.support.servers import SERVER, connected, environment


@dataclass
class Look:
    """What the operating system said after so many calls; None where it does not tell."""

    calls: int
    resident_mb: float | None
    files: int
    threads: int


@dataclass
class Soak:
    looks: list[Look] = field(default_factory=list[Look])
    report_seconds: list[float] = field(default_factory=list[float])
    problems: list[str] = field(default_factory=list[str])

    def grown(self, since: int) -> float:
        """Resident memory at the end over that after `since` calls, the higher of the looks around each."""
        first = [look.resident_mb or 1 for look in self.looks if since <= look.calls <= 2 * since]
        last = [look.resident_mb or 1 for look in self.looks[-len(first) :]]
        return max(last) / max(first)


async def soak(settings: Mapping[str, str], calls: int, every: int) -> Soak:
    """Eight recalls to one report and, now and then, a run of two attempts."""
    told = Soak()
    async with connected(settings) as client:

        async def call(tool: str, arguments: Mapping[str, object]) -> dict[str, object]:
            result = await client.call_tool(tool, dict(arguments))
            if result.is_error or result.structured_content is None:
                told.problems.append(f"{tool}: {getattr(result.content[0], 'text', '?')[:200]}")
            return result.structured_content or {}

        for number in range(calls):
            if number % 100 == 99:
                await call("scale_attempts", {"task": f"attempt {number}", "attempts": 2})
            elif number % 9 == 0:
                started = time.monotonic()
                await call("report_outcome", report(number % 190, trajectory=f"{number}\n14 passed in 2.31s"))
                told.report_seconds.append(time.monotonic() - started)
            else:
                await call("recall_strategies", {"task": f"{lesson(number * 7 % 200)['title']}; what now?"})
            if number % every == every - 1:
                told.looks.append(_look(number + 1))
    return told


def _look(calls: int) -> Look:
    process = child_running(SERVER)
    files = len(list(Path(f"/proc/{process}/fd").glob("*")))
    threads = len(list(Path(f"/proc/{process}/task").glob("*")))
    return Look(calls, resident_mb(process), files, threads)


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=5000)
    calls: int = parser.parse_args().calls
    with tempfile.TemporaryDirectory() as home:
        told = await soak(environment(home, "soak"), calls, max(1, calls // 20))
        disk = disk_mb(Path(home) / "bank.lance")
    for look in told.looks:
        print(
            f"after {look.calls:>5} calls: {look.resident_mb or 0:.0f} MB, {look.files} files, {look.threads} threads"
        )
    reports, tenth = told.report_seconds, max(1, len(told.report_seconds) // 10)
    first, last = (percentile_ms(part, 0.5) for part in (reports[tenth : 2 * tenth], reports[-tenth:]))
    print(f"memory at the end / after 500 calls {told.grown(500):.2f}; report p50 {first:.0f} → {last:.0f} ms over "
          f"{len(reports)} reports ({last / first:.2f}×); disk {disk:.0f} MB; problems {len(told.problems)}")  # fmt: skip
    show_problems(told.problems)
    return bool(told.problems)


if __name__ == "__main__":
    sys.exit(anyio.run(main))
