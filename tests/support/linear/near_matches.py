"""Texts that nearly match a pattern, made of its own parts: the beginning of a match, then one of its repeats over and over."""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

# The parser of patterns: it is not public, but nothing else tells what a pattern repeats.
PARSER: Any = import_module("re._parser")
LONG = 256  # a repeat of so many is pumped up


def _example(tree: Any) -> str:
    """Return a short text that a parsed pattern matches, as far as that can be told without looking around."""
    return "".join(_example_of(str(operation), argument) for operation, argument in tree)


def _example_of(operation: str, argument: Any) -> str:
    match operation:
        case "LITERAL":
            return chr(argument)
        case "IN":
            return _member(argument)
        case "BRANCH":
            return _example(argument[1][0])
        case "SUBPATTERN":
            return _example(argument[3])
        case "ATOMIC_GROUP":
            return _example(argument)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return _example(argument[2]) * min(argument[0], 300)
        case "ANY" | "NOT_LITERAL":
            return "a"
        case _:
            return ""  # a look around, an edge, a reference to a group


def _member(members: Any) -> str:
    operation, argument = str(members[0][0]), members[0][1]
    if operation == "NEGATE":
        return next((char for char in "a1 -\n.(é" if not any(_holds(each, char) for each in members[1:])), "")
    if operation == "RANGE":
        return chr(argument[0])
    return (
        {"CATEGORY_SPACE": " ", "CATEGORY_DIGIT": "7", "CATEGORY_NOT_WORD": "-"}.get(str(argument), "a")
        if (operation == "CATEGORY")
        else chr(argument)
    )


def _holds(member: Any, char: str) -> bool:
    operation, argument = str(member[0]), member[1]
    if operation == "RANGE":
        return argument[0] <= ord(char) <= argument[1]
    if operation == "CATEGORY":
        kinds = {"CATEGORY_SPACE": r"\s", "CATEGORY_DIGIT": r"\d", "CATEGORY_WORD": r"\w"}
        return str(argument) not in kinds or re.match(kinds[str(argument)], char) is not None
    return argument == ord(char)


def _pumps(tree: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Yield what leads to each long repeat of a parsed pattern, and what it repeats."""
    for operation, argument in tree:
        kind = str(operation)
        if kind.endswith("_REPEAT"):
            _, most, body = argument
            if int(most) >= LONG and _example(body):
                yield before, _example(body)
            yield from _pumps(body, before)
        elif kind == "BRANCH":
            for branch in argument[1]:
                yield from _pumps(branch, before)
        elif kind in ("SUBPATTERN", "ATOMIC_GROUP", "ASSERT", "ASSERT_NOT"):
            inner = argument if kind == "ATOMIC_GROUP" else argument[-1]
            yield from _pumps(inner, before)
        before += _example_of(kind, argument)


def pumped(pattern: re.Pattern[Any]) -> set[tuple[str, str]]:
    """Return texts as (beginning, part that is repeated): nearly matches, of which each long repeat goes on and on."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    tree = PARSER.parse(source, pattern.flags & ~re.UNICODE)
    found = set(_pumps(tree))
    whole = _example(tree)
    again = {("", f"{before}{body}") for before, body in found}
    return found | again | ({("", whole[:-1])} if len(whole) > 1 else set())
