"""Turns the address of a git remote into one form, so that all clones of a repository have the same."""

import re
from urllib.parse import unquote, urlsplit

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_SCP = re.compile(r"(?:[^/@:]+@)?(\[[^]]+\]|[^/:@]+):(.*)", re.DOTALL)
_OTHER_DOOR = re.compile(r"(?:alt)?ssh\.(?=[^.]+\.)")  # under which some hosts take ssh on the port of https


def normalised(address: str) -> str:
    """Return `host/path` without user, password, port and `.git`, in lower case; empty for a folder of this machine."""
    if "://" in address:
        split = urlsplit(address)
        host, path = ("", "") if split.scheme == "file" else (split.netloc.rpartition("@")[2], split.path)
        host = re.sub(r":\d*$", "", host)
    elif not _DRIVE.match(address) and (scp := _SCP.fullmatch(address)):
        host, path = scp[1], scp[2]
    else:
        return ""
    words = unquote(path).strip("/").removesuffix(".git").rstrip("/")
    return f"{_OTHER_DOOR.sub('', host)}/{words}".lower() if host and words else ""


def local_folder(address: str) -> str:
    """Return the folder that an address without a host names."""
    return unquote(urlsplit(address).path) if address.startswith("file://") else address
