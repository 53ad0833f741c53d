"""A folder for the scratch files of libraries, in the bank's home: TMPDIR may be gone, and /tmp belongs to everybody."""

import atexit
import os
import shutil
import stat
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

_TRIES = 3
_held = list[tuple[Path, int]]()
"""The folder of this process and the descriptor that locks it, the newest last."""


def lend_scratch(home: Path) -> Path | None:
    """Let TMPDIR be a folder of this process in the home, and return it.

    Where the home cannot be written, TMPDIR stays as it is, and None is returned: with that, `tempfile` takes the system's
    place.
    """
    if sys.platform == "win32":
        return None
    if _held and _held[-1][0].is_dir():
        return _held[-1][0]
    with suppress(OSError):
        above = home / "tmp"
        _make_if_missing(above)
        _drop_abandoned(above)
        for _ in range(_TRIES):
            folder = Path(mkdtemp(dir=above))
            with suppress(OSError):  # another process may take it for abandoned before it is locked
                _held.append((folder, _lock(folder)))
                if folder.is_dir():
                    return _lent(folder)
    return None


def _make_if_missing(above: Path) -> None:
    """Make the folder for those of all processes. In a team's folder, one with the setgid bit, its group may make some too."""
    with suppress(FileExistsError):
        above.mkdir(mode=0o700)
        if above.parent.stat().st_mode & stat.S_ISGID:
            above.chmod(0o3770)  # sticky: each removes its own


def _lent(folder: Path) -> Path:
    os.environ["TMPDIR"] = str(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _lock(folder: Path) -> int:
    """Lock a folder until this process ends, and return the descriptor. Raises OSError where another process has it."""
    import fcntl

    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(number)
        raise
    return number


def _drop_abandoned(above: Path) -> None:
    """Remove the folders of processes that were killed."""
    for folder in above.iterdir():
        with suppress(OSError):
            number = _lock(folder)
            shutil.rmtree(folder, ignore_errors=True)
            os.close(number)
