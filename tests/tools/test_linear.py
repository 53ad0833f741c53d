"""Every rule about texts takes time that grows with the text and no faster, in any script: one line must not stop a server.

The rules are found, not listed: all patterns that a module holds or spells out in its code, all that stand in the rule files or
come from detect-secrets, and all public functions from text. The texts are made of what hurt once, and of each pattern's own
parts: the beginning of a match, then one of its repeats over and over.
"""

import ast
import inspect
import pkgutil
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import strategy_bank.server
import strategy_bank.store
import strategy_bank.tools
from strategy_bank.server.transport.line_repair import repair
from strategy_bank.store.errors import StrategyBankError
from strategy_bank.tools.judging.evidence import Evidence
from strategy_bank.tools.judging.quotes import QuoteFinder
from strategy_bank.tools.prompting import fence
from strategy_bank.tools.safety import literals, prompt_injection, redact, rule_file
from strategy_bank.tools.trajectory.normal_form import normalise
from strategy_bank.tools.transcripts.hints import Hints

# The parser of patterns: it is not public, but nothing else tells what a pattern repeats.
PARSER: Any = import_module("re._parser")

SIZES = (2_000, 20_000, 200_000)
MOST = 15.0  # times as long for ten times the text
FLOOR_S = 0.02  # what takes less is not compared
TRIES = 3
LONG = 256  # a repeat of so many is pumped up

OWN_FILES = re.compile(r"__main__$|\.clients\b|\.demo\b")  # those read the user's own configuration and our examples

SHAPES = {
    "digits": "7",
    "letters": "a",
    "capitals": "A",
    "Chinese": "数据库事务回滚",
    "Cyrillic": "щ",
    "look-alikes": "ао",
    "combining marks": "\u0323\u0301",
    "marks in disorder": "\u0301\u0323\u0327",
    "blanks": " ",
    "tabs": "\t",
    "lines": "\n",
    "returns": "\r\n",
    "controls": "\x00a",
    "invisible": "\u200b",
    "tags": "\U000e0041",
    "double quotes": '"',
    "single quotes": "'",
    "backticks": "`",
    "backslashes": "\\",
    "escaped lines": "\\n",
    "escaped letters": "\\u00e9",
    "brackets": "[",
    "parentheses": "(",
    "braces": "{",
    "tag openings": "<",
    "equals": "=",
    "dashes": "-",
    "dots": ".",
    "slashes": "/",
    "colons": ":",
    "at signs": "@",
    "percents": "%41",
    "underscores": "_",
    "base64": "aGVsbG8gd29ybGQ0",
    "hex": "4a8c6fc0",
    "emoji": "🙂",
    "spaced": "a ",
    "quoted": '"a',
    "assigned": "a=",
    "tagged": "<a",
    "dotted": "a.",
    "dashed": "a-",
    "slashed": "a/",
    "slashed digits": "/7",
    "numbers": "12 ",
    "words": "the task failed with exit code 1 and ",
    "clauses": "not to, ",
    "steps": "[1] action: a\n",
    "half steps": "\n[1",
    "keys": "password",
    "markers": "[redacted: ",
    "orders": "ignore all ",
    "installs": "pip install a",
}


def modules() -> Iterator[ModuleType]:
    for package in (strategy_bank.tools, strategy_bank.store, strategy_bank.server):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not OWN_FILES.search(found.name):
                yield import_module(found.name)


Search = partial[None]


def _use_of(pattern: re.Pattern[Any], methods: Iterable[str]) -> Search:
    """Return the way in which a pattern reads a text: only from its beginning where the code does nothing else."""
    whole = [method for method in methods if method not in ("match", "fullmatch")]
    return partial(_searched, pattern) if whole else partial(_matched, pattern)


def _searched(pattern: re.Pattern[Any], text: str) -> None:
    for _ in pattern.finditer(text if isinstance(pattern.pattern, str) else text.encode()):
        pass


def _matched(pattern: re.Pattern[Any], text: str) -> None:
    said = text if isinstance(pattern.pattern, str) else text.encode()
    pattern.match(said)
    pattern.fullmatch(said)


def _spelled_out(module: ModuleType) -> Iterator[tuple[re.Pattern[Any], str]]:
    """Yield the patterns that stand as plain text in a module's calls of `re`, with the function that is called."""
    for node in ast.walk(ast.parse(_source(module))):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="re"), attr=function),
                args=[ast.Constant(value=str() as spelled), *_],
            ) if function != "compile":
                yield re.compile(spelled), function
            case _:
                pass


@cache
def _source(module: ModuleType) -> str:
    return Path(module.__file__ or "").read_text("utf-8")


@cache
def _everything() -> str:
    return "\n".join(map(_source, modules()))


def _held(module: ModuleType) -> Iterator[tuple[re.Pattern[Any], Search]]:
    for name, thing in vars(module).items():
        if isinstance(thing, re.Pattern):
            used = re.findall(rf"\b{name}\.(\w+)\b", _source(module) if name.startswith("_") else _everything())
            yield thing, _use_of(thing, used or ["search"])


def _of_rule_files() -> Iterator[tuple[re.Pattern[Any], Search]]:
    scanner = redact._scanner()
    rules = [*(rule.pattern for rule in scanner.rules), scanner.keywords]
    rules += [*(pattern for _, pattern in prompt_injection._rules()), *literals._shapes()]
    yield from ((pattern, partial(_searched, pattern)) for pattern in rules)
    for file in Path(rule_file.__file__).parent.glob("*.toml"):
        for name in rule_file.contents(file.name).get("words", {}):
            used = re.findall(rf'"{name}"[^()]*\)\.(\w+)\(', _everything())
            pattern = rule_file.word(file.name, name, re.IGNORECASE)
            yield pattern, _use_of(pattern, used)


@cache
def patterns() -> dict[str, tuple[re.Pattern[Any], Search]]:
    """Return every pattern with the way in which it is used."""
    found = [each for module in modules() for each in _held(module)]
    found += [(each, _use_of(each, [name])) for module in modules() for each, name in _spelled_out(module)]
    found += _of_rule_files()
    return {f"{pattern.pattern!r} {use.func.__name__}": (pattern, use) for pattern, use in found}


_ROOMS = re.compile(
    r"strategy_bank\.(?:tools\.(?:safety|trajectory|judging|consolidation|learning|sharing|prompting|transcripts\.(?:entry|hints))"
    r"|store\.(?:retrieval|visible_text|records))\b"
)
_METHODS: dict[str, Callable[[str], Any]] = {
    "a trajectory": normalise,
    "an observation": lambda text: normalise([{"thought": text, "action": text, "observation": text}]),
    "messages": lambda text: normalise([{"role": "user", "content": text}, {"role": "assistant", "content": text}]),
    "a tool's name": lambda text: normalise([{"role": "tool", "name": text, "content": text}]),
    "a quote": lambda text: QuoteFinder(text).holds(text),
    "a short quote": lambda text: QuoteFinder(text).holds("ok"),
    "evidence": lambda text: Evidence(f"[1] action: {text}\n[1] observation: {text}").look_up(["a quote"]),
    "hints": lambda text: Hints().saw(text, failed=False),
    "the words of a user": lambda text: Hints().said(text),
    "a fence": lambda text: fence("trajectory", text),
    "a line": lambda text: repair(f'{{"id": 1, {text}'.encode()),
}


@cache
def functions() -> dict[str, Callable[[str], Any]]:
    """Return every public function of the rooms for texts that takes texts and nothing else but numbers."""
    found = dict(_METHODS)
    for module in filter(lambda module: _ROOMS.match(module.__name__), modules()):
        for name, thing in vars(module).items():
            own = inspect.isfunction(thing) and thing.__module__ == module.__name__ and not name.startswith("_")
            if own and (call := _on_text(thing)) is not None:
                found[f"{module.__name__}.{name}"] = call
    return found


def _on_text(function: Callable[..., Any]) -> Callable[[str], Any] | None:
    needed = [each for each in inspect.signature(function).parameters.values() if each.default is each.empty]
    kinds = [each.annotation for each in needed]
    if (
        str not in kinds
        or not set(kinds) <= {str, int}
        or any(each.kind > each.POSITIONAL_OR_KEYWORD for each in needed)
        or inspect.iscoroutinefunction(function)
    ):
        return None

    def call(text: str) -> None:
        result = function(*(text if kind is str else 1000 for kind in kinds))
        for _ in result if inspect.isgenerator(result) else ():
            pass

    return call


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


def _seconds(action: Callable[[str], Any], text: str) -> float:
    begun = time.thread_time()
    with suppress(StrategyBankError, ValueError, KeyError, OSError, re.error):  # a refusal is an answer too
        action(text)
    return time.thread_time() - begun


def _text(beginning: str, part: str, size: int) -> str:
    return (beginning + part * (size // len(part) + 1))[:size]


def too_slow(action: Callable[[str], Any], beginning: str, part: str) -> str:
    """Return how long ten times the text takes, where that is too much; else nothing."""
    small, middle, large = (_text(beginning, part, size) for size in SIZES)
    # what takes long for few characters already, as many patterns together do, is not tried with many
    less, more = (small, middle) if _seconds(action, small) > FLOOR_S / 4 else (middle, large)
    once = min(_seconds(action, less), _seconds(action, less))
    if once < FLOOR_S / 10:  # even its square would stay below the bound
        return ""
    bound = MOST * max(once, FLOOR_S)
    if any(_seconds(action, more) < bound for _ in range(TRIES)):
        return ""
    return f"over {bound:.2f} s for {len(more):,} characters, {once:.3f} s for a tenth"


def _faults(actions: Iterable[tuple[str, Callable[[str], Any]]], beginning: str, part: str) -> list[str]:
    told = ((name, too_slow(action, beginning, part)) for name, action in actions)
    return [f"{name[:160]}: {fault}" for name, fault in told if fault]


@pytest.mark.parametrize("part", SHAPES.values(), ids=SHAPES)
def test_no_pattern_is_slow_on_one_long_line(part: str) -> None:
    assert _faults([(name, use) for name, (_, use) in patterns().items()], "", part) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", SHAPES.values(), ids=SHAPES)
def test_no_step_is_slow_on_one_long_line(part: str) -> None:
    assert _faults(functions().items(), "", part) == []


def test_no_pattern_is_slow_on_what_nearly_matches_it() -> None:
    assert [
        fault
        for name, (pattern, use) in patterns().items()
        for beginning, part in pumped(pattern)
        for fault in _faults([(f"{name} on {beginning!r} and {part!r}", use)], beginning, part)
    ] == []


def test_the_rules_are_found() -> None:
    assert len(patterns()) > 300
    assert {"strategy_bank.tools.safety.redact.redact", "strategy_bank.tools.safety.literals.find_literals"} <= {
        *functions()
    }


def test_what_is_slow_is_found() -> None:
    assert too_slow(partial(_searched, re.compile(r"\w*[a-z]\w*")), "", "7")
    slow = re.compile(r"<a\s*>")
    assert any(too_slow(partial(_searched, re.compile(r"\s*<a")), *shape) for shape in pumped(re.compile(r"\s*<a")))
    assert not any(too_slow(partial(_searched, slow), *shape) for shape in pumped(slow) if shape[0])
