"""Edits TOML and keeps its comments and layout: tables as lines of text, all else by tomlkit."""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, cast

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError

from strategy_bank.server.clients.editors.base import Broken, newline_of, with_value, without_value

_HEADER = re.compile(r"[ \t]*\[")
_EMPTY = re.compile(r"[ \t]*(#.*)?\r?\n?")


def read(text: str) -> dict[str, Any]:
    return _parse(text).unwrap()


def put(text: str, path: Sequence[str], value: Any) -> str:
    # A new table goes to the end, where nothing else changes; a value goes into the table that has it.
    expected = with_value(read(text), path, value)
    if isinstance(value, Mapping):
        newline = newline_of(text)
        rest = drop(text, path)
        lead = f"{'' if rest.endswith(newline) else newline}{newline}" if rest else ""
        table = tomlkit.dumps(with_value({}, path, value)).strip("\n").replace("\n", newline)
        longer = f"{rest}{lead}{table}{newline}"
        if _reads_as(longer, expected):
            return longer
    document = _parse(text)
    place = cast(MutableMapping[str, Any], document)
    for name in path[:-1]:
        place = _mapping(place.setdefault(name, tomlkit.table(is_super_table=True)), name)
    place[path[-1]] = value
    return _written(document, text)


def drop(text: str, path: Sequence[str]) -> str:
    # A table goes with its lines; comments in front of the next one stay.
    expected = without_value(read(text), path)
    shorter = _without_lines(text, path)
    if _reads_as(shorter, expected):
        return shorter
    document = _parse(text)
    _delete(document, path)
    return _written(document, text)


def _without_lines(text: str, path: Sequence[str]) -> str:
    """Return the text without the table and the tables in it, from each header to its last value."""
    names = r"\s*\.\s*".join(rf"(?:{re.escape(name)}|\"{re.escape(name)}\"|'{re.escape(name)}')" for name in path)
    ours = re.compile(rf"[ \t]*\[\s*{names}\s*(?:\.[^\]]*)?\]")
    kept: list[str] = []
    waiting: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        if ours.match(line):
            inside = True
            kept += waiting
            waiting = []
            if kept and not kept[-1].strip():
                kept.pop()
        elif inside and not _HEADER.match(line):
            waiting = [*waiting, line] if _EMPTY.fullmatch(line) else []
        else:
            kept += [*waiting, line]
            waiting, inside = [], False
    return "".join(kept + waiting)


def _parse(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except ParseError as exc:
        raise Broken(exc.line, re.sub(r" at line \d+ col \d+$", "", str(exc))) from exc
    except TOMLKitError as exc:
        raise Broken(1, str(exc)) from exc


def _written(document: tomlkit.TOMLDocument, text: str) -> str:
    """Return the document with the line ends of the text that it was read from; tomlkit ends its own lines in \\n."""
    written = document.as_string()
    return re.sub(r"(?<!\r)\n", "\r\n", written) if 0 < text.count("\r\n") == text.count("\n") else written


def _reads_as(text: str, expected: dict[str, Any]) -> bool:
    try:
        return read(text) == expected
    except Broken:
        return False


def _delete(place: MutableMapping[str, Any], path: Sequence[str]) -> None:
    if path[0] in place and path[1:]:
        _delete(_mapping(place[path[0]], path[0]), path[1:])
    if path[0] in place and (not path[1:] or not place[path[0]]):
        del place[path[0]]


def _mapping(value: Any, name: str) -> Any:
    if not isinstance(value, MutableMapping):
        raise Broken(1, f"{name} is not a table")
    return cast(Any, value)
