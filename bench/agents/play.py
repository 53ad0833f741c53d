"""One episode played from a shell: each command is quick, a process of its own holds the world and the memory.

    python -m bench.agents.play start FOLDER --arm bank --task boil --visit 1 --bank DIR
    FOLDER/play act "open door to kitchen"     FOLDER/play tool recall_strategies '{"task": "…"}'     FOLDER/play end

`start` writes FOLDER/AGENT.md, which tells an agent everything, and the command FOLDER/play. The process ends with `end`, or
after 20 minutes in which nobody asked anything.
"""

import argparse
import json
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STARTS_WITHIN = 90
SOCKET, LOG = "port", "process.log"
Request = dict[str, Any]


def ask(folder: Path, request: Request) -> dict[str, Any]:
    """Send one request to the episode's process; return {text, refused}. Raises OSError where it has ended."""
    port = int((folder / SOCKET).read_text())
    with socket.create_connection(("127.0.0.1", port), timeout=120) as link, link.makefile("rw") as stream:
        stream.write(json.dumps(request) + "\n")
        stream.flush()
        return json.loads(stream.readline())


def start(folder: Path, visit: Sequence[str]) -> int:
    """Start the episode's process and wait until it listens."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "record.jsonl").exists():
        print(f"An episode was played in {folder} already; take another folder.", file=sys.stderr)
        return 2
    with (folder / LOG).open("w") as log:
        command = [sys.executable, "-m", "bench.agents.play", "hold", str(folder), *visit]
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    until = time.monotonic() + STARTS_WITHIN
    while not (folder / SOCKET).exists():
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            print((folder / LOG).read_text()[-2000:] or "The episode did not start.", file=sys.stderr)
            return 1
        time.sleep(0.05)
    print(f"The agent reads {folder / 'AGENT.md'}")
    return 0


def _request(options: argparse.Namespace) -> Request:
    if options.command == "act":
        return {"do": "act", "actions": options.actions}
    if options.command == "tool":
        text = sys.stdin.read() if options.arguments == "-" else options.arguments
        arguments = json.loads(text or "{}")
        if not isinstance(arguments, dict):
            raise ValueError("an object is needed: {…}")
        return {"do": "tool", "name": options.name, "arguments": arguments}
    return {"do": options.command}


def _play(options: argparse.Namespace) -> int:
    try:
        request = _request(options)
    except ValueError as exc:
        print(f"The arguments are not a JSON object: {exc}", file=sys.stderr)
        return 2
    try:
        answer = ask(options.folder, request)
    except OSError:
        print("This episode has ended, or was never started.", file=sys.stderr)
        return 1
    print(answer["text"])
    return 1 if answer["refused"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, does: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=does)
        added.add_argument("folder", type=lambda text: Path(text).resolve())
        return added

    for name, does in (("start", "start an episode"), ("hold", "its process; `start` starts it")):
        begins = command(name, does)
        begins.add_argument("--arm", required=True, choices=("none", "bank", "no-failures", "raw"))
        begins.add_argument("--task", required=True, help="name of the task type, as in plan.json")
        begins.add_argument("--visit", type=int, required=True, help="which of the chain's visits, from 1 on")
        begins.add_argument("--bank", type=lambda text: str(Path(text).resolve()), help="folder of the memory")
    command("act", "act in the world").add_argument("actions", nargs="+")
    tool = command("tool", "call a tool of the server")
    tool.add_argument("name")
    tool.add_argument("arguments", help="a JSON object, or - to read it from standard input")
    command("give-up", "end the acting")
    command("end", "end the episode")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.command not in ("start", "hold"):
        return _play(options)
    if options.arm != "none" and not options.bank:
        print("This arm needs --bank, the folder of its memory of this task type.", file=sys.stderr)
        return 2
    if options.command == "start":
        given = ["--arm", options.arm, "--task", options.task, "--visit", str(options.visit)]
        return start(options.folder, [*given, *(["--bank", options.bank] if options.bank else [])])
    from bench.agents.holder import hold  # imports a client and a world, which the quick commands do not need

    return hold(options.folder, options.arm, options.task, options.visit, options.bank)


if __name__ == "__main__":
    sys.exit(main())
