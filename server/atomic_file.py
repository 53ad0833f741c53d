"""Files that are written whole or not at all."""

import os
import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from strategy_bank.server.interruption import ending_in_order
from strategy_bank.store.errors import InvalidInput

Owner = tuple[int, int]
"""The numbers of a user and a group."""
_WAITS_S = (0.02, 0.05, 0.1, 0.2, 0.4)


@contextmanager
def replacing(
    path: Path, mode: int = 0o600, move: Callable[[str, str], None] = os.replace, owner: Owner | None = None
) -> Generator[IO[bytes]]:
    """Yield a file beside `path` that takes its place at the end, or vanishes. A link stays, and its target is replaced.

    It belongs to this user, or to the `owner` where this user may give files away.

    Raises:
        InvalidInput: the folder cannot be written, or another program keeps the file open.
    """
    target = os.path.realpath(path)
    try:
        with ending_in_order():
            # named before it is made, so that a signal at any moment finds what to remove
            name = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.{secrets.token_hex(4)}")
            try:
                number = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
                with os.fdopen(number, "wb") as file:
                    yield file
                    file.flush()
                    os.fsync(number)
                if owner:
                    give(Path(name), owner)
                os.chmod(name, mode)
                _move(name, target, move)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
    except OSError as exc:
        advice = " Is it open in another program?" if isinstance(exc, PermissionError) else ""
        raise InvalidInput(f"{path} cannot be written: {exc.strerror or exc}.{advice}") from exc


def give(path: Path, owner: Owner) -> None:
    """Give a file or folder to its owner, where this user may: a user who is root for a moment must not take it away."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        os.chown(path, *owner)


def _move(name: str, target: str, move: Callable[[str, str], None]) -> None:
    # Windows refuses while another program has the file open, as virus scanners and indexers do for a moment
    for wait in _WAITS_S:
        try:
            return move(name, target)
        except PermissionError:
            time.sleep(wait)
    return move(name, target)
