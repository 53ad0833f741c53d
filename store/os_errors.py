"""What is behind an error of the operating system or of LanceDB, and the way out: room, rights, or a damaged bank."""

import errno
import os
import re
from pathlib import Path

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_RIGHTS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_DAMAGE = re.compile(
    r"not found|not appear to be a lance file|magic|bytes: b|fill whole buffer|file size is too small|invalid range"
    r"|corrupt|checksum|decod(?:e|ing)|unexpected eof|out of bounds|panicked",
    re.I,
)
"""How LanceDB tells of a file that is missing, cut short or overwritten."""
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_NOISE = re.compile(r"lance error: |External error: |LanceError\(\w+\): |,? \S+\.rs:\d+:\d+")
"""Names of LanceDB's layers, and the lines of its source."""
_MESSAGE_CHARS = 300
_ELSEWHERE = "Check the address, that it can be reached from here, and the credentials in the environment."
_ANYTHING_ELSE = "Check that the place exists, has room and belongs to this user; `strategy-bank doctor` tells more."


def bank_trouble(uri: str, exc: Exception) -> str:
    """One message for an error that LanceDB raised on the bank at `uri`."""
    said = _NOISE.sub("", (str(exc).splitlines() or [""])[0])[:_MESSAGE_CHARS] or type(exc).__name__
    code = _OS_ERROR.search(said)
    way_out = way_out_of(int(code[1]), uri) if code else ""
    remote = "://" in uri
    if not way_out and not remote and _DAMAGE.search(said):
        return _damaged(uri, said)
    otherwise = _ELSEWHERE if remote else _ANYTHING_ELSE
    return f"The bank at {uri} could not be read or written: {said}. {way_out or otherwise}"


def way_out_of(code: int | None, path: str) -> str:
    """What to do about this `errno` at a path; empty where nothing better than general advice is known."""
    if code in _NO_ROOM:
        return (
            "There is no room left for it. What was acknowledged before is safe and can be read; "
            "make room on that disk, or raise the quota, and do it again."
        )
    if code in _NO_RIGHTS:
        return (
            f"This user may not write there{_owned_by(path)}. Have the folder given back (chown, chmod u+rwX) or mounted for "
            "writing, or set STRATEGY_BANK_HOME to a folder of your own."
        )
    return ""


def _damaged(uri: str, said: str) -> str:
    if "/_indices/" in said:
        return (
            f"An index of the bank at {uri} is damaged ({said}). Nothing that was learned is lost: "
            "`strategy-bank models use NAME`, with the model that `strategy-bank doctor` names, builds it anew."
        )
    return (
        f"The bank at {uri} seems to be damaged ({said}). Nothing was repaired or thrown away. Try once more; if it stays so, "
        f"end the servers that use it, keep the damaged bank aside (`mv '{uri}' '{uri}.damaged'`) and put the last backup in "
        "its place with `strategy-bank restore FILE`, or an export with `strategy-bank import FILE`."
    )


def _owned_by(path: str) -> str:
    """Whose the nearest folder above that exists is, where that is somebody else."""
    for folder in [Path(path), *Path(path).parents]:
        try:
            owner, us = folder.stat().st_uid, os.getuid()
        except (OSError, AttributeError):  # not there or not to be seen; no owners on Windows
            continue
        return "" if owner == us else f": {folder} belongs to user {_name(owner)}"
    return ""


def _name(uid: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return str(uid)
