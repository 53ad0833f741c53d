"""Reads the formats and contexts of `secret_rules.toml`. A pattern is compiled when a text first has one of its cues."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from strategy_bank.tools.safety.rule_file import compiled, contents
from strategy_bank.tools.safety.secret_values import ACCEPT, FILE

_MASKED = re.compile(r"([xX*•])\1{7}")


@dataclass(frozen=True)
class Rule:
    """Finds one kind of secret. `spelling` is the pattern as the file has it, `cues` are in lower case."""

    kind: str
    spelling: str
    cues: tuple[str, ...]
    accept: Callable[[str], bool]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return compiled(FILE, self.spelling)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the secrets of this kind stand in a text."""
        for found in self.pattern.finditer(text):
            start, end = _value_span(found)
            if self.accept(text[start:end]) and not _MASKED.search(text, start, end):
                yield start, end


def _value_span(found: re.Match[str]) -> tuple[int, int]:
    """Return the place of the named group that matched, or of all where there is none."""
    named = next((name for name in found.re.groupindex if found[name] is not None), 0)
    return found.span(named)


def formats() -> tuple[Rule, ...]:
    """Return the rules that know a secret by its own form."""
    return tuple(_rule(row, "(?<![A-Za-z0-9])") for row in contents(FILE)["formats"])


def contexts() -> tuple[Rule, ...]:
    """Return the rules that know a secret by the words around it; the private key, which may hold anything, comes first."""
    return tuple(_rule(row) for row in contents(FILE)["contexts"])


def _rule(row: dict[str, Any], edge: str = "") -> Rule:
    return Rule(row["kind"], edge + row["pattern"], tuple(row["cues"]), ACCEPT[row.get("accept", "all")])
