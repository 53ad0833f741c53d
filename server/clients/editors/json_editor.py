"""Edits JSON with comments as text: one member is put or dropped, and every other byte stays where it was.

The scanner of `json` locates the members in a copy of the same length, in which comments and commas before a closing bracket
are spaces.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from strategy_bank.server.clients.editors.base import Broken, nested, newline_of

_STRING = r'"(?:[^"\\\n]++|\\.)*+"'
_LEXEMES = re.compile(rf"{_STRING}|//[^\n]*|/\*.*?\*/", re.DOTALL)
# Strings and commas with nothing in front of them, both to be left alone, and commas before a closing bracket.
_COMMAS = re.compile(rf"{_STRING}|[{{\[,][ \t\r\n]*,|,(?=[ \t\r\n]*[}}\]])", re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


def read(text: str) -> dict[str, Any]:
    """Return the object in the text, with comments and trailing commas or not; an empty text is an empty one. Raises Broken."""
    return _parse(_strict(text))


def read_commented(text: str) -> dict[str, Any]:
    """Return the object as a program reads it that allows comments, but no trailing commas. Raises Broken."""
    return _parse(_uncommented(text))


def read_strict(text: str) -> dict[str, Any]:
    """Return the object as a program reads it that allows neither. Raises Broken."""
    return _parse(text)


def _parse(source: str) -> dict[str, Any]:
    if not source.strip():
        return {}
    try:
        value = json.loads(source, parse_constant=_refuse)
    except json.JSONDecodeError as exc:
        raise Broken(exc.lineno, f"{exc.msg}, column {exc.colno}") from exc
    except (ValueError, RecursionError) as exc:
        raise Broken(1, str(exc)) from exc
    if not isinstance(value, dict):
        raise Broken(1, "this is not a JSON object")
    return cast(dict[str, Any], value)


def put(text: str, path: Sequence[str], value: Any) -> str:
    """Return the text with `value` at `path`; objects on the way are made where they are missing. Raises Broken."""
    if not _uncommented(text).strip():
        newline = newline_of(text)
        text = f"{text.rstrip()}{newline if text.strip() else ''}{{}}{newline}"
    place, depth = _deepest(text, path)
    member, value = place.last(path[depth]), nested(path[depth + 1 :], value)
    if member is None:
        return _insert(text, place, path[depth], value)
    shown = (
        json.dumps(value, ensure_ascii=False) if place.flat(text) else _value(text, value, _indent(text, member.start))
    )
    return text[: member.value] + shown + text[member.end :]


def drop(text: str, path: Sequence[str]) -> str:
    """Return the text without the member at `path`, and without the objects around it that are empty then. Raises Broken."""
    if not _uncommented(text).strip():
        return text
    place, depth = _deepest(text, path)
    member = place.last(path[depth])
    if member is None or depth < len(path) - 1:
        return text
    text = _remove(text, place, member)
    emptied = text.startswith("{}", place.start)
    return drop(text, path[:-1]) if emptied and depth else text


@dataclass(frozen=True)
class _Member:
    """The offsets of a key, of its value, and of the end of the value."""

    name: str
    start: int
    value: int
    end: int


@dataclass(frozen=True)
class _Object:
    """The offsets of two braces, and the members between them."""

    start: int
    end: int
    members: tuple[_Member, ...]

    def last(self, name: str) -> _Member | None:
        """Return the member of that name; of several the last, as every reader of JSON does."""
        return next((member for member in reversed(self.members) if member.name == name), None)

    def flat(self, text: str) -> bool:
        """Tell whether it has members and all of them stand in one line."""
        return bool(self.members) and "\n" not in text[self.start : self.end]


def _deepest(text: str, path: Sequence[str]) -> tuple[_Object, int]:
    """Return the last object on the path that is there, and which name of the path is one of its members, or would be.

    Null counts as an object that is not there.
    """
    plain = _strict(text)
    place = _object(plain, _skip(plain, 0))
    for depth, name in enumerate(path[:-1]):
        member = place.last(name)
        if member is None or plain[member.value : member.end] == "null":
            return place, depth
        if plain[member.value] != "{":
            raise Broken(text.count("\n", 0, member.start) + 1, f'"{name}" is not an object')
        place = _object(plain, member.value)
    return place, len(path) - 1


def _object(plain: str, start: int) -> _Object:
    members: list[_Member] = []
    at = _skip(plain, start + 1)
    while plain[at] != "}":
        name, end = _DECODER.raw_decode(plain, at)
        value = _skip(plain, _skip(plain, end) + 1)
        end = _DECODER.raw_decode(plain, value)[1]
        members.append(_Member(name, at, value, end))
        at = _skip(plain, end)
        at = _skip(plain, at + 1) if plain[at] == "," else at
    return _Object(start, at, tuple(members))


def _insert(text: str, place: _Object, name: str, value: Any) -> str:
    """Return the text with a new last member in the style of the others; comments at the end stay in front of it."""
    newline, inside = newline_of(text), text[place.start + 1 : place.end]
    if not inside.strip():
        closing = _indent(text, place.start)
        member = newline + _member(text, name, value, closing + _unit(text))
        return f"{text[: place.start + 1]}{member}{newline}{closing}{text[place.end :]}"
    if place.flat(text):
        member = f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
    else:
        member = newline + _member(text, name, value, _members_indent(text, place))
    at = place.start + 1 + len(inside.rstrip())
    if not place.members:
        return text[:at] + member + text[at:]
    end = place.members[-1].end
    if _comma(text, end) >= 0:
        return f"{text[:at]}{member},{text[at:]}"
    return f"{text[:end]},{text[end:at]}{member}{text[at:]}"


def _remove(text: str, place: _Object, member: _Member) -> str:
    """Return the text without the member, its comma and the space in front of it; comments around it stay."""
    begin, comma = len(text[: member.start].rstrip()), _comma(text, member.end)
    after = text[member.end : comma] + text[comma + 1 :] if comma >= 0 else text[member.end :]
    if after.partition("\n")[0].strip() and _uncommented(f"{text[:begin]}x")[-1] != "x":
        begin = member.start  # the line in front ends in a comment, which would swallow what comes now
    before, index = text[:begin], place.members.index(member)
    if comma < 0 and index:
        comma = _comma(text, place.members[index - 1].end)
        before = before[:comma] + before[comma + 1 :]
    if not before[place.start + 1 :].strip() and not after[: after.index("}")].strip():
        before, after = before[: place.start + 1], after[after.index("}") :]
    return before + after


def _comma(text: str, end: int) -> int:
    """Return the offset of the comma after a value; -1 where there is none."""
    bare = _uncommented(text)
    at = _skip(bare, end)
    return at if bare[at] == "," else -1


def _uncommented(text: str) -> str:
    return _LEXEMES.sub(lambda match: match[0] if match[0][0] == '"' else _blank(match[0]), text)


def _strict(text: str) -> str:
    return _COMMAS.sub(lambda match: " " if match[0] == "," else match[0], _uncommented(text))


def _blank(comment: str) -> str:
    return re.sub(r"[^\n]", " ", comment)


def _skip(plain: str, at: int) -> int:
    found = _SPACE.match(plain, at)
    return found.end() if found else at


def _member(text: str, name: str, value: Any, indent: str) -> str:
    return f"{indent}{json.dumps(name)}: {_value(text, value, indent)}"


def _value(text: str, value: Any, indent: str) -> str:
    """Return objects on several lines, all else on one."""
    if not isinstance(value, Mapping) or not value:
        return json.dumps(value, ensure_ascii=False)
    newline, inner = newline_of(text), indent + _unit(text)
    lines = [_member(text, name, each, inner) for name, each in cast(Mapping[str, Any], value).items()]
    return f"{{{newline}{f',{newline}'.join(lines)}{newline}{indent}}}"


def _indent(text: str, at: int) -> str:
    """Return the white space at the beginning of the line of `at`."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip())]


def _members_indent(text: str, place: _Object) -> str:
    """Return the indentation of the first member that begins its line, or else one step more than the object's."""
    for member in place.members[:1]:
        line = text[text.rfind("\n", 0, member.start) + 1 : member.start]
        if not line.strip():
            return line
    return _indent(text, place.start) + _unit(text)


def _unit(text: str) -> str:
    """Return one step of indentation: that of the first indented line."""
    found = re.search(r"\n([ \t]+)[\"/]", text)
    return found[1] if found else "  "


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
