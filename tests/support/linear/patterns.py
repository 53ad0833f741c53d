"""All patterns of the code, and how each is used: those that a module holds or spells out, and those of the rule files."""

import ast
import pkgutil
import re
from collections.abc import Iterable, Iterator
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import strategy_bank.server
import strategy_bank.store
import strategy_bank.tools
from strategy_bank.tools.safety import literals, prompt_injection, redact, rule_file, secret_keys

OWN_FILES = re.compile(r"__main__$|\.clients\b|\.demo\b")  # those read the user's own configuration and our examples


def modules() -> Iterator[ModuleType]:
    for package in (strategy_bank.tools, strategy_bank.store, strategy_bank.server):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not OWN_FILES.search(found.name):
                yield import_module(found.name)


Search = partial[None]


def _use_of(pattern: re.Pattern[Any], methods: Iterable[str]) -> Search:
    """Return the way in which a pattern reads a text: only from its beginning where the code does nothing else."""
    whole = [method for method in methods if method not in ("match", "fullmatch")]
    return partial(searched, pattern) if whole else partial(_matched, pattern)


def searched(pattern: re.Pattern[Any], text: str) -> None:
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
            ) if function not in ("compile", "escape"):
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
    rules = [rule.pattern for rule in redact.all_rules()] + secret_keys.patterns()
    rules += [*(rule.pattern for rule in prompt_injection.rules()), *literals._shapes()]
    yield from ((pattern, partial(searched, pattern)) for pattern in rules)
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
