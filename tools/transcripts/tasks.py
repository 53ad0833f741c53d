"""Cuts a transcript into tasks, each with what the agent did for it and what the world said about it.

A prompt begins a task, unless it belongs to the one before:
    it was typed while the agent worked, or after the agent was interrupted;
    the agent's last words ended with a question, and it is short enough to be the answer;
    it is worded as a follow-up ("still fails", "no, …", "continue", "thanks"); in English only.
What the stop hook asked of the agent, and what the agent did for it, is no part of the task; neither are calls of our tools.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from strategy_bank.store.errors import InvalidInput
from strategy_bank.tools.trajectory.text import shorten
from strategy_bank.tools.transcripts.entry import Entry, fields, objects
from strategy_bank.tools.transcripts.hints import Hints
from strategy_bank.tools.transcripts.reader import ClientName, Folders, entries

TASK_CHARS = 4_000  # a longer prompt loses its middle as the task; as the first step of the trajectory it is whole
VALUE_CHARS = 20_000  # kept of one value, such as the output of one command
_ANSWER_CHARS = 300
_REMARK_CHARS = 60  # longer prompts that begin with "ok" or "great" go on to something else
_DEPTH = 6
_CORRECTS = re.compile(
    r"(?:no|nope|wrong|still|again|undo|revert|stop|wait|actually|why did you|i (?:said|asked|meant)|"
    r"not (?:quite|what|like)|that(?:'s| is) (?:not|wrong)|it (?:still|does ?n.t)|"
    r"(?:this|that|it)(?:'s| is)? (?:broken|fail(?:s|ed|ing)|did ?n.t|does ?n.t|is ?n.t)|"
    r"you (?:forgot|missed|broke|did ?n.t|should(?: ?n.t)? have))\b",
    re.IGNORECASE,
)
_CORRECTS_WITHIN = re.compile(
    r"\b(?:still (?:fail|broken|wrong|not|get|see|the same)|does ?n.t work|did ?n.t work|not working|same error|you forgot|"
    r"not what i (?:asked|wanted|meant))",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"(?:go (?:on|ahead)|continue|proceed|keep going|do (?:it|that)|try again|retry|please (?:continue|proceed|do)|also|and|"
    r"but|instead|the same|now it)\b",
    re.IGNORECASE,
)
_ANSWERS = re.compile(
    r"(?:yes|yep|yeah|ok(?:ay)?|sure|thanks?|thank you|great|good|perfect|nice|looks good|lgtm|done)\b", re.IGNORECASE
)


@dataclass
class PastTask:
    """One task of a session."""

    task: str
    cwd: str
    at: str
    items: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    hints: Hints = field(default_factory=Hints)
    worked: bool = False  # tools were used
    reported: bool = False  # the agent has reported it, and done nothing since

    def trajectory(self) -> list[dict[str, Any]]:
        """Return what `normal_form.normalise` reads, with the hints at the end."""
        hints = self.hints.text()
        return [*self.items, {"role": "system", "content": hints}] if hints else self.items


def last_task(path: str, folders: Folders) -> PastTask:
    """Return the task at hand in a transcript. Raises InvalidInput where the file may not be read or holds none."""
    file, client = folders.find(path)
    found = next(iter(deque(tasks(file, client), maxlen=1)), None)
    if found is None or not found.worked:
        raise InvalidInput(
            "This transcript holds no task that tools were used for. Send the condensed trajectory itself."
        )
    return found


def tasks(file: Path, client: ClientName) -> Iterator[PastTask]:
    """Yield the tasks of a transcript, oldest first; also those without any work. Raises InvalidInput."""
    try:
        yield from cut(entries(file, client))
    except OSError as exc:
        raise InvalidInput(f"{file} cannot be read: {exc.strerror or exc}.") from exc


def cut(found: Iterable[Entry]) -> Iterator[PastTask]:
    cutter = _Cutter()
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

    def __init__(self) -> None:
        self.task: PastTask | None = None
        self._interrupted = False
        self._last_said = ""
        self._ident = ""
        self._asked = False  # by the stop hook: until the agent works on, what it does is the answer

    def take(self, entry: Entry) -> PastTask | None:
        """Return the task that ends here, if this entry begins the next."""
        if entry.kind in ("prompt", "command", "aside"):
            return self._prompt(entry)
        if entry.kind == "request":
            self._asked = True
        elif self.task and entry.reported:
            self.task.reported = True
        elif self.task and entry.message:
            self._asked = self._asked and not entry.worked
            if not self._asked:
                self._add(self.task, entry)
        return None

    def _prompt(self, entry: Entry) -> PastTask | None:
        done, self._asked = None, False
        if self.task is None or not self._belongs(entry):
            done, self.task = self.task, PastTask(shorten(entry.text, TASK_CHARS), entry.cwd, entry.at)
        elif self._interrupted or _corrects(entry.text):
            self.task.hints.corrected(entry.text)
        self._interrupted, self._last_said = False, ""
        self._append(self.task, entry)
        return done

    def _belongs(self, entry: Entry) -> bool:
        if entry.kind == "aside" or self._interrupted:
            return True
        asked = self._last_said.rstrip(" *_`\n").endswith("?") and len(entry.text) <= _ANSWER_CHARS
        return entry.kind == "prompt" and (asked or _corrects(entry.text) or _goes_on(entry.text))

    def _add(self, task: PastTask, entry: Entry) -> None:
        if entry.kind == "agent":
            self._last_said = entry.text or self._last_said
            if entry.worked:
                task.worked, task.reported = True, False
        elif entry.kind == "result":
            task.hints.saw(entry.text, failed=entry.failed)
        self._interrupted = entry.kind == "interrupt" or (self._interrupted and entry.kind == "result")
        self._append(task, entry)

    def _append(self, task: PastTask, entry: Entry) -> None:
        """Append a message; pieces of one message of the agent become one, so that a thought stands beside its action."""
        message = _shortened(entry.message)
        if entry.ident and entry.ident == self._ident:
            task.items[-1]["content"] += objects(message.get("content"))
        else:
            task.items.append(message)
        self._ident = entry.ident


def _corrects(text: str) -> bool:
    return bool(_CORRECTS.match(text) or _CORRECTS_WITHIN.search(text[:200]))


def _goes_on(text: str) -> bool:
    return bool(_GOES_ON.match(text) or (len(text) <= _REMARK_CHARS and _ANSWERS.match(text)))


def _shortened(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return shorten(value, VALUE_CHARS)
    if depth < _DEPTH and isinstance(value, dict):
        return {key: _shortened(part, depth + 1) for key, part in fields(value).items()}
    if depth < _DEPTH and isinstance(value, list):
        return [_shortened(part, depth + 1) for part in cast(list[Any], value)]
    return value
