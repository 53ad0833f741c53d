"""The examples of the rules about secrets, with random values put in: none of them stands in a file."""

import random
import re
import string
from collections.abc import Iterator
from typing import Any

from strategy_bank.tools.safety.rule_file import contents

ALPHABETS = {
    "a": string.ascii_letters + string.digits,
    "l": string.ascii_lowercase + string.digits,
    "u": string.ascii_uppercase + "234567",
    "x": string.digits + "abcdef",
    "X": string.digits + "ABCDEF",
    "d": string.digits,
    "w": string.ascii_letters + string.digits + "-_",
    "b": string.ascii_letters + string.digits + "+/",
}


def filled(example: str, seed: int = 0) -> tuple[str, list[str]]:
    """Return the example with a random value for each `{a:36}`, and those values that are long enough to be a secret."""
    chance = random.Random(f"{seed} {example}")
    values: list[str] = []

    def value(field: re.Match[str]) -> str:
        alphabet, length = ALPHABETS[field[1]], int(field[2])
        end = "7q" if field[1] in "alwb" and length > 4 else ""  # a letter and a digit in each
        made = "".join(chance.choices(alphabet, k=length - len(end))) + end
        values.append(made)
        return made

    text = re.sub(r"\{([aluxXdwb]):(\d+)\}", value, example.replace("{KEY}", "KEY"))
    return text, [made for made in values if len(made) >= 8]


def rules() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every rule of the file with a name for it."""
    for part, name in (("keys", "why"), ("formats", "kind"), ("contexts", "kind")):
        for number, rule in enumerate(contents("secret_rules.toml")[part]):
            yield f"{part} {number}: {rule[name]}", rule
