"""Gives one form to what a record of a transcript says, whichever client wrote it. Imports little: hooks read through here."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple, cast

from strategy_bank.tools.transcripts.unread import Unread

# The request of the stop hook begins so; what answers it in a transcript is no part of the work.
REQUEST = "strategy-bank: the work of this turn has not been reported"
# command: a slash command; local: its output, so that it was none for the agent; request: of the stop hook;
# aside: the user's words while the agent worked; broken: an error of the model's service ended the turn.
Kind = Literal["prompt", "command", "local", "aside", "interrupt", "broken", "agent", "result", "request"]
_OWN_TOOLS = ("recall_strategies", "report_outcome", "scale_attempts")
_EPISODE_ID = re.compile(r"\bep_[0-9a-f]{16}\b")
_EXIT_CODE = re.compile(r"\b(?:exit(?:ed with)? code|\"exit_code\")\D{0,3}(\d+)", re.IGNORECASE)


class Entry(NamedTuple):
    """Holds what one record says."""

    kind: Kind
    message: dict[str, Any]  # in a form that `normal_form.normalise` reads
    text: str = ""  # the user's words or a tool's output; of our own tools only the id of an episode
    ident: str = ""  # pieces of one message that stand in several records share it
    worked: bool = False  # a tool was called that is not ours
    reported: bool = False  # it is the answer to a report
    failed: bool = False  # a tool's output that the client marked as an error
    ended: bool = False  # the client says that the agent's turn ended with this
    remark: str = ""  # what the user said in a tool's output, such as why a call is turned down
    refused: bool = False  # the user did not allow a call
    at: str = ""  # ISO 8601, as the client wrote it
    cwd: str = ""


class Reader(ABC):
    """Reads the records of one transcript in their order, and remembers what later records refer to."""

    def __init__(self, cwd: str = "", unread: Unread | None = None) -> None:
        self._cwd, self._at = cwd, ""
        self._unread = unread or Unread()
        self._own_calls: set[str] = set()  # ids of calls of our own tools, which are no part of the work

    def read(self, record: dict[str, Any]) -> Iterator[Entry]:
        """Yield what the record says; nothing where that is nothing of the session itself."""
        self._at = word(record.get("timestamp")) or self._at
        for entry in self._entries(record):
            yield entry._replace(at=self._at, cwd=self._cwd)

    @abstractmethod
    def _entries(self, record: dict[str, Any]) -> Iterable[Entry]: ...

    def _pass_over(self, kind: str, known: frozenset[str]) -> Iterable[Entry]:
        """Return nothing, and count the record if its kind is not among those known to say nothing."""
        if kind not in known:
            self._unread.unknown[kind or "none"] += 1
        return ()

    def _is_own(self, tool: Any, call: Any) -> bool:
        """Tell whether a call is of one of our tools, under whatever prefix the client gives it, and remember its id then."""
        if word(tool).endswith(_OWN_TOOLS):
            self._own_calls.add(word(call))
        return word(tool).endswith(_OWN_TOOLS)

    def _own_result(self, text: str, *, failed: bool = False) -> Entry:
        """Return the entry for what one of our tools answered: a report that was taken names its episode."""
        episode = _EPISODE_ID.search(text)
        return Entry("result", {}, episode[0] if episode else "", reported=bool(episode) and not failed)


def interrupted() -> Entry:
    """Return the entry for the user's stopping the agent; the words in the transcript are the client's."""
    return Entry("interrupt", {"role": "system", "content": "The user interrupted the agent here."})


def ran_by_user(command: str, output: str) -> Entry:
    """Return the entry for a command that the user ran in the client: the agent saw its output too."""
    text = f"$ {command}\n{output}".strip()
    return Entry("result", {"role": "user", "content": [{"type": "tool_result", "content": text}]}, output)


def exit_code(output: str) -> str:
    """Return the exit code that a command's output begins with; empty where it names none."""
    found = _EXIT_CODE.search(output[:500])
    return found[1] if found else ""


def word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def fields(value: Any) -> dict[str, Any]:
    """Return an object as it is, and an empty one for anything else."""
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a list; none where it is no list."""
    parts = cast(list[Any], value) if isinstance(value, list) else []
    return [fields(part) for part in parts if isinstance(part, dict)]


def text_of(content: Any) -> str:
    """Return a text as it is, and of content blocks their text."""
    return word(content) or "\n".join(text for block in objects(content) if (text := word(block.get("text"))))
