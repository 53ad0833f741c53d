"""Queue what earlier sessions of a client did, as pending episodes.

a client's transcript ── transcripts/tasks.py ──▶ its tasks ── Queue.tasks ──▶ those worth judging ──▶ pending episodes
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.progress import Progress
from strategy_bank.store.records import Episode
from strategy_bank.tools.episodes.record import Report, record_episode
from strategy_bank.tools.episodes.reporter import COMMAND_LINE, Reporter
from strategy_bank.tools.scopes.registry import Scope, Scopes
from strategy_bank.tools.scopes.workspace import Workspace, workspace_of
from strategy_bank.tools.transcripts.files import Folders
from strategy_bank.tools.transcripts.tasks import PastTask, tasks
from strategy_bank.tools.transcripts.unread import Unread

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.transcripts.files import ClientName

BY = Reporter(COMMAND_LINE)
RUNNING_S = 1_800
"""Seconds after its last write in which a session may still go on. Its last task is left for a later time."""
_TIDY_EVERY = 50
"""Number of queued episodes after which the bank may do its upkeep."""
Fate = Literal[
    "queued",
    "queued before",
    "copied into another session",
    "reported by the agent itself",
    "without work",
    "perhaps still running",
    "without a prompt of yours",
    "unreadable",
]
"""The ends that a task can come to, or a transcript that holds none or cannot be read."""


@dataclass
class Queue:
    """Decides which tasks of a client's transcripts are queued, and counts what becomes of each.

    `scope` takes all tasks; without one, each goes to that of the project its session was in. `tell` receives one line for
    each transcript or task that could not be read. `folders` are those in which a file must lie to be opened.
    """

    client: "ClientName"
    tell: Callable[[str], None]
    scope: str = ""
    project: Path | None = None
    since: datetime | None = None
    folders: Folders | None = None
    counts: Counter[Fate] = field(default_factory=Counter[Fate])
    read: Counter[str] = field(default_factory=Counter[str])
    """Number of transcripts that were read, by the ending of their names."""
    unread: Unread = field(default_factory=Unread)
    """What these hold that could not be read."""
    _calls: set[int] = field(default_factory=set[int])
    """Hashes of the calls in the tasks so far: a session that was resumed or forked repeats them in another file."""

    async def fill(self, bank: "Bank", files: list[Path], progress: Progress) -> None:
        """Add an episode for each task that is not in the bank yet. Interrupted and begun again, it adds nothing twice."""
        known, tidied = {row["id"] for row in await bank.cells(Episode, [])}, 0
        scopes = Scopes(bank)
        for done, file, task in self.wanted(files):
            progress(done, len(files))
            await self._add(bank, file, task, await self.scope_of(task, scopes.claim), known)
            if self.counts["queued"] >= tidied + _TIDY_EVERY:
                tidied = self.counts["queued"]
                await bank.maintain()
        progress(len(files), len(files))

    def wanted(self, files: list[Path]) -> Iterator[tuple[int, Path, PastTask]]:
        """Yield what is to be queued, each with its file, and how many files were read before.

        The newest files come first: a session that went on in another file is whole there, and its older copy is left out.
        """
        for done, file in enumerate(reversed(files)):
            for task in self.tasks(file):
                yield done, file, task

    async def _add(self, bank: "Bank", file: Path, task: PastTask, scope: Scope, known: set[str]) -> None:
        try:
            told = Report(scope=scope, reporter=BY, task=task.task, trajectory=task.trajectory())
            episode, _ = await record_episode(bank, told)
        except InvalidInput as exc:
            self.counts["unreadable"] += 1
            self.tell(f"{file}: {exc}")
            return
        self.counts["queued before" if episode.id in known else "queued"] += 1
        known.add(episode.id)

    async def scope_of(self, task: PastTask, find: Callable[[Workspace | None], Awaitable[Scope]]) -> Scope:
        """Return the scope that a task goes to; `find` is a method of `Scopes`."""
        return Scope(self.scope) if self.scope else await find(workspace_of(task.cwd))

    def tasks(self, file: Path) -> Iterator[PastTask]:
        """Yield the tasks of one transcript that are to be queued. The others are only counted."""
        unread, held = Unread(), None
        try:
            running = datetime.now().timestamp() - file.stat().st_mtime < RUNNING_S
            for task in tasks(file, self.client, unread, self.folders):
                if held:
                    yield from self._unless_left_out(held, running=False)
                held = task
        except (InvalidInput, OSError) as exc:
            self.counts["unreadable"] += 1
            self.tell(str(exc))
            return
        if held:
            yield from self._unless_left_out(held, running=running)
        else:
            self.counts["without a prompt of yours"] += 1  # of a sub-agent, or empty
        self.read[file.suffix] += 1
        self.unread.add(unread)

    def _unless_left_out(self, task: PastTask, *, running: bool) -> Iterator[PastTask]:
        if not self._is_wanted(task):
            return
        copied = bool(task.calls) and self._calls.issuperset(task.calls)
        self._calls.update(task.calls)
        reason = _why_left_out(task, running=running, copied=copied)
        if reason:
            self.counts[reason] += 1
        else:
            yield task

    def _is_wanted(self, task: PastTask) -> bool:
        folder = Path(task.cwd)
        if self.project and self.project not in (folder, *folder.parents):
            return False
        return self.since is None or (begun(task) or self.since) >= self.since


def begun(task: PastTask) -> datetime | None:
    """Return when the task began, in local time; None if its transcript does not say."""
    try:
        return datetime.fromisoformat(task.at).astimezone()
    except ValueError:
        return None


def _why_left_out(task: PastTask, *, running: bool, copied: bool) -> Fate | None:
    if not task.worked:
        return "without work"
    if task.reported:
        return "reported by the agent itself"
    if running:
        return "perhaps still running"
    return "copied into another session" if copied else None
