"""Transcripts that coding clients keep of their sessions, read as one kind of entry. One JSON object a line.

    Claude Code   ~/.claude/projects/<project>/<session>.jsonl                claude_code.py
    Codex         ~/.codex/sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl      codex.py
    Gemini CLI    ~/.gemini/tmp/<project>/chats/session-<time>-<id>.jsonl     gemini.py

None of these forms is promised to stay: records that are not known are passed over, and so are lines that are no JSON (the last
one may be torn) or longer than MAX_LINE. Imports little: a hook that runs after every turn reads through here.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, Protocol, get_args

from strategy_bank.store.errors import InvalidInput
from strategy_bank.tools.transcripts.claude_code import ClaudeCodeReader
from strategy_bank.tools.transcripts.codex import CodexReader
from strategy_bank.tools.transcripts.entry import Entry, fields
from strategy_bank.tools.transcripts.gemini import GeminiReader

MAX_LINE = 16_000_000
"""Bytes of the longest line that is read; longer ones hold pictures, or nothing that a lesson needs whole."""
Client = Literal["claude-code", "codex", "gemini"]
CLIENTS: tuple[Client, ...] = get_args(Client)
_SESSIONS: dict[Client, str] = {
    "claude-code": "*/*.jsonl",
    "codex": "**/rollout-*.jsonl",
    "gemini": "*/chats/session-*.jsonl",
}
_OF_GEMINI = re.compile(rb'"type": ?"gemini"')


class Reader(Protocol):
    """Reads the records of one transcript in their order."""

    def read(self, record: dict[str, Any]) -> Entry | None: ...


class Folders(NamedTuple):
    """Where the clients keep their transcripts."""

    claude_code: Path
    codex: Path
    gemini: Path

    def of(self, client: Client) -> Path:
        return self[CLIENTS.index(client)]

    def find(self, path: str) -> tuple[Path, Client]:
        """A transcript that a caller names, with the client whose it is. Raises InvalidInput for any other file.

        Links are followed first, so that none leads out of the folders.
        """
        try:
            file = Path(path).expanduser().resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            file = None
        for client in CLIENTS:
            folder = self.of(client).resolve()
            if file and file.suffix == ".jsonl" and file.is_file() and folder in file.parents:
                return file, client
        raise InvalidInput(
            "This is no transcript that may be read: only .jsonl files of the folders of Claude Code, Codex and Gemini CLI "
            f"({', '.join(map(str, self))}) are. Send the condensed trajectory itself."
        )

    def files(self, client: Client) -> list[Path]:
        """All transcripts of sessions, the one touched longest ago first; those of sub-agents are left out."""
        found = self.of(client).glob(_SESSIONS[client])
        found = (file for file in found if not file.name.startswith("agent-") and file.is_file())
        return sorted(found, key=lambda file: (file.stat().st_mtime, file.name))


def reader_of(client: Client, file: Path | None = None) -> Reader:
    """Gemini CLI notes a session's folder in a file beside the transcript."""
    if client == "gemini":
        return GeminiReader(_project_root(file) if file else "")
    return ClaudeCodeReader() if client == "claude-code" else CodexReader()


def _project_root(file: Path) -> str:
    try:
        return (file.parent.parent / ".project_root").read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""


def entries(file: Path, client: Client) -> Iterator[Entry]:
    """A whole transcript. Raises OSError."""
    with file.open("rb") as source:
        yield from understood(_lines(source), reader_of(client, file))


def last_entries(path: str, size: int) -> tuple[Client, Iterator[Entry]]:
    """Whose transcript it is, and what is in its last `size` bytes. Raises OSError."""
    with open(path, "rb") as source:
        start = max(0, os.fstat(source.fileno()).st_size - size)
        source.seek(start)
        lines = source.read(size).split(b"\n")[1 if start else 0 :]
    client = _whose(lines)
    return client, understood(lines, reader_of(client))


def _whose(lines: Iterable[bytes]) -> Client:
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
