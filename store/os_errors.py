"""Explains errors of the operating system and of LanceDB: no room, no rights, files in use or damage, and what to do."""

import errno
import os
import re
from pathlib import Path

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_RIGHTS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_IN_USE = frozenset({errno.EBUSY, errno.ETXTBSY})
# LanceDB reports the numbers of Windows as they are, and Python takes both 5 and 32 for EACCES
_OF_WINDOWS = {
    **{5: errno.EACCES, 19: errno.EROFS, 32: errno.EBUSY, 33: errno.EBUSY},
    **{39: errno.ENOSPC, 112: errno.ENOSPC, 1224: errno.EBUSY, 1295: errno.EDQUOT},
}
# how LanceDB describes a file that is missing, cut short or overwritten
_DAMAGE = re.compile(
    r"not found|not appear to be a lance file|magic|bytes: b|fill whole buffer|file size is too small|invalid range"
    r"|corrupt|checksum|decod(?:e|ing)|unexpected eof|out of bounds|panicked",
    re.I,
)
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
# names of LanceDB's layers, and lines of its source
_NOISE = re.compile(r"lance error: |External error: |LanceError\(\w+\): |,? \S+\.rs:\d+:\d+")
_MESSAGE_CHARS = 300
_TEMPORARY_ADVICE = "Let this user write to the bank's folder, or set TMPDIR to a folder that it can write to."
_REMOTE_ADVICE = "Check the address, the network and the credentials in the environment."
_LOCAL_ADVICE = "Check that the folder exists, has room and belongs to this user; `strategy-bank doctor` tells more."


def bank_trouble(uri: str, exc: Exception, *, windows: bool = os.name == "nt") -> str:
    """Return the message for an error that LanceDB raised on the bank at `uri`; `windows` says whose numbers it holds."""
    said = _NOISE.sub("", (str(exc).splitlines() or [""])[0])[:_MESSAGE_CHARS] or type(exc).__name__
    code = _OS_ERROR.search(said)
    number = int(code[1]) if code else None
    advice = way_out_of(_OF_WINDOWS.get(number or 0) if windows else number, uri)
    remote = "://" in uri
    if not advice and re.search("temp(orary)? dir", said):
        return f"LanceDB found no folder for scratch files: {said}. {_TEMPORARY_ADVICE}"
    if not advice and not remote and _DAMAGE.search(said):
        return _damaged(uri, said)
    general = _REMOTE_ADVICE if remote else _LOCAL_ADVICE
    return f"The bank at {uri} could not be read or written: {said}. {advice or general}"


def way_out(exc: BaseException, path: Path) -> str:
    """Return what to do about an error at a path; empty where only general advice is known."""
    code = _OF_WINDOWS.get(getattr(exc, "winerror", None) or 0, getattr(exc, "errno", None))
    return way_out_of(code, str(path))


def way_out_of(code: int | None, path: str) -> str:
    """Return what to do about this `errno` at a path; empty where only general advice is known."""
    if code in _NO_ROOM:
        return (
            "There is no room left for it. Everything that was acknowledged before is safe and readable; "
            "make room on that disk or raise the quota, then try again."
        )
    if code in _NO_RIGHTS:
        return (
            f"This user may not write there{_owned_by(path)}. Fix its ownership or permissions (chown, chmod u+rwX; on "
            "Windows its Security tab) or remount it read-write, or set STRATEGY_BANK_HOME to a folder of your own."
        )
    if code in _IN_USE:
        return (
            "Another program has it open: end other strategy-bank servers, let a virus scanner finish, and try again."
        )
    return ""


def _damaged(uri: str, said: str) -> str:
    if re.search(r"[/\\]_indices[/\\]", said):
        return (
            f"An index of the bank at {uri} is damaged ({said}). Nothing that was learned is lost: rebuild the index with "
            "`strategy-bank models use NAME`, where NAME is the model that `strategy-bank doctor` names."
        )
    return (
        f"The bank at {uri} seems to be damaged ({said}). Nothing was repaired or deleted. Try again; if the error stays, "
        f"stop the servers that use the bank, rename '{uri}' to '{uri}.damaged', and put the last backup in its place with "
        "`strategy-bank restore FILE`, or an export with `strategy-bank import FILE`."
    )


def _owned_by(path: str) -> str:
    """Name the owner of the nearest folder that exists, if that is another user."""
    for folder in [Path(path), *Path(path).parents]:
        try:
            owner, us = folder.stat().st_uid, os.getuid()
        except (OSError, AttributeError):  # missing or unreadable; no owners on Windows
            continue
        return "" if owner == us else f": {folder} belongs to user {_owner(folder)}"
    return ""


def _owner(folder: Path) -> str:
    try:
        return folder.owner()
    except KeyError:  # a user without a name here, as in a container
        return str(folder.stat().st_uid)
