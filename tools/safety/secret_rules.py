"""Reads `secret_rules.toml`: formats and contexts of secrets that detect-secrets lacks or matches too slowly."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from strategy_bank.tools.safety.rule_file import compiled, contents
from strategy_bank.tools.safety.secret_values import FILE, is_mixed, is_real, is_typed_password

_ACCEPT: dict[str, Callable[[str], bool]] = {
    "all": bool,
    "real": is_real,
    "authorization": lambda value: is_real(value) and not (value.isalpha() and value.islower()),
    "bearer": lambda value: is_mixed(value, 16) and is_real(value),
    "typed password": is_typed_password,
}


@dataclass(frozen=True)
class Rule:
    """Finds one kind of secret: the group `secret` of the pattern, or all of the match where it has no such group."""

    kind: str
    pattern: re.Pattern[str]
    cues: tuple[str, ...]  # in lower case; a text with none of them is not searched
    accept: Callable[[str], bool] = bool


def contexts() -> tuple[Rule, ...]:
    """Return the rules that know a secret by the words around it; the private key, which may hold anything, comes first."""
    return tuple(
        Rule(row["kind"], compiled(FILE, row["pattern"]), tuple(row["cues"]), _ACCEPT[row.get("accept", "all")])
        for row in contents(FILE)["context"]
    )


def formats() -> tuple[Rule, ...]:
    """Return the rules that know a secret by its own form."""
    return tuple(
        Rule(kind, compiled(FILE, f"{{EDGE}}{pattern}"), (cue,)) for kind, cue, pattern in contents(FILE)["formats"]
    )
