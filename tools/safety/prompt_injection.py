"""Recognises text that is certain to give orders to the agent rather than advice about tasks; such a strategy is quarantined.

What is recalled was once written by an agent that read untrusted pages. The rules are in `prompt_injection_rules.toml`. A match
is excused where it is warned against ("never ignore your instructions") or stands in quotes, and so is told of. Quarantine
deletes nothing; a person decides.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, Literal

from strategy_bank.tools.safety.disguise import altered_readings, encoded_sentences, undisguised
from strategy_bank.tools.safety.look_alike import look_alikes
from strategy_bank.tools.safety.rule_file import compiled, contents, word
from strategy_bank.tools.trajectory.text import shorten

FILE = "prompt_injection_rules.toml"
_TRAJECTORY_READ = 200_000  # characters
_BEFORE = 160  # characters in which an excuse is looked for
Excuse = Literal["warned", "quoted"]
EXCUSES: frozenset[Excuse] = frozenset(("warned", "quoted"))
FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")  # the flags of England, Scotland and Wales


@dataclass(frozen=True)
class Rule:
    """Finds one kind of order. `in_work` says that it is tried on trajectories too."""

    reason: str
    pattern: re.Pattern[str]
    reads: Literal["words", "lines", "letters"]
    in_work: bool

    def finds(self, text: str, excuses: Collection[Excuse] = EXCUSES) -> bool:
        """Tell whether the text, in the form that this rule reads, has such an order without an excuse."""
        return next(self.places(text, excuses), None) is not None

    def places(self, text: str, excuses: Collection[Excuse] = EXCUSES) -> Iterator[tuple[int, int]]:
        """Yield where such orders begin and end in the text."""
        found = self.pattern.search(text)
        while found:
            excused = is_excused(text, found.start(), excuses)
            if not excused:
                yield found.span()
            found = self.pattern.search(text, found.start() + 1 if excused else max(found.end(), found.start() + 1))


@cache
def rules() -> tuple[Rule, ...]:
    """Return the rules in their order; compiling them takes 10 ms."""
    return tuple(map(_rule, contents(FILE)["rule"]))


def _rule(row: dict[str, Any]) -> Rule:
    match row.get("reads", "words"):
        case "words" | "lines" as reads:
            pattern = compiled(FILE, row["pattern"], re.IGNORECASE)
        case _:
            reads, pattern = "letters", compiled(FILE, row["pattern"])
    return Rule(row["reason"], pattern, reads, bool(row.get("in_work")))


def read_as_orders(text: str) -> str | None:
    """Return why the text reads as orders to its reader, as a short phrase; None if it does not."""
    forms = forms_of(text)
    by_rule = (rule.reason for rule in rules() if rule.finds(forms[rule.reads]))
    by_code = (reason for reason, sees in BY_CODE.items() if sees(text, forms))
    return next((reason_of(reason) for reason in chain(by_rule, by_code)), None)


def forms_of(text: str) -> dict[str, str]:
    """Return what the rules read, by the name that they give it."""
    shown = undisguised(text)
    return {"words": " ".join(shown.split()), "lines": shown, "letters": FLAG.sub("", text)}


def _misspelt_package(_: str, forms: dict[str, str]) -> bool:
    return any(not is_excused(forms["words"], place) for place, _ in look_alikes(forms["words"]))


def _encoded_sentences(text: str, _: dict[str, str]) -> bool:
    return bool(encoded_sentences(text))


def _altered_letters(text: str, forms: dict[str, str]) -> bool:
    of_words = [rule for rule in rules() if rule.reads == "words"]
    return any(rule.finds(reading) for reading in altered_readings(text, forms["words"]) for rule in of_words)


BY_CODE: dict[str, Callable[[str, dict[str, str]], bool]] = {
    "package": _misspelt_package,
    "blob": _encoded_sentences,
    "encoded": _altered_letters,
}
"""What no pattern finds, by reason: each is asked about a text and its forms."""


def reason_of(name: str) -> str:
    """Return the short phrase for a reason."""
    return contents(FILE)["reasons"][name]


def carries_orders(trajectory: str) -> str | None:
    """Return why a trajectory carries orders to an agent; None if it does not. Of a very long one, head and tail are read."""
    # Work quotes what it reads, so a quote is no excuse; it names roles and tools, so only the plainest signs count.
    words = forms_of(shorten(trajectory, _TRAJECTORY_READ))["words"]
    plain = (rule for rule in rules() if rule.in_work)
    return next((reason_of(rule.reason) for rule in plain if rule.finds(words, {"warned"})), None)


def is_excused(text: str, place: int, excuses: Collection[Excuse] = EXCUSES) -> bool:
    """Tell whether what stands at a place is warned against right before it, or told of in quotes."""
    warned_at, no_warning, in_quotes = (word(FILE, name, re.IGNORECASE) for name in ("WARNED", "NO_WARNING", "QUOTED"))
    before = text[max(0, place - _BEFORE) : place]
    if "warned" in excuses and (warned := warned_at.search(before)) and not no_warning.search(warned["gap"]):
        return True
    return "quoted" in excuses and in_quotes.search(before + text[place : place + 1]) is not None
