"""The change of one configuration file: planned from the file as it is, shown, written whole or not at all.

A plan is checked before anybody sees it: read again, the new text must say what the old one said, but for our entry.
"""

import difflib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

from strategy_bank.server.atomic_file import replacing
from strategy_bank.server.clients.editors.base import Broken, value_at, without
from strategy_bank.server.clients.registry import NAME, Client, Entry
from strategy_bank.store.errors import InvalidInput

T = TypeVar("T")
_BOM = "\ufeff"
_NEW_FILE = 0o600
_SHOWN_CHARS = 200
_SWITCHES = {"disabled": False, "enabled": True}
"""With which clients turn an entry off that stays in the file; connecting turns it on."""


@dataclass(frozen=True)
class Change:
    """`path` as it was named, the file's bytes now (None: there is no file), and what it shall hold."""

    path: Path
    before: bytes | None
    after: bytes


def entry_in(client: Client, path: Path) -> Any:
    """What the file says of our server; None where it says nothing. Raises InvalidInput."""
    _, text = _text(path, _bytes(path))
    return _told(path, lambda: value_at(client.read(text), [client.key, NAME]))


def command_in(entry: Any) -> str:
    """What an entry starts; empty where it starts nothing."""
    known = cast(Entry, entry) if isinstance(entry, dict) else {}
    program, args = known.get("command", known.get("cmd")), known.get("args")
    words = cast(list[Any], args) if isinstance(args, list) else []
    return " ".join(map(str, [program, *words])) if program else ""


def connection(client: Client, path: Path, entry: Entry) -> Change | None:
    """None where the file says it already. What else stands in an entry of ours (variables, say) stays. Raises InvalidInput."""
    return _plan(client, path, lambda text: _connected(client, text, entry), entry)


def removal(client: Client, path: Path) -> Change | None:
    """None where there is nothing to remove. Raises InvalidInput."""
    return _plan(client, path, lambda text: client.editor.drop(text, [client.key, NAME]), None)


def snippet(client: Client, entry: Entry) -> str:
    """What to paste into an empty file."""
    return client.editor.put("", [client.key, NAME], entry)


def _connected(client: Client, text: str, entry: Entry) -> str:
    at = [client.key, NAME]
    there = value_at(client.read(text), at)
    if not command_in(there):
        return client.editor.put(text, at, entry)
    known = cast(Entry, there)
    switches = {name: value for name, value in _SWITCHES.items() if name in known}
    for name, value in (switches | entry).items():
        if name not in known or known[name] != value:
            text = client.editor.put(text, [*at, name], value)
    return text


def _plan(client: Client, path: Path, edit: Callable[[str], str], wanted: Entry | None) -> Change | None:
    before = _bytes(path)
    mark, text = _text(path, before)

    def plan() -> str:
        data, after = client.read(text), edit(text)
        if after != text and not _is_right(client, data, after, wanted):
            raise Broken(1, "this file cannot be changed safely as it is written; put in by hand what --print shows")
        return after

    after = _told(path, plan)
    return None if after == text else Change(path, before, (mark + after).encode())


def _is_right(client: Client, before: Entry, text: str, wanted: Entry | None) -> bool:
    """Whether our entry has changed as wanted, and nothing else."""
    at = [client.key, NAME]
    try:
        after = client.read(text)
        there = value_at(after, at)
        done = there is None if wanted is None else there == there | wanted
        return done and without(after, at) == without(before, at)
    except Broken:
        return False


def _told(path: Path, action: Callable[[], T]) -> T:
    try:
        return action()
    except Broken as exc:
        raise InvalidInput(f"{path}, {exc}. Nothing was written.") from exc


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror or exc}.") from exc


def _text(path: Path, content: bytes | None) -> tuple[str, str]:
    """The mark that some editors put in front, and the text behind it."""
    try:
        text = (content or b"").decode()
    except UnicodeDecodeError as exc:
        line = exc.object.count(b"\n", 0, exc.start) + 1
        raise InvalidInput(f"{path}, line {line}: this is not UTF-8 text. Nothing was written.") from exc
    return (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)


def diff(change: Change) -> Iterator[str]:
    """Lines of a unified diff; long ones are cut, since some programs keep megabytes in one line."""
    old, new = (_text(change.path, content)[1].splitlines() for content in (change.before, change.after))
    for line in difflib.unified_diff(old, new, f"{change.path} (now)", f"{change.path} (then)", lineterm=""):
        yield line if len(line) <= _SHOWN_CHARS else f"{line[:_SHOWN_CHARS]} …"


def write(change: Change) -> Path | None:
    """Put the change in place, through links, with the mode the file had; the path of the backup beside it, if any.

    Raises InvalidInput, having changed nothing, when the file is read-only or no longer the one of the plan.
    """
    target = Path(os.path.realpath(change.path))
    if _bytes(target) != change.before:
        raise InvalidInput(f"{change.path} was changed by another program meanwhile. Nothing was written; try again.")
    mode = _writable_mode(target) if change.before is not None else _NEW_FILE
    backup = None
    if change.before is not None:
        backup = target.with_name(f"{target.name}.strategy-bank.bak")
        _replace(backup, change.before, mode)
    _replace(target, change.after, mode)
    return backup


def _writable_mode(target: Path) -> int:
    mode = stat.S_IMODE(target.stat().st_mode)
    if not mode & stat.S_IWUSR:
        raise InvalidInput(f"{target} is read-only. Nothing was written; make it writable, or add what --print shows.")
    return mode


def _replace(path: Path, content: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise InvalidInput(f"The folder {path.parent} cannot be made: {exc.strerror or exc}.") from exc
    with replacing(path, mode) as file:
        file.write(content)
