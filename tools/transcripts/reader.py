"""Finds the transcripts that coding clients keep of their sessions, and reads them as entries. One line is one JSON object.

    Claude Code   ~/.claude/projects/<project>/<session>.jsonl                claude_code.py
    Codex         ~/.codex/sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl      codex.py
    Gemini CLI    ~/.gemini/tmp/<project>/chats/session-<time>-<id>.jsonl     gemini.py

No client promises that its form stays: unknown records are passed over, and so are lines that are no JSON (the last one may
be torn) or longer than MAX_LINE. Imports little: a hook that runs after every turn reads through here.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Literal, NamedTuple, get_args

from strategy_bank.store.errors import InvalidInput
from strategy_bank.tools.transcripts.claude_code import ClaudeCodeReader
from strategy_bank.tools.transcripts.codex import CodexReader
from strategy_bank.tools.transcripts.entry import Entry, Reader, fields
from strategy_bank.tools.transcripts.gemini import GeminiReader

MAX_LINE = 16_000_000  # bytes; longer lines hold pictures, or nothing that a lesson needs whole
ClientName = Literal["claude-code", "codex", "gemini"]
CLIENT_NAMES: tuple[ClientName, ...] = get_args(ClientName)
_SESSIONS: dict[ClientName, str] = {
    "claude-code": "*/*.jsonl",
    "codex": "**/rollout-*.jsonl",
    "gemini": "*/chats/session-*.jsonl",
}
_OF_GEMINI = re.compile(rb'"type": ?"gemini"')


class Folders(NamedTuple):
    """The folders in which the clients keep their transcripts."""

    claude_code: Path
    codex: Path
    gemini: Path

    def of(self, client: ClientName) -> Path:
        return self[CLIENT_NAMES.index(client)]

    def find(self, path: str) -> tuple[Path, ClientName]:
        """Return a transcript that a caller names, and the client that wrote it. Raises InvalidInput for any other file."""
        try:
            file = Path(path).expanduser().resolve(strict=True)  # so that no link leads out of the folders
        except (OSError, ValueError, RuntimeError):
            file = None
        for client in CLIENT_NAMES:
            folder = self.of(client).resolve()
            if file and file.suffix == ".jsonl" and file.is_file() and folder in file.parents:
                return file, client
        raise InvalidInput(
            "This file may not be read: a transcript is a .jsonl file in a folder of Claude Code, Codex or Gemini CLI "
            f"({', '.join(map(str, self))}). Send the condensed trajectory itself."
        )

    def files(self, client: ClientName) -> list[Path]:
        """Return all transcripts of sessions but those of sub-agents, the one touched longest ago first."""
        found = self.of(client).glob(_SESSIONS[client])
        found = (file for file in found if not file.name.startswith("agent-") and file.is_file())
        return sorted(found, key=lambda file: (file.stat().st_mtime, file.name))


def reader_of(client: ClientName, cwd: str = "") -> Reader:
    return {"claude-code": ClaudeCodeReader, "codex": CodexReader, "gemini": GeminiReader}[client](cwd)


def _project_root(file: Path) -> str:
    """Return the folder of a session of Gemini CLI, which is noted in a file beside the transcript; empty for others."""
    try:
        return (file.parent.parent / ".project_root").read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""


def entries(file: Path, client: ClientName) -> Iterator[Entry]:
    """Yield the entries of a whole transcript. Raises OSError."""
    with file.open("rb") as source:
        yield from understood(_lines(source), reader_of(client, _project_root(file)))


def last_entries(path: str, size: int) -> tuple[ClientName, Iterator[Entry]]:
    """Return the client that wrote the transcript, and the entries in its last `size` bytes. Raises OSError."""
    with open(os.path.expanduser(path), "rb") as source:
        start = max(0, os.fstat(source.fileno()).st_size - size)
        source.seek(start)
        lines = source.read(size).split(b"\n")[1 if start else 0 :]
    client = _writer(lines)
    return client, understood(lines, reader_of(client))


def _writer(lines: Iterable[bytes]) -> ClientName:
    for line in lines:
        if b'"payload":' in line[:200]:
            return "codex"
        if _OF_GEMINI.search(line[:200]):
            return "gemini"
    return "claude-code"


def understood(lines: Iterable[bytes], reader: Reader) -> Iterator[Entry]:
    for line in lines:
        try:
            record = json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            continue
        if entry := reader.read(fields(record)):
            yield entry


def _lines(source: IO[bytes]) -> Iterator[bytes]:
    while line := source.readline(MAX_LINE):
        if line.endswith(b"\n") or len(line) < MAX_LINE:
            yield line
        else:
            while (rest := source.readline(MAX_LINE)) and not rest.endswith(b"\n"):
                pass
