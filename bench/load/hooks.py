"""What hooks cost: in a running server, and as a process of their own.

    python -m bench.load.hooks [--size 10000] [--calls 60]

In the server, a call from the client to the answer: an error for the first time, one that came again and for which nothing
fits, the output of a command that failed nowhere, and an agent that stops, with a transcript of a megabyte. As a process:
`strategy-bank hook stop` on the same transcript, beside Python alone.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as a server does, before numpy is imported

import anyio
from mcp import Client

from bench.load.speed import fill
from bench.support.figures import p50_p95, percentile_ms
from bench.support.servers import SERVER, connected, environment
from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.store.location import Location

_PROCESS_RUNS = 11
_BYTES = 1_100_000


def transcript(folder: Path) -> Path:
    """A turn of Claude Code in which commands were run and nothing was reported."""
    file = folder / "projects" / "-srv-shop" / "s-1.jsonl"
    file.parent.mkdir(parents=True)
    records = [{"type": "user", "message": {"role": "user", "content": "Repair the nightly import."}}]
    size = 0
    while size < _BYTES:
        name = f"t{len(records)}"
        call = {"type": "tool_use", "id": name, "name": "Bash", "input": {"command": f"make step_{name}"}}
        output = {"type": "tool_result", "tool_use_id": name, "content": f"built {name}\n" * 60}
        records += [
            {"type": "assistant", "message": {"role": "assistant", "content": [call]}},
            {"type": "user", "message": {"role": "user", "content": [output]}},
        ]
        size += sum(len(json.dumps(record)) for record in records[-2:])
    file.write_text("\n".join(map(json.dumps, records)) + "\n")
    return file


async def in_the_server(home: Path, client_home: Path, calls: int) -> dict[str, list[float]]:
    """Seconds of each call, by what it was."""
    file = str(transcript(client_home))
    errors = [
        f"Error: the {_word(n)} of the printer is stuck and the tray {_word(n + 7)} is empty" for n in range(calls)
    ]
    stop = {"hook": "Stop", "transcript": file, "stop_hook_active": "false"}
    told = environment(home, "speed") | {"CLAUDE_CONFIG_DIR": str(client_home)}
    found: dict[str, list[float]] = {"first": [], "again": [], "harmless": [], "stop": []}
    async with connected(told) as client:
        await client.call_tool("recall_strategies", {"task": "Repair the nightly import."})
        for error in errors:
            failed = {"stuck_on": f"Exit code 1\n{error}", "hook": "PostToolUseFailure"}
            found["first"].append(await _timed(lambda sent=failed: _silent(client, sent)))
            found["again"].append(await _timed(lambda sent=failed: _silent(client, sent)))
            printed = {"stuck_on": "drwxr-xr-x 2 root root 4096 src\n" * 200, "hook": "PostToolUse"}
            found["harmless"].append(await _timed(lambda sent=printed: _silent(client, sent)))
            found["stop"].append(await _timed(lambda: client.call_tool("recall_strategies", stop)))
    return found


def _word(number: int) -> str:
    """Without digits: numbers do not tell two errors apart."""
    return "".join(chr(97 + int(digit)) for digit in f"{number:03}")


async def _silent(client: Client, sent: dict[str, str]) -> None:
    answer = await client.call_tool("recall_strategies", sent)
    if getattr(answer.content[0], "text", "") != "{}":
        sys.exit(f"something was said to {sent}")


async def _timed(call: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await call()
    return time.perf_counter() - started


def as_processes(file: Path) -> dict[str, list[float]]:
    """Seconds of whole processes: the stop hook, and Python that does nothing."""
    event = json.dumps({"transcript_path": str(file)}).encode()
    commands = {"hook": [sys.executable, "-m", SERVER, "hook", "stop"], "python": [sys.executable, "-c", ""]}
    found: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(_PROCESS_RUNS):
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, input=event, capture_output=True, check=True)
            found[name].append(time.perf_counter() - started)
    return found


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=10_000, help="strategies in the bank (default: 10,000)")
    parser.add_argument("--calls", type=int, default=60, help="errors (default: 60)")
    parser.add_argument("--limit", type=float, default=50, help="most ms (p50) where nothing fits (default: 50)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, client_home = Path(folder) / "bank", Path(folder) / "client"
        location = Location(home)
        await fill(location, Embedder(location.models_dir), given.size)
        bank = await Bank.open(location)
        await bank.maintain()
        await bank.close()
        found = await in_the_server(home, client_home, given.calls)
        processes = as_processes(next(client_home.rglob("*.jsonl")))
    print(f"{given.size:,} strategies, {given.calls} calls each through a running server")
    print(f"  an error for the first time              {p50_p95(found['first'])}")
    print(f"  the same again, and nothing fits         {p50_p95(found['again'])}")
    print(f"  6 kB that a command printed, no error    {p50_p95(found['harmless'])}")
    print(f"  the agent stops, transcript of 1 MB      {p50_p95(found['stop'])}")
    print(f"`hook stop` as a process                   {p50_p95(processes['hook'])}")
    print(f"Python alone                               {p50_p95(processes['python'])}")
    return 0 if percentile_ms(found["again"], 0.5) <= given.limit else 1


if __name__ == "__main__":
    sys.exit(anyio.run(main))
