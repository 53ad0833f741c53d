"""Reads the end of a transcript. Imports little: a hook that runs after every turn reads through here."""

import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

from strategy_bank.tools.transcripts.claude_code import ClaudeCodeReader
from strategy_bank.tools.transcripts.codex import CodexReader
from strategy_bank.tools.transcripts.entry import Entry, Reader
from strategy_bank.tools.transcripts.files import ClientName, open_regular
from strategy_bank.tools.transcripts.gemini import GeminiReader
from strategy_bank.tools.transcripts.records import BOM, documents, parsed
from strategy_bank.tools.transcripts.unread import Unread

_OF_GEMINI = re.compile(rb'"type": ?"gemini"')


def reader_of(client: ClientName, cwd: str = "", unread: Unread | None = None) -> Reader:
    return {"claude-code": ClaudeCodeReader, "codex": CodexReader, "gemini": GeminiReader}[client](cwd, unread)


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
