"""The process that holds an episode for `bench.agents.play`: one JSON line asks, one answers, over a port of this machine."""

import json
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import SocketStream, TaskStatus
from anyio.streams.buffered import BufferedByteReceiveStream

from bench.agents.episode import Arm, Episode, Refused, Visit, open_episode
from bench.agents.guide import page
from bench.agents.plan import load_plan
from bench.agents.play import ROOT, SOCKET
from bench.agents.world import ScienceWorld, World, WorldMissing

IDLE_SECONDS = 20 * 60
MOST_BYTES = 1_000_000


def hold(folder: Path, arm: Arm, task: str, number: int, bank: str | None) -> int:
    """Hold the episode until it ends; what went wrong stands in the process's log."""
    try:
        variation = load_plan().variation(task, number)
        visit = Visit(arm, task, variation, number, Path(bank) if bank else None)
        anyio.run(hold_episode, folder, visit, ScienceWorld)
    except (WorldMissing, LookupError) as exc:
        print(exc, file=sys.stderr)
        return 2
    return 0


async def hold_episode(
    folder: Path,
    visit: Visit,
    world: Callable[[str, int], World],
    *,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Write what the agent reads, then answer at a port that stands in a file, until the episode has ended."""
    async with open_episode(visit, folder, world) as episode:
        _write_page(folder, episode)
        holder = Holder(episode)
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, holder.answer)
            port = listener.extra(anyio.abc.SocketAttribute.local_port)
            # renamed into place: whoever waits for the file finds it whole
            (folder / "port.new").write_text(str(port))
            (folder / "port.new").rename(folder / SOCKET)
            task_status.started()
            await holder.ended()
            tasks.cancel_scope.cancel()
        if not episode.ended:  # an agent that stops without a word has given up
            episode.give_up("idle")
            episode.end()
    (folder / SOCKET).unlink()


def _write_page(folder: Path, episode: Episode) -> None:
    script = folder / "play"
    run = f'cd {shlex.quote(str(ROOT))}\nexec {shlex.quote(sys.executable)} -m bench.agents.play "$command" '
    script.write_text(f'#!/bin/sh\ncommand=$1\nshift\n{run}{shlex.quote(str(folder))} "$@"\n')
    script.chmod(0o755)
    text = page(episode, str(script))
    (folder / "AGENT.md").write_text(text, "utf-8")
    episode.shown(text)


class Holder:
    """Answers requests one after the other."""

    def __init__(self, episode: Episode) -> None:
        self._episode = episode
        self._one = anyio.Lock()
        self._asked = time.monotonic()
        self._end = anyio.Event()

    async def ended(self) -> None:
        """Wait for `end`, or until nobody has asked anything for long."""
        while not self._end.is_set() and time.monotonic() - self._asked < IDLE_SECONDS:
            with anyio.move_on_after(5):
                await self._end.wait()

    async def answer(self, stream: SocketStream) -> None:
        async with stream, self._one:
            self._asked = time.monotonic()
            line = await BufferedByteReceiveStream(stream).receive_until(b"\n", MOST_BYTES)
            refused = False
            try:
                text = await self.do(json.loads(line))
            except Refused as exc:
                text, refused = str(exc), True
            await stream.send(json.dumps({"text": text, "refused": refused}).encode() + b"\n")
        if self._episode.ended:
            self._end.set()

    async def do(self, request: dict[str, Any]) -> str:
        """Do one request; return what is to be read. Raises Refused."""
        if request["do"] == "act":
            return await self._episode.act(request["actions"])
        if request["do"] == "tool":
            return await self._episode.tool(request["name"], request["arguments"])
        told = self._episode.give_up()
        if request["do"] == "end":
            if self._episode.report_is_due:
                raise Refused(told)
            self._episode.end()
            return "Ended."
        return told
