"""Long work that the page starts, such as an import: how far it is, and what came of it.

Work belongs to this process. It goes on when its page is closed, and ends with the server. What it makes for download lies in a
scratch folder, which goes with it: a copy in the bank's home would keep what somebody forgets later.
"""

import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint

from strategy_bank.server.unexpected import in_words
from strategy_bank.store.errors import InvalidInput, NotFound, StrategyBankError

State = Literal["running", "done", "failed", "cancelled"]
Tone = Literal["", "good", "warn", "bad"]
_KEPT, _FILES_KEPT_S = 50, 3600.0  # works that are remembered, and seconds that their files are
_TOLD_EVERY_S = 0.3


@dataclass(frozen=True)
class Line:
    """Something that the work found, in words. Ids in `about` lead to records."""

    text: str
    tone: Tone = ""
    title: str = ""
    about: tuple[str, ...] = ()


@dataclass
class Job:
    """One piece of long work. `may_stop`: stopping it in the middle leaves the bank in order."""

    title: str
    may_stop: bool
    id: str = field(default_factory=lambda: f"work_{secrets.token_hex(8)}")
    state: State = "running"
    done: int = 0
    total: int = 0
    lines: list[Line] = field(default_factory=list[Line])
    file: Path | None = None  # for download, as `file_name`
    file_name: str = ""
    back: str = "/bank"
    _version: int = 0
    _changed: anyio.Event = field(default_factory=anyio.Event)
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    def progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        self._tell()

    def tell(self, text: str, tone: Tone = "", title: str = "", about: tuple[str, ...] = ()) -> None:
        self.lines.append(Line(text, tone, title, about))
        self._tell()

    def end(self, state: State) -> None:
        self.state = state
        self._tell()

    def _tell(self) -> None:
        self._version += 1
        self._changed.set()
        self._changed = anyio.Event()

    async def changes(self) -> AsyncGenerator[None]:
        """Yield at once and whenever something has changed, some times a second at most, until the work has ended."""
        seen = -1
        while True:
            if seen == self._version:
                if self.state != "running":
                    return
                await self._changed.wait()
            seen = self._version
            yield
            if self.state == "running":
                await anyio.sleep(_TOLD_EVERY_S)


Work = Callable[[Job], Awaitable[None]]


class Jobs:
    """The long work of one server process, the newest last."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def start(self, background: TaskGroup | None, job: Job, work: Work) -> Job:
        """Start work beside the answers to requests. Raises InvalidInput while work of the same title is under way."""
        if any(each.title == job.title and each.state == "running" for each in self._jobs.values()):
            raise InvalidInput(f"{job.title} is under way already. Wait for its end, or stop it.")
        if background is None:
            raise InvalidInput("The server is starting or ending. Try again in a moment.")
        self._tidy()
        self._jobs[job.id] = job
        background.start_soon(_run, job, work)
        return job

    def get(self, id: str) -> Job:
        """Return work by its id. Raises NotFound."""
        try:
            return self._jobs[id]
        except KeyError:
            raise NotFound(
                "No such work is known here. What was started before the server last started is over."
            ) from None

    def newest(self) -> list[Job]:
        return list(self._jobs.values())[::-1]

    def _tidy(self) -> None:
        ended = [job for job in self._jobs.values() if job.state != "running"]
        for job in ended[: max(0, len(self._jobs) - _KEPT)]:
            drop_file(job)
            del self._jobs[job.id]


def drop_file(job: Job) -> None:
    if job.file:
        job.file.unlink(missing_ok=True)
        job.file = None


async def _run(job: Job, work: Work) -> None:
    """Do the work; whatever it raises is told in words, and nothing of it ends the server."""
    state: State = "failed"
    try:
        with job.scope:
            await work(job)
            await checkpoint()
            state = "done"
        if job.scope.cancelled_caught:
            state = "cancelled"
            job.tell("It was stopped. What was done before stays done.", "warn")
    except StrategyBankError as exc:
        job.tell(str(exc), "bad")
    except Exception as exc:  # noqa: BLE001 whatever it is, its page says so and the server goes on
        job.tell(in_words(exc), "bad")
    finally:
        job.end(state)
        if state != "done":
            drop_file(job)
    if job.file:
        try:
            await anyio.sleep(_FILES_KEPT_S)
        finally:
            drop_file(job)
