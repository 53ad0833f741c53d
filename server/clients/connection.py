"""Changes one configuration file of a client: plans the change, checks it, shows it, keeps a backup, replaces the file.

`plan_connection` and `plan_removal` edit the text and check the plan: read again, the new text must say what the old one said,
but for our entry. `diff_lines` shows the plan, and `write_with_backup` replaces the file, whole or not at all.
"""

import difflib
import os
import stat
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from strategy_bank.server.atomic_file import Owner, give, replacing
from strategy_bank.server.clients.editors.base import Broken, value_at, without_value
from strategy_bank.server.clients.registry import NAME, Client, ServerEntry
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.regular_file import read_regular

_BOM = "\ufeff"
_NEW_FILE = 0o600
# bytes of a file: Claude Code keeps its history in its JSON, and a TOML or YAML of megabytes takes minutes to read
_LARGEST, _LARGEST_JSON = 1024 * 1024, 64 * 1024 * 1024
_SHOWN_CHARS = 200
_SWITCHES = {"disabled": False, "enabled": True}  # an entry that was turned off with one is turned on by connecting


@dataclass(frozen=True)
class Change:
    """A plan for `path` as it was named: the file's bytes now (None: there is no file), and those it will have."""

    path: Path
    before: bytes | None
    after: bytes


def entry_in(client: Client, path: Path) -> Any:
    """Return what the file says of our server; None where it says nothing. Raises InvalidInput."""
    _, text = _decoded(path, _content(path))
    with _naming(path):
        return value_at(client.read(text), [client.key, NAME])


def command_in(entry: Any) -> str:
    """Return the command line that an entry starts; empty where it starts nothing."""
    known = cast(ServerEntry, entry) if isinstance(entry, dict) else {}
    program, args = known.get("command", known.get("cmd")), known.get("args")
    words = cast(list[Any], args) if isinstance(args, list) else []
    return " ".join(map(str, [program, *words])) if program else ""


def plan_connection(client: Client, path: Path, entry: ServerEntry) -> Change | None:
    """Return the change that puts our entry in, and keeps what else stands in one that is there (variables, say).

    None where the file says it already. Raises InvalidInput.
    """
    return _checked_plan(client, path, lambda text: _connected(client, text, entry), entry)


def plan_removal(client: Client, path: Path) -> Change | None:
    """Return the change that takes our entry out; None where there is none. Raises InvalidInput."""
    return _checked_plan(client, path, lambda text: client.editor.drop(text, [client.key, NAME]), None)


def snippet(client: Client, entry: ServerEntry) -> str:
    """Return what an empty file would hold after connecting, for pasting."""
    return client.editor.put("", [client.key, NAME], entry)


def _connected(client: Client, text: str, entry: ServerEntry) -> str:
    at = [client.key, NAME]
    there = value_at(client.read(text), at)
    if not command_in(there):
        return client.editor.put(text, at, entry)
    known = cast(ServerEntry, there)
    switches = {name: value for name, value in _SWITCHES.items() if name in known}
    for name, value in (switches | entry).items():
        if name not in known or known[name] != value:
            text = client.editor.put(text, [*at, name], value)
    return text


def _checked_plan(client: Client, path: Path, edit: Callable[[str], str], wanted: ServerEntry | None) -> Change | None:
    before = _content(path)
    mark, text = _decoded(path, before)
    with _naming(path):
        data, after = client.read(text), edit(text)
        if after != text and not _reads_as_wanted(client, data, after, wanted):
            raise Broken(1, "this file cannot be changed safely as it is written; add by hand what --print shows")
    return None if after == text else Change(path, before, (mark + after).encode())


def _reads_as_wanted(client: Client, before: ServerEntry, text: str, wanted: ServerEntry | None) -> bool:
    """Tell whether the new text, read as the client reads it, has our entry as wanted and all else as before."""
    at = [client.key, NAME]
    try:
        after = client.read(text)
        there = value_at(after, at)
        done = there is None if wanted is None else there == there | wanted
        return done and without_value(after, at) == without_value(before, at)
    except Broken:
        return False


@contextmanager
def _naming(path: Path) -> Generator[None]:
    """Raise InvalidInput with the file's path for Broken."""
    try:
        yield
    except Broken as exc:
        raise InvalidInput(f"{path}, {exc}. Nothing was written.") from exc


def _content(path: Path) -> bytes | None:
    try:
        return read_regular(path, _LARGEST_JSON if path.suffix == ".json" else _LARGEST)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror or exc}.") from exc


def _decoded(path: Path, content: bytes | None) -> tuple[str, str]:
    """Return the byte order mark that some editors put in front, if any, and the text after it. Raises InvalidInput."""
    try:
        text = (content or b"").decode()
    except UnicodeDecodeError as exc:
        line = exc.object.count(b"\n", 0, exc.start) + 1
        raise InvalidInput(f"{path}, line {line}: this is not UTF-8 text. Nothing was written.") from exc
    return (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)


def diff_lines(change: Change) -> Iterator[str]:
    """Yield the lines of a unified diff. Long ones are cut, since some programs keep megabytes in one line."""
    old, new = (_decoded(change.path, content)[1].splitlines() for content in (change.before, change.after))
    for line in difflib.unified_diff(old, new, f"{change.path} (now)", f"{change.path} (then)", lineterm=""):
        yield line if len(line) <= _SHOWN_CHARS else f"{line[:_SHOWN_CHARS]} …"


def write_with_backup(change: Change) -> Path | None:
    """Replace the file, through links, with the mode and the owner it had, and return the path of the backup beside it, if any.

    Raises InvalidInput, having changed nothing, when the file is read-only or no longer the one of the plan.
    """
    target = Path(os.path.realpath(change.path))
    if _content(target) != change.before:
        raise InvalidInput(f"{change.path} was changed by another program meanwhile. Nothing was written; try again.")
    _make_folders(target.parent)
    mode, owner = _writable_mode_and_owner(target) if change.before is not None else (_NEW_FILE, _owner(target.parent))
    backup = None
    if change.before is not None:
        backup = target.with_name(f"{target.name}.strategy-bank.bak")
        _replace(backup, change.before, mode, owner)
    _replace(target, change.after, mode, owner)
    return backup


def _writable_mode_and_owner(target: Path) -> tuple[int, Owner]:
    mode = stat.S_IMODE(target.stat().st_mode)
    if not mode & stat.S_IWUSR:
        raise InvalidInput(f"{target} is read-only. Nothing was written; make it writable, or add what --print shows.")
    return mode, _owner(target)


def _owner(path: Path) -> Owner:
    found = path.stat()
    return found.st_uid, found.st_gid


def _make_folders(folder: Path) -> None:
    """Make missing folders, which belong to whom the one above them belongs. Raises InvalidInput."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            give(each, _owner(each.parent))
    except OSError as exc:
        raise InvalidInput(f"The folder {folder} cannot be made: {exc.strerror or exc}.") from exc


def _replace(path: Path, content: bytes, mode: int, owner: Owner) -> None:
    with replacing(path, mode, owner=owner) as file:
        file.write(content)
