"""Finds the transcripts that coding clients keep of their sessions, and opens them with care.

    Claude Code   ~/.claude/projects/<project>/<session>.jsonl                 claude_code.py
    Codex         ~/.codex/sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl       codex.py
                  ~/.codex/archived_sessions/rollout-<time>-<id>.jsonl
    Gemini CLI    ~/.gemini/tmp/<project>/chats/session-<time>-<id>.jsonl      gemini.py
                  …/session-<time>-<id>.json, of older versions: one document

What counts is the file that was opened, not the name that was looked at before: a name may mean another file a moment later.
A client's folder may itself be a link; below it no link is followed. A hard link cannot be told from the file.
"""

import os
import stat
from pathlib import Path
from typing import IO, Literal, NamedTuple, get_args

from strategy_bank.store.errors import InvalidInput

ClientName = Literal["claude-code", "codex", "gemini"]
CLIENT_NAMES: tuple[ClientName, ...] = get_args(ClientName)
_SESSIONS: dict[ClientName, tuple[str, ...]] = {
    "claude-code": ("*/*.jsonl",),
    "codex": ("**/rollout-*.jsonl",),
    "gemini": ("*/chats/session-*.jsonl", "*/chats/session-*.json"),
}
_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class Folders(NamedTuple):
    """The folders in which the clients keep their transcripts."""

    claude_code: Path
    codex: Path
    gemini: Path
    codex_archive: Path | None = None

    def of(self, client: ClientName) -> list[Path]:
        """Return a client's folders, the first of which it always has."""
        own = {"claude-code": [self.claude_code], "codex": [self.codex, self.codex_archive], "gemini": [self.gemini]}
        return [folder for folder in own[client] if folder]

    def find(self, path: str) -> tuple[Path, ClientName]:
        """Return a transcript that a caller names, and the client that wrote it. Raises InvalidInput for any other file."""
        try:
            file = Path(path).expanduser().resolve(strict=True)  # so that no link leads out of the folders
        except (OSError, ValueError, RuntimeError):
            file = None
        for client in CLIENT_NAMES:
            if file and _is_transcript(file, client) and file.is_file() and self._around(client, file):
                return file, client
        known = ", ".join(str(folder) for client in CLIENT_NAMES for folder in self.of(client))
        raise InvalidInput(
            "This file may not be read: a transcript is a .jsonl file in a folder of Claude Code, Codex or Gemini CLI "
            f"({known}), or a chats/session-….json of the last. Send the condensed trajectory itself."
        )

    def files(self, client: ClientName) -> tuple[list[Path], int]:
        """Return all transcripts of sessions but those of sub-agents, the one touched longest ago first.

        The number says how many names were skipped, since they are no files or links that lead out of the client's folders.
        """
        roots, found, skipped = [folder.resolve() for folder in self.of(client)], set[Path](), 0
        for named in (file for root in roots for pattern in _SESSIONS[client] for file in root.glob(pattern)):
            file = named.resolve()
            if named.name.startswith("agent-"):
                continue
            if file.is_file() and not set(roots).isdisjoint(file.parents):
                found.add(file)
            else:
                skipped += 1
        return sorted(found, key=lambda file: (file.stat().st_mtime, file.name)), skipped

    def open(self, file: Path, client: ClientName) -> IO[bytes]:
        """Open a file that `find` or `files` returned. Raises OSError where it is another one by now."""
        folder = self._around(client, file)
        if not folder:
            raise OSError("it is in no folder of the client")
        return open_below(folder, file.relative_to(folder))

    def _around(self, client: ClientName, file: Path) -> Path | None:
        return next((each for folder in self.of(client) if (each := folder.resolve()) in file.parents), None)


def _is_transcript(file: Path, client: ClientName) -> bool:
    return file.suffix == ".jsonl" or (client == "gemini" and file.match("chats/session-*.json"))


def open_regular(path: str | Path) -> IO[bytes]:
    """Open a regular file for reading, and nothing else: a pipe would make us wait, and a device may do anything.

    Raises OSError.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(f"{path} is not a regular file")
    return _checked(os.open(path, _READ | _WITHOUT_WAITING))


def open_below(folder: Path, inside: Path) -> IO[bytes]:
    """Open a regular file below a folder, without following a link on the way. Raises OSError."""
    if os.open not in os.supports_dir_fd:  # Windows, where links need a privilege
        return open_regular(folder / inside)
    here = os.open(folder, _READ | os.O_DIRECTORY)
    try:
        for name in inside.parts[:-1]:
            below = os.open(name, _READ | os.O_DIRECTORY | _NO_LINK, dir_fd=here)
            os.close(here)
            here = below
        if not stat.S_ISREG(os.stat(inside.name, dir_fd=here, follow_symlinks=False).st_mode):
            raise OSError(f"{folder / inside} is not a regular file")
        return _checked(os.open(inside.name, _READ | _WITHOUT_WAITING | _NO_LINK, dir_fd=here))
    finally:
        os.close(here)


def _checked(descriptor: int) -> IO[bytes]:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("it is not a regular file")
    return os.fdopen(descriptor, "rb")
