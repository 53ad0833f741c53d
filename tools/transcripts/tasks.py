"""Cuts a transcript into tasks, each with what the agent did for it and what the world said about it.

A prompt begins a task, unless it belongs to the one before:
    it was typed while the agent worked, or after the agent was interrupted or a call refused;
    the model's service failed before, and it is short or said again;
    the agent's last words ended with a question, and it is short enough to be the answer;
    it comes after words that belong, and the agent has done nothing for these yet;
    it is worded as a follow-up (`follow_ups.py`: "still fails", "no, …", "continue", "thanks").
    nothing was done for it, or the same files were written for both (`touched.py`), unless it says that it is something else.
What the stop hook asked of the agent, and what the agent did for it, is no part of the task; neither are calls of our tools.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from strategy_bank.store.errors import InvalidInput
from strategy_bank.tools.trajectory.text import shorten
from strategy_bank.tools.transcripts.entry import Entry, fields, objects
from strategy_bank.tools.transcripts.files import ClientName, Folders, open_regular
from strategy_bank.tools.transcripts.follow_ups import REMARK_CHARS, begins, corrects, goes_on
from strategy_bank.tools.transcripts.hints import Hints
from strategy_bank.tools.transcripts.kept import Kept
from strategy_bank.tools.transcripts.reader import entries, project_root
from strategy_bank.tools.transcripts.touched import written
from strategy_bank.tools.transcripts.unread import Unread

TASK_CHARS = 4_000  # a longer prompt loses its middle as the task; as the first step of the trajectory it is whole
VALUE_CHARS = 20_000  # kept of one value, such as the output of one command
_ANSWER_CHARS = 300
_QUESTION_MARKS = ("?", "？", "؟")
_DEPTH = 6


@dataclass
class PastTask:
    """One task of a session."""

    task: str
    cwd: str
    at: str
    items: Kept = field(default_factory=Kept)
    hints: Hints = field(default_factory=Hints)
    is_command: bool = False  # a slash command began it
    worked: bool = False  # tools were used
    reported: bool = False  # the agent has reported it, and done nothing since
    wrote: set[str] = field(default_factory=set[str])  # files, by the last parts of their paths
    calls: list[int] = field(default_factory=list[int])  # hashes of what was called for it; a copy of it has the same
    unread: Unread = field(default_factory=Unread)  # in its transcript, as far as that was read
    client: str = ""  # whose transcript it is

    def take(self, later: "PastTask") -> None:
        """Add what was cut off as a task of its own but goes on with this one."""
        for message in later.items.messages():
            self.items.append(message)
        self.hints.take(later.task, later.hints)
        self.wrote |= later.wrote
        self.calls += later.calls
        if later.worked:
            self.worked, self.reported = True, later.reported

    def trajectory(self) -> list[dict[str, Any]]:
        """Return what `normal_form.normalise` reads, with the hints at the end."""
        hints, messages = self.hints.text(), self.items.messages()
        return [*messages, {"role": "system", "content": hints}] if hints else messages


def last_task(path: str, folders: Folders) -> PastTask:
    """Return the task at hand in a transcript. Raises InvalidInput where the file may not be read or holds none."""
    file, client = folders.find(path)
    unread = Unread()
    found = next(iter(deque(tasks(file, client, unread, folders), maxlen=1)), None)
    if found is None or not found.worked:
        problems = "".join(f" {problem}." for problem in unread.problems())
        raise InvalidInput(
            f"This transcript holds no task that tools were used for.{problems} Send the condensed trajectory itself."
        )
    found.client = client
    return found


def tasks(
    file: Path, client: ClientName, unread: Unread | None = None, folders: Folders | None = None
) -> Iterator[PastTask]:
    """Yield the tasks of a transcript, oldest first; also those without any work.

    What could not be read is added to `unread`. With `folders` only a file that still lies in these is opened.
    Raises InvalidInput.
    """
    unread = Unread() if unread is None else unread
    cwd = project_root(file.parent.parent) if client == "gemini" else ""
    try:
        with folders.open(file, client) if folders else open_regular(file) as source:
            found = entries(source, client, unread, cwd=cwd, whole=file.suffix == ".json")
            yield from cut(found, unread)
    except OSError as exc:
        raise InvalidInput(f"{file} cannot be read: {exc.strerror or exc}.") from exc


def cut(found: Iterable[Entry], unread: Unread) -> Iterator[PastTask]:
    """Yield the tasks, each with all that belongs to it."""
    before: PastTask | None = None
    for task in _by_their_words(found, unread):
        if before and _goes_on(before, task):
            before.take(task)
            continue
        if before:
            yield before
        before = task
    if before:
        yield before


def _goes_on(before: PastTask, task: PastTask) -> bool:
    """Tell whether a prompt went on with the task before: nothing was done for it, or the same files were written for both.

    In doubt it did. A correction that is split off leaves a task behind that looks like a success; two small tasks in one
    file as one episode lose less.
    """
    if begins(task.task) or not before.worked or task.is_command:
        return False
    return bool(before.wrote & task.wrote)


def _by_their_words(found: Iterable[Entry], unread: Unread) -> Iterator[PastTask]:
    cutter = _Cutter(unread)
    for entry in _without_local_commands(found):
        if done := cutter.take(entry):
            yield done
    if cutter.task:
        yield cutter.task


def _without_local_commands(found: Iterable[Entry]) -> Iterator[Entry]:
    """Yield all but the slash commands that the client answered itself (/model, /cost): they were not for the agent."""
    held: Entry | None = None
    for entry in found:
        if held and entry.kind != "local":
            yield held
        held = entry if entry.kind == "command" else None
        if entry.kind not in ("command", "local"):
            yield entry
    if held:
        yield held


class _Cutter:
    """Takes entries in their order and collects them into the task they belong to."""

    def __init__(self, unread: Unread) -> None:
        self.task: PastTask | None = None
        self._unread = unread
        self._stopped = False  # by the user, in the middle of its work, or by refusing a call
        self._broken = False  # the model's service failed
        self._ended = False  # the client says that the agent had done
        self._waits = False  # for the agent: words that belong to the task were the last that was said
        self._last_said = ""
        self._ident = ""
        self._asked = False  # by the stop hook: until the agent works on, what it does is the answer

    def take(self, entry: Entry) -> PastTask | None:
        """Return the task that ends here, if this entry begins the next."""
        if entry.kind in ("prompt", "command", "aside"):
            return self._prompt(entry)
        if entry.kind == "request":
            self._asked = True
        elif entry.kind == "broken":
            self._broken = True
        elif self.task and entry.reported:
            self.task.reported = True
        elif self.task and entry.message:
            self._asked = self._asked and not entry.worked
            if not self._asked:
                self._add(self.task, entry)
        return None

    def _prompt(self, entry: Entry) -> PastTask | None:
        done, self._asked, self._waits = None, False, self._belongs(entry)
        if self.task is None or not self._waits:
            task = PastTask(shorten(entry.text, TASK_CHARS), entry.cwd, entry.at, unread=self._unread)
            task.is_command = entry.kind == "command"
            done, self.task = self.task, task
        elif entry.text != self.task.task:  # sent again, it says nothing new
            self.task.hints.said(entry.text)
        self._stopped = self._broken = self._ended = False
        self._last_said = ""
        self._append(self.task, entry)
        return done

    def _belongs(self, entry: Entry) -> bool:
        if self.task is None:
            return False
        if entry.kind == "aside":
            return True
        if begins(entry.text):
            return False
        asked = self._last_said.rstrip(" *_`\n").endswith(_QUESTION_MARKS) and len(entry.text) <= _ANSWER_CHARS
        resumed = self._broken and (len(entry.text) <= REMARK_CHARS or entry.text == self.task.task)
        worded = corrects(entry.text) or goes_on(entry.text)
        return self._stopped or (entry.kind == "prompt" and (asked or resumed or worded or self._waits))

    def _add(self, task: PastTask, entry: Entry) -> None:
        if entry.kind == "agent":
            self._last_said = entry.text or self._last_said
            self._waits, self._broken, self._ended = False, False, entry.ended
            if entry.worked:
                task.wrote |= written(entry.message)
                task.worked, task.reported = True, False
                task.calls.append(hash((task.task, repr(entry.message))))
        elif entry.kind == "result":
            task.hints.saw(entry.text, failed=entry.failed)
            if entry.remark:
                task.hints.said(entry.remark)
        interrupted = entry.kind == "interrupt" and not self._ended
        self._stopped = interrupted or entry.refused or (self._stopped and entry.kind == "result")
        self._append(task, entry)

    def _append(self, task: PastTask, entry: Entry) -> None:
        """Append a message; pieces of one message of the agent become one, so that a thought stands beside its action."""
        message = _shortened(entry.message)
        if entry.ident and entry.ident == self._ident:
            task.items.add_to_last(objects(message.get("content")))
        else:
            task.items.append(message)
        self._ident = entry.ident


def _shortened(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return shorten(value, VALUE_CHARS)
    if depth < _DEPTH and isinstance(value, dict):
        return {key: _shortened(part, depth + 1) for key, part in fields(value).items()}
    if depth < _DEPTH and isinstance(value, list):
        return [_shortened(part, depth + 1) for part in cast(list[Any], value)]
    return value
