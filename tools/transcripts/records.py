"""Reads the records of an open transcript. One line is one JSON object; older versions of Gemini CLI wrote one document.

Lines that are no JSON (the last one may be torn) or longer than MAX_LINE are passed over and counted.
"""

import json
from collections.abc import Iterable, Iterator
from typing import IO, Any

from strategy_bank.tools.transcripts.entry import fields, objects
from strategy_bank.tools.transcripts.unread import Unread

MAX_LINE = 16_000_000  # bytes; longer lines hold pictures, or nothing that a lesson needs whole
MAX_DOCUMENT = 64_000_000  # bytes of a transcript that is one document; it is read at once
BOM = b"\xef\xbb\xbf"


def records(source: IO[bytes], unread: Unread, *, whole: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the records of a transcript from its beginning; `whole`: it is one document."""
    source.seek(0)
    return documents(source, unread) if whole else parsed(lines(source, unread), unread)


def parsed(found: Iterable[bytes], unread: Unread) -> Iterator[dict[str, Any]]:
    for line in filter(bytes.strip, found):
        try:
            record = json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict):
            yield fields(record)
        else:
            unread.lines += 1


def documents(source: IO[bytes], unread: Unread) -> Iterator[dict[str, Any]]:
    """Yield the head of a document, and its messages."""
    text = source.read(MAX_DOCUMENT + 1)
    if len(text) > MAX_DOCUMENT:
        unread.long_lines += 1
        return
    for document in parsed([text.removeprefix(BOM)], unread):
        yield {key: value for key, value in document.items() if key != "messages"}
        yield from objects(document.get("messages"))


def lines(source: IO[bytes], unread: Unread) -> Iterator[bytes]:
    source.seek(0)
    if source.read(len(BOM)) != BOM:
        source.seek(0)
    while line := source.readline(MAX_LINE):
        if line.endswith(b"\n") or len(line) < MAX_LINE:
            yield line
            continue
        unread.long_lines += 1
        while (rest := source.readline(MAX_LINE)) and not rest.endswith(b"\n"):
            pass
