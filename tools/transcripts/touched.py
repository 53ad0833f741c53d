"""Tells which files an agent's calls wrote, by the shape of their arguments: a patch, or a path beside a further text.

Two prompts in a row after which the same file is written are about one thing, in whatever language they are.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from strategy_bank.tools.transcripts.entry import fields, objects, word

_PATCHED = re.compile(r"^\*\*\* (?:Update|Add|Delete) File: (.+)$", re.MULTILINE)
_PATH = re.compile(r"[^\s\x00-\x1f]{0,300}[^\s/\\]\.\w{1,10}")
_SAID = 2  # last parts of a path by which it is known, since some calls give it whole and others from the project on
_DEPTH = 4


def written(message: dict[str, Any]) -> set[str]:
    """Return the files that the calls in a message of the agent write, by the last parts of their paths."""
    return {path for call in _calls(message) for path in _files(list(_texts(call)))}


def _calls(message: dict[str, Any]) -> Iterator[Any]:
    """Yield the arguments of each call, in the forms of the three clients."""
    if word(message.get("type")).endswith("_call"):
        yield [message.get(name) for name in ("input", "arguments", "action")]
    for block in objects(message.get("content")):
        if block.get("type") == "tool_use":
            yield block.get("input")
    for call in objects(message.get("tool_calls")):
        yield fields(call.get("function")).get("arguments") or call.get("arguments")


def _texts(value: Any, depth: int = _DEPTH) -> Iterator[str]:
    if isinstance(value, str):
        yield from _texts(_parsed(value), depth - 1) if value.startswith("{") and depth else [value]
    elif depth and isinstance(value, dict | list):
        parts = cast(dict[str, Any], value).values() if isinstance(value, dict) else cast(list[Any], value)
        for part in parts:
            yield from _texts(part, depth - 1)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return [text]


def _files(texts: list[str]) -> Iterator[str]:
    patched = [path for text in texts for path in _PATCHED.findall(text)]
    paths = [text for text in texts if _PATH.fullmatch(text)]
    further = len(paths) < len(texts)
    for path in patched or (paths if further else []):
        yield "/".join(re.split(r"[/\\]", word(path).strip())[-_SAID:])
