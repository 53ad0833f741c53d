"""Reads the end of a transcript. Imports little: a hook that runs after every turn reads through here."""

import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

from strategy_bank.tools.transcripts.claude_code import ClaudeCodeReader
from strategy_bank.tools.transcripts.codex import CodexReader
from strategy_bank.tools.transcripts.entry import Entry, Reader, exit_code
from strategy_bank.tools.transcripts.files import ClientName, open_regular
from strategy_bank.tools.transcripts.gemini import GeminiReader
from strategy_bank.tools.transcripts.hints import test_result
from strategy_bank.tools.transcripts.records import BOM, documents, parsed
from strategy_bank.tools.transcripts.touched import written
from strategy_bank.tools.transcripts.unread import Unread

TAIL = 1_000_000  # bytes read at the end of a transcript; a turn that is longer than that did some work
_MANY_CALLS = 8  # that many looked for something, whatever they were
_OF_GEMINI = re.compile(rb'"type": ?"gemini"')


def reader_of(client: ClientName, cwd: str = "", unread: Unread | None = None) -> Reader:
    return {"claude-code": ClaudeCodeReader, "codex": CodexReader, "gemini": GeminiReader}[client](cwd, unread)


class Turn:
    """What was said and done since the user's last words."""

    def __init__(self, client: ClientName) -> None:
        self.client: ClientName = client
        self._begin("")

    def _begin(self, prompt: str) -> None:
        self.prompt = prompt
        self.calls, self._tried = 0, False  # since the last report
        self.episode = ""  # id of the last report, since the request for one where there was any
        self.messages: list[dict[str, Any]] = []  # of the agent

    @property
    def unreported(self) -> bool:
        """Tell whether something was tried, and nothing reported after it.

        A turn of reading or talk has nothing to report: few calls, none of which wrote a file, failed, or ended with a
        result of tests.
        """
        return self.calls > 0 and (self._tried or self.calls >= _MANY_CALLS)

    def take(self, entry: Entry) -> None:
        if entry.kind in ("prompt", "command"):
            self._begin(entry.text)
        elif entry.kind == "request":
            self.episode = ""
        elif entry.reported:
            self.calls, self._tried, self.episode = 0, False, entry.text
        else:
            self.calls += entry.worked
            self._tried = self._tried or _tries(entry)
            if entry.kind == "agent":
                self.messages.append(entry.message)


def last_turn(path: str) -> Turn:
    """Return the last turn in a transcript, as far as it stands in its last megabyte. Raises OSError."""
    client, entries = last_entries(path, TAIL)
    turn = Turn(client)
    for entry in entries:
        turn.take(entry)
    return turn


def _tries(entry: Entry) -> bool:
    if entry.kind == "result":
        return entry.failed or bool(test_result(entry.text)) or exit_code(entry.text) not in ("", "0")
    return entry.worked and bool(written(entry.message))


def last_entries(path: str, size: int) -> tuple[ClientName, Iterator[Entry]]:
    """Return the client that wrote the transcript, and the entries in its last `size` bytes. Raises OSError."""
    path = os.path.expanduser(path)
    with open_regular(path) as source:
        if path.endswith(".json"):
            return "gemini", _understood(list(documents(source, Unread())), GeminiReader())
        start = max(0, os.fstat(source.fileno()).st_size - size)
        source.seek(start)
        lines = source.read(size).removeprefix(BOM).split(b"\n")[1 if start else 0 :]
    client = _writer(lines)
    return client, _understood(parsed(lines, Unread()), reader_of(client))


def _understood(records: Iterable[dict[str, Any]], reader: Reader) -> Iterator[Entry]:
    for record in records:
        yield from reader.read(record)


def _writer(lines: Iterable[bytes]) -> ClientName:
    for line in lines:
        if b'"payload":' in line[:200]:
            return "codex"
        if _OF_GEMINI.search(line[:200]):
            return "gemini"
    return "claude-code"
