"""How soon the server answers: CPU and wall time from process start to the first answer, against a one-tool server.

    python -m bench.load.startup [--runs 11] [--limit 1.25]

Two first requests: `initialize` (2025-06-18) and `tools/list` of the 2026-07-28 protocol, which needs none. Both servers in
turn, each run a new process. Exit code 1 where the CPU median is above the limit times that of the one-tool server.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from statistics import median
from typing import NamedTuple

from bench.load import one_tool
from bench.support.processes import CPU_METHOD, end_and_read_cpu
from bench.support.servers import environment

PROJECT = "strategy_bank.server"
ONE_TOOL = "one-tool MCPServer"
SERVERS = {
    ONE_TOOL: [sys.executable, one_tool.__file__],
    PROJECT: [sys.executable, "-m", "strategy_bank.server", "serve"],
}
_CLIENT = {"name": "startup-bench", "version": "1"}
_META = "io.modelcontextprotocol/"
FIRST_REQUESTS = {
    "initialize (2025-06-18)": {
        "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": _CLIENT},
    },
    "tools/list (2026-07-28)": {
        "method": "tools/list",
        "params": {
            "_meta": {
                f"{_META}protocolVersion": "2026-07-28",
                f"{_META}clientInfo": _CLIENT,
                f"{_META}clientCapabilities": {},
            }
        },
    },
}


class Start(NamedTuple):
    """Seconds of one start."""

    cpu: float
    wall: float


def start(command: list[str], request: bytes, environment: dict[str, str], folder: str) -> Start:
    """Start the server, ask, wait for the answer, end it."""
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, cwd=folder
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(request)
        process.stdin.flush()
        answer = process.stdout.readline()
        wall = time.perf_counter() - began
        cpu = end_and_read_cpu(process)
    if b'"result"' not in answer:
        sys.exit(f"{' '.join(command)} did not answer as it should: {answer[:300]!r}")
    return Start(cpu, wall)


def compare(request: dict[str, object], runs: int) -> dict[str, list[Start]]:
    """Both servers in turn; one start of each for warming up is not counted."""
    line = json.dumps({"jsonrpc": "2.0", "id": 1, **request}).encode() + b"\n"
    starts: dict[str, list[Start]] = {name: [] for name in SERVERS}
    with tempfile.TemporaryDirectory() as folder:
        settings = environment(f"{folder}/home")
        for _ in range(runs + 1):
            for name, command in SERVERS.items():
                starts[name].append(start(command, line, settings, folder))
    return {name: all_of_them[1:] for name, all_of_them in starts.items()}


def show(title: str, starts: dict[str, list[Start]]) -> float:
    """Print the table of one first request; the ratio of the CPU medians."""
    print(f"\n{title}\n  {'':22}{'CPU min':>9}{'median':>9}{'wall min':>11}{'median':>9}   (ms)")
    medians: dict[str, Start] = {}
    for name, measured in starts.items():
        least, medians[name] = (Start(*map(of, zip(*measured, strict=True))) for of in (min, median))
        times = (least.cpu, medians[name].cpu, least.wall, medians[name].wall)
        print(f"  {name:22}" + "".join(f"{1000 * t:{w}.0f}" for t, w in zip(times, (9, 9, 11, 9), strict=True)))
    cpu, wall = (ours / theirs for ours, theirs in zip(medians[PROJECT], medians[ONE_TOOL], strict=True))
    print(f"  {'ratio of medians':22}{'':9}{cpu:9.2f}{'':11}{wall:9.2f}")
    return cpu


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=11, help="starts of each server (default: 11)")
    arguments.add_argument("--limit", type=float, default=1.25, help="highest ratio of CPU medians (default: 1.25)")
    options = arguments.parse_args()
    print(f"Start of a server, {options.runs} runs each in turn after one to warm up")
    print(f"Python {platform.python_version()}, mcp {version('mcp')}, {os.cpu_count()} cores, {platform.platform()}")
    print(f"CPU: {CPU_METHOD}")
    ratios = [show(title, compare(request, options.runs)) for title, request in FIRST_REQUESTS.items()]
    kept = max(ratios) <= options.limit
    print(f"\nCPU ratio at most {options.limit}: {'yes' if kept else 'NO'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
