"""Holds what the editors of configuration files share: `json_editor`, `toml_editor`, `yaml_editor`."""

from collections.abc import Sequence
from typing import Any, Protocol, cast


class Broken(Exception):
    """The text is not in its format. Says the line, counted from 1, and what is wrong there."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")


class Editor(Protocol):
    """Changes one value in a text and leaves the rest of it as it is. Every method raises Broken."""

    def read(self, text: str) -> dict[str, Any]:
        """Return what a program reads in the text; an empty text is an empty mapping."""
        ...

    def put(self, text: str, path: Sequence[str], value: Any) -> str:
        """Return the text with the value at the path; mappings on the way are made where they are missing."""
        ...

    def drop(self, text: str, path: Sequence[str]) -> str:
        """Return the text without what is at the path, and without the mappings around it that are empty then."""
        ...


def newline_of(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def with_value(data: dict[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    """Return a copy with the value at the path. Raises Broken where something on the way is no mapping."""
    below = with_value(_mapping(data.get(path[0], {}), path[0]), path[1:], value) if path[1:] else value
    return data | {path[0]: below}


def without_value(data: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """Return a copy without what is at the path, and without the mappings around it that are empty then. Raises Broken."""
    rest = {name: value for name, value in data.items() if name != path[0]}
    if data.get(path[0]) is None or not path[1:]:  # null stands for an empty mapping
        return rest
    below = without_value(_mapping(data[path[0]], path[0]), path[1:])
    return data | {path[0]: below} if below else rest


def value_at(data: Any, path: Sequence[str]) -> Any:
    """Return what is at the path; None where nothing is."""
    for name in path:
        data = cast(dict[str, Any], data).get(name) if isinstance(data, dict) else None
    return data


def nested(path: Sequence[str], value: Any) -> Any:
    """Return the value inside a mapping for each name of the path."""
    for name in reversed(path):
        value = {name: value}
    return value


def _mapping(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Broken(1, f"{name} does not hold named entries")
    return cast(dict[str, Any], value)
