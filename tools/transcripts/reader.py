"""Reads a transcript as entries. One line is one JSON object; older versions of Gemini CLI wrote one document.

No client promises that its form stays: records of unknown kind are passed over, and so are lines that are no JSON (the last
one may be torn) or longer than MAX_LINE; all are counted. Imports little: a hook that runs after every turn reads through here.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from strategy_bank.tools.transcripts.branches import REWINDS, Behind, behind
from strategy_bank.tools.transcripts.claude_code import ClaudeCodeReader
from strategy_bank.tools.transcripts.codex import CodexReader
from strategy_bank.tools.transcripts.entry import Entry, Reader, fields, objects
from strategy_bank.tools.transcripts.files import ClientName, open_below, open_regular
from strategy_bank.tools.transcripts.gemini import GeminiReader
from strategy_bank.tools.transcripts.unread import Unread

MAX_LINE = 16_000_000  # bytes; longer lines hold pictures, or nothing that a lesson needs whole
MAX_DOCUMENT = 64_000_000  # bytes of a transcript that is one document; it is read at once
_OF_GEMINI = re.compile(rb'"type": ?"gemini"')
_BOM = b"\xef\xbb\xbf"


def reader_of(client: ClientName, cwd: str = "", unread: Unread | None = None) -> Reader:
    return {"claude-code": ClaudeCodeReader, "codex": CodexReader, "gemini": GeminiReader}[client](cwd, unread)


def entries(
    source: IO[bytes], client: ClientName, unread: Unread, *, cwd: str = "", whole: bool = False
) -> Iterator[Entry]:
    """Yield the entries of an open transcript; `whole`: it is one document. Raises OSError."""
    left = _left_behind(source, client, whole=whole)
    reader = reader_of(client, cwd, unread)
    for number, record in enumerate(_records(source, unread, whole=whole)):
        if number not in left:
            yield from reader.read(record)
        elif number in left.rewound:
            unread.rewound += 1


def project_root(folder: Path) -> str:
    """Return the folder of a session of Gemini CLI, which is noted beside the transcripts; empty for others."""
    try:
        with open_below(folder, Path(".project_root")) as noted:
            return noted.readline(4_096).decode("utf-8", "replace").strip()
    except OSError:
        return ""


def last_entries(path: str, size: int) -> tuple[ClientName, Iterator[Entry]]:
    """Return the client that wrote the transcript, and the entries in its last `size` bytes. Raises OSError."""
    path = os.path.expanduser(path)
    with open_regular(path) as source:
        if path.endswith(".json"):
            return "gemini", _understood(list(_documents(source, Unread())), GeminiReader())
        start = max(0, os.fstat(source.fileno()).st_size - size)
        source.seek(start)
        lines = source.read(size).removeprefix(_BOM).split(b"\n")[1 if start else 0 :]
    client = _writer(lines)
    return client, _understood(_parsed(lines, Unread()), reader_of(client))


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


def _left_behind(source: IO[bytes], client: ClientName, *, whole: bool) -> Behind:
    """Return what is to be passed over; that takes a first reading, for which nothing is kept but the tree."""
    mark = REWINDS.get(client)
    if whole or (mark and not any(mark in line for line in _lines(source, Unread()))):
        return Behind()
    return behind(client, _records(source, Unread()))


def _records(source: IO[bytes], unread: Unread, *, whole: bool = False) -> Iterator[dict[str, Any]]:
    source.seek(0)
    return _documents(source, unread) if whole else _parsed(_lines(source, unread), unread)


def _parsed(lines: Iterable[bytes], unread: Unread) -> Iterator[dict[str, Any]]:
    for line in filter(bytes.strip, lines):
        try:
            record = json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict):
            yield fields(record)
        else:
            unread.lines += 1


def _documents(source: IO[bytes], unread: Unread) -> Iterator[dict[str, Any]]:
    """Yield the head of a document, and its messages."""
    text = source.read(MAX_DOCUMENT + 1)
    if len(text) > MAX_DOCUMENT:
        unread.long_lines += 1
        return
    for document in _parsed([text.removeprefix(_BOM)], unread):
        yield {key: value for key, value in document.items() if key != "messages"}
        yield from objects(document.get("messages"))


def _lines(source: IO[bytes], unread: Unread) -> Iterator[bytes]:
    source.seek(0)
    if source.read(len(_BOM)) != _BOM:
        source.seek(0)
    while line := source.readline(MAX_LINE):
        if line.endswith(b"\n") or len(line) < MAX_LINE:
            yield line
            continue
        unread.long_lines += 1
        while (rest := source.readline(MAX_LINE)) and not rest.endswith(b"\n"):
            pass
