"""An episode's record: JSON Lines, one event a line, written as it happens."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME = "record.jsonl"
Event = dict[str, Any]


def tokens(text: str) -> int:
    """Tokens of four characters."""
    return round(len(text) / 4)


class Record:
    """Appends events to FOLDER/record.jsonl, each with its time in seconds since the start."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / NAME
        self._began = time.monotonic()

    def add(self, kind: str, **event: Any) -> None:
        line = {"kind": kind, "at": round(time.monotonic() - self._began, 2), **event}
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def events(folder: Path) -> Iterator[Event]:
    """Yield the events of the episode that was played in `folder`."""
    for line in (folder / NAME).read_text("utf-8").splitlines():
        yield json.loads(line)


def ended(folder: Path) -> bool:
    """Whether an episode was played in `folder` to its end."""
    return (folder / NAME).exists() and any(event["kind"] == "end" for event in events(folder))


def forget(folder: Path) -> None:
    """Remove the record of an episode that was broken off."""
    (folder / NAME).unlink(missing_ok=True)
