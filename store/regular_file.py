"""Reads regular files of a bounded size: a pipe would block, a device has no end."""

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_MB = 1024 * 1024


def read_regular(path: Path, at_most: int) -> bytes:
    """Return the content, of `at_most` bytes. Raises OSError, with the reason in words."""
    with open_regular(path) as file:
        content = file.read(at_most + 1)
    if len(content) > at_most:
        raise OSError(errno.EFBIG, f"it is larger than {at_most // _MB} MB", str(path))
    return content


@contextmanager
def open_regular(path: Path) -> Generator[IO[bytes]]:
    """Open a file for reading, without waiting where it is a pipe. Raises OSError, with the reason in words."""
    _check_kind(os.stat(path))  # before it is opened: opening some devices does something
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        _check_kind(os.fstat(file.fileno()))
        yield file


def _check_kind(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is a device, a pipe or a socket, not a file")
