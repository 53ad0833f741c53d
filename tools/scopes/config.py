"""Reads git's configuration files, as far as the addresses of remotes and the paths of submodules need it."""

import os
import re
from pathlib import Path
from typing import NamedTuple

_SECTION = re.compile(r"\s*\[\s*([\w.-]+)(?:\s+\"((?:[^\"\\]|\\.)*)\")?\s*\]")
_LONGEST = 1_000_000  # bytes of a file
_DEEPEST = 5  # files that include files


class Entry(NamedTuple):
    section: str
    name: str
    key: str
    value: str


def entries(file: Path, depth: int = _DEEPEST) -> list[Entry]:
    """Return what a file and the files that it includes say, in order; nothing of one that cannot be read."""
    found, section, name = list[Entry](), "", ""
    for line in small_text(file).splitlines():
        heading = _SECTION.match(line)
        if heading:
            section, name = heading[1].lower(), (heading[2] or "").replace("\\", "")
        key, equals, value = line[heading.end() if heading else 0 :].partition("=")
        if not equals or not key.strip() or key.lstrip()[0] in "#;":
            continue
        found.append(Entry(section, name, key.strip().lower(), value.strip().strip('"')))
        if (section, found[-1].key) == ("include", "path") and depth:
            found += entries(file.parent / os.path.expanduser(found[-1].value), depth - 1)
    return found


def rewritten(address: str, own: list[Entry]) -> str:
    """Return an address with the longest beginning replaced for which this user or the repository has `insteadOf`."""
    rules = [(value, name) for section, name, key, value in [*_users(), *own] if (section, key) == ("url", "insteadof")]
    shorthand, full = max(
        (rule for rule in rules if address.startswith(rule[0])), key=lambda r: len(r[0]), default=("", "")
    )
    return full + address.removeprefix(shorthand)


def small_text(file: Path) -> str:
    """Return the text of a regular file of at most a megabyte; empty where there is none to read."""
    try:
        if not file.is_file() or file.stat().st_size > _LONGEST:
            return ""
        return file.read_bytes().decode("utf-8", "surrogateescape")
    except (OSError, ValueError):  # ValueError: a null byte in its name
        return ""


def _users() -> list[Entry]:
    home = os.path.expanduser("~")
    other = os.environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
    return [*entries(Path(other, "git", "config")), *entries(Path(home, ".gitconfig"))]
