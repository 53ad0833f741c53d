"""Runs commands on a sealed machine and says what they tried: names looked up, bytes sent, files left beside the bank.

    python -m tests.support.processes.sealed FOLDER SECONDS      in a network namespace of its own, as its root

The namespace has loopback, whose port 53 answers no name and notes each question, and where `ip` is installed a network
card whose wire ends nowhere, which everything else is routed to. Prints one JSON object.
"""

import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2

COMMAND = [sys.executable, "-m", "strategy_bank.server"]
CARD = "card0"
SPARE = "lookup.example"
LINES = [
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "sealed", "version": "1"}}},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
        "name": "recall_strategies", "arguments": {"task": "Make the upload test pass"}}},
    {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "report_outcome", "arguments": {
        "task": "Make the upload test pass",
        "trajectory": "$ pytest tests/test_upload.py\n1 passed in 0.1s",
        "judgement": {"reason": "The test passed.", "verdict": "success", "evidence": ["1 passed in 0.1s"], "strategies": [
            {"title": "Run the failing test first", "description": "When a test is reported as failing.",
             "content": "Run it alone before changing anything, since it may fail for another reason."}]}}}},
]  # fmt: skip


def open_loopback() -> None:
    """Switch the loopback interface on, which a new namespace has but leaves off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh", b"lo", 0x1 | 0x40)  # IFF_UP, IFF_RUNNING
        fcntl.ioctl(control, 0x8914, request)  # SIOCSIFFLAGS


def add_card() -> bool:
    """Route everything to a card that goes nowhere but counts. False where `ip` is missing."""
    if not shutil.which("ip"):
        return False
    for words in (
        ["link", "add", CARD, "type", "veth", "peer", "name", "far-end"],
        ["link", "set", CARD, "addrgenmode", "none"],  # so that the kernel says nothing by itself
        ["link", "set", "far-end", "addrgenmode", "none"],
        ["addr", "add", "192.0.2.1/24", "dev", CARD],
        ["link", "set", CARD, "up"],
        ["link", "set", "far-end", "up"],
        ["neigh", "add", "192.0.2.2", "lladdr", "02:00:00:00:00:02", "dev", CARD],
        ["route", "add", "default", "via", "192.0.2.2", "dev", CARD],
    ):
        if subprocess.run(["ip", *words], capture_output=True).returncode:
            return False
    return True


def packets_sent() -> int:
    """Return how many packets left by the card."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, counts = line.partition(":")
        if name.strip() == CARD:
            return int(counts.split()[9])
    return 0


def listen_for_names(asked: list[str]) -> None:
    """Note each name that a resolver asks for, and answer that there is none."""
    resolver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    resolver.bind(("127.0.0.1", 53))

    def answer() -> None:
        while True:
            query, sender = resolver.recvfrom(4096)
            asked.append(_name_in(query))
            resolver.sendto(query[:2] + b"\x81\x83" + query[4:6] + b"\0\0\0\0\0\0" + query[12:], sender)

    threading.Thread(target=answer, daemon=True).start()


def _name_in(query: bytes) -> str:
    labels, at = [], 12
    while size := query[at]:
        labels.append(query[at + 1 : at + 1 + size].decode("ascii", "replace"))
        at += size + 1
    return ".".join(labels)


def serve(environment: dict[str, str], seconds: float, meanwhile: Callable[[str, str], None]) -> list[dict[str, Any]]:
    """Start a server, recall, report, leave it running for so long at least, and return its answers.

    Meanwhile something is done with the ids of the strategy and the episode that it stored.
    """
    server = subprocess.Popen([*COMMAND, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    begun = time.monotonic()
    assert server.stdin
    assert server.stdout
    answers: list[dict[str, Any]] = []
    for line in LINES:
        server.stdin.write(json.dumps(line).encode() + b"\n")
        server.stdin.flush()
        if "id" in line:
            answers.append(json.loads(server.stdout.readline()))
    told = answers[-1]["result"]["structuredContent"]
    meanwhile(told["strategies"][0]["id"], told["episode_id"])
    time.sleep(max(0, begun + seconds - time.monotonic()))
    server.stdin.close()
    server.wait(60)
    return answers


def main(folder: Path, seconds: float) -> dict[str, Any]:
    """Run the server and, most of them while it runs, each command with a home of its own. Return what was seen."""
    asked: list[str] = []
    open_loopback()
    carded = add_card()
    resolv = folder / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", str(resolv), "/etc/resolv.conf"], check=True)
    listen_for_names(asked)
    before = _provoke(asked)
    provoked = packets_sent()
    user, work, temporary = (folder / name for name in ("user", "work", "tmp"))
    for each in (user, work, temporary):
        each.mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("STRATEGY_BANK_", "XDG_"))}
    environment |= {
        "HOME": str(user),
        "TMPDIR": str(temporary),
        "STRATEGY_BANK_SCOPE": "sealed",
        "EDITOR": "sed -i s/alone/apart/",
    }
    _write_transcript(user)
    failed, ran = dict[str, str](), {"serve"}

    def run(commands: Iterable[list[str]]) -> None:
        for words in commands:
            ran.add(words[0])
            if problem := _run(words, environment, work):
                failed[" ".join(words)] = problem

    def at_once(*rows: list[list[str]]) -> None:
        with ThreadPoolExecutor() as threads:
            list(threads.map(run, rows))

    answers = serve(
        environment,
        seconds,
        lambda strategy, episode: at_once(_reading(episode), _changing(folder, strategy)),
    )
    episode = answers[-1]["result"]["structuredContent"]["episode_id"]
    # a restore takes the bank away from those who read it
    at_once([["restore", str(folder / "bank.zip"), "--yes"], ["forget", episode, "--yes"]], _BESIDE)
    if problem := _serve_over_http(environment, work):
        failed["serve --http"] = problem
    if problem := _open_page(environment, work):
        failed["page"] = problem
    ran.add("page")
    files = [path for place in (user, work, temporary) for path in place.rglob("*") if not path.is_dir()]
    return {
        "trap": before,
        "carded": carded,
        "answers": answers,
        "failed": failed,
        "ran": sorted(ran),
        "names": asked[len(before) :],
        "provoked": provoked,
        "packets": packets_sent() - provoked,
        "files": sorted(path.relative_to(folder).as_posix() for path in files),
    }


def _provoke(asked: list[str]) -> list[str]:
    """Ask for a name and send one packet, so that a trap that catches nothing is told from a quiet program."""
    with suppress(OSError):
        socket.getaddrinfo(SPARE, 443)
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outward:
        outward.sendto(b"x", ("198.51.100.7", 9))
    return list(asked)


# All commands together are every command but `serve`, each with arguments with which it does its work. Rows run side by side.
_BESIDE = [
    ["--version"],
    ["models", "list"],
    ["config"],
    ["connect"],
    ["connect", "cursor", "--print"],
    ["demo"],
]
"""Commands that need no bank or make one of their own."""


def _reading(episode: str) -> list[list[str]]:
    """Return the commands that read the bank."""
    return [
        ["show", episode],
        ["doctor"],
        ["recall", "Make the upload test pass"],
        ["list"],
        ["stats"],
        ["value"],
        ["scopes"],
        ["review"],
        ["consolidate", "--dry-run"],
        ["hook", "stop"],
    ]


def _changing(folder: Path, strategy: str) -> list[list[str]]:
    """Return the commands that write, in an order in which each finds what it needs."""
    return [
        ["learn", "claude-code"],
        ["add", "--title", "Ask first", "--description", "When it matters.", "--content", "Ask the user."],
        ["edit", strategy],
        ["revert", strategy],
        ["retire", strategy],
        ["reinstate", strategy],
        ["undo", strategy],
        ["undo", strategy],
        ["export", str(folder / "bank.jsonl")],
        ["import", str(folder / "bank.jsonl")],
        ["backup", str(folder / "bank.zip")],
        ["move", strategy, "global"],
        ["distill", "--limit", "1"],
    ]


def _run(words: list[str], environment: dict[str, str], work: Path) -> str:
    """Run one command to its end. Return the end of what it complained of; nothing where it succeeded."""
    done = subprocess.run(
        [*COMMAND, *words], env=environment, cwd=work, input="", capture_output=True, text=True, timeout=120
    )
    return (done.stderr[-400:] or f"exit {done.returncode}") if done.returncode else ""


def _write_transcript(user: Path) -> None:
    """Write an earlier session of Claude Code for `learn`."""
    folder = user / ".claude" / "projects" / "work"
    folder.mkdir(parents=True)
    said = {"type": "user", "cwd": "/gone/work", "message": {"role": "user", "content": "Say what is in the folder."}}
    (folder / "session.jsonl").write_text(json.dumps(said) + "\n")


def _serve_over_http(environment: dict[str, str], work: Path) -> str:
    """Start the server over HTTP, and end it once it listens. Return what it said instead of listening."""
    with _listening(["serve", "--http", "--port", "0"], environment, work) as (said, _):
        return "" if "Listening at" in said else said


def _open_page(environment: dict[str, str], work: Path) -> str:
    """Open the page, sign in, and look at some of it. Return what went wrong."""
    with _listening(["page", "--no-browser", "--port", "0"], environment, work) as (said, link):
        address, _, code = link.strip().partition("/sign-in#")
        with httpx2.Client(base_url=address, headers={"Origin": address}, timeout=60) as browser:
            answers = [
                browser.post("/sign-in", data={"code": code}),
                *map(browser.get, ("/", "/lessons?q=ask", "/value")),
            ]
        return "" if [answer.status_code for answer in answers] == [303, 200, 200, 200] else f"{said} {answers}"


@contextmanager
def _listening(words: list[str], environment: dict[str, str], work: Path) -> Iterator[tuple[str, str]]:
    """Start a command that listens and end it at last. Yield the line that says so, or the last one, and what it printed."""
    server = subprocess.Popen(
        [*COMMAND, *words], env=environment, cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert server.stdout
    assert server.stderr
    with server:
        said = next((line for line in server.stderr if "Listening at" in line), "it never listened")
        yield said, server.stdout.readline() if words[0] == "page" else ""
        server.terminate()
        server.wait(30)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), float(sys.argv[2]))))
