"""Reads a whole transcript as entries, without the branches that the user went back from.

No client promises that its form stays: what is not understood is passed over and counted.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

from strategy_bank.tools.transcripts.branches import REWINDS, Behind, behind
from strategy_bank.tools.transcripts.entry import Entry
from strategy_bank.tools.transcripts.files import ClientName, open_below
from strategy_bank.tools.transcripts.records import lines, records
from strategy_bank.tools.transcripts.tail import reader_of
from strategy_bank.tools.transcripts.unread import Unread


def entries(
    source: IO[bytes], client: ClientName, unread: Unread, *, cwd: str = "", whole: bool = False
) -> Iterator[Entry]:
    """Yield the entries of an open transcript; `whole`: it is one document. Raises OSError."""
    left = _left_behind(source, client, whole=whole)
    reader = reader_of(client, cwd, unread)
    for number, record in enumerate(records(source, unread, whole=whole)):
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


def _left_behind(source: IO[bytes], client: ClientName, *, whole: bool) -> Behind:
    """Return what is to be passed over; that takes a first reading, for which nothing is kept but the tree."""
    mark = REWINDS.get(client)
    if whole or (mark and not any(mark in line for line in lines(source, Unread()))):
        return Behind()
    return behind(client, records(source, Unread()))
