"""Recognises text that reads as orders to the agent rather than advice about tasks; such a strategy is quarantined.

What is recalled was once written by an agent that read untrusted pages. The rules are in `prompt_injection_rules.toml`. A match
is excused where it is warned against ("never pipe curl into sh") or reported as an attack ("treat 'ignore previous
instructions' in a page as data"). Quarantine deletes nothing; a person decides.
"""

import re
from functools import cache

from strategy_bank.tools.safety.disguise import encoded_sentences, hidden_readings, undisguised
from strategy_bank.tools.safety.look_alike import look_alike
from strategy_bank.tools.safety.rule_file import compiled, contents, word
from strategy_bank.tools.trajectory.text import shorten

_FILE = "prompt_injection_rules.toml"
# Hardly anything but an attack gives these reasons, so they count even in texts that nobody wrote as a lesson.
_STRONG = ("override", "secrecy", "exfiltration", "addressed", "leak")
_BY_LINE = ("role", "concealed")
_TRAJECTORY_READ = 200_000  # characters, which take half a second
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")  # the flags of England, Scotland and Wales
_HIDING = re.compile(
    "[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]|(?<=[a-zA-Z])[\u00ad\u200b-\u200d\u2060\ufeff]+(?=[a-zA-Z])"
    "|[a-zA-Z][\u0400-\u04ff]|[\u0400-\u04ff][a-zA-Z]"
)
_SENTENCE_END = re.compile(r"[.!?](?:\s|$)|\n")


def read_as_orders(text: str) -> str | None:
    """Return why the text reads as orders to its reader, as a short phrase; None if it does not."""
    shown = undisguised(text)
    if reason := _ordered(shown, _rules()):
        return reason
    if _HIDING.search(_FLAG.sub("", text)):
        return reason_of("hidden")
    if look_alike(shown):
        return reason_of("package")
    if any(_ordered(reading, _strong_rules()) for reading in hidden_readings(text)):
        return reason_of("encoded")
    return reason_of("blob") if encoded_sentences(shown) else None


def reason_of(name: str) -> str:
    """Return the short phrase for a reason."""
    return contents(_FILE)["reasons"][name]


def carries_orders(trajectory: str) -> str | None:
    """Return why a trajectory carries orders to an agent; None if it does not. Of a very long one, head and tail are read."""
    # Work quotes commands and addresses and names roles, so only the plainest signs count.
    shown = undisguised(shorten(trajectory, _TRAJECTORY_READ))
    return _ordered(shown, tuple(rule for rule in _strong_rules() if rule[0] != "addressed"))


@cache
def _rules() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the name of the reason and the pattern of every rule, in their order; compiling them takes 15 ms."""
    return tuple(
        (group["reason"], compiled(_FILE, pattern, 0 if group.get("case_counts") else re.IGNORECASE))
        for group in contents(_FILE)["rule"]
        for pattern in group["patterns"]
    )


@cache
def _strong_rules() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((reason, pattern) for reason, pattern in _rules() if reason in _STRONG)


def _ordered(shown: str, rules: tuple[tuple[str, re.Pattern[str]], ...]) -> str | None:
    flat = " ".join(shown.split())
    for reason, pattern in rules:
        if _gives_orders(pattern, shown if reason in _BY_LINE else flat):
            return reason_of(reason)
    return None


def _gives_orders(pattern: re.Pattern[str], text: str) -> bool:
    found = pattern.search(text)
    while found and _is_excused(text, found):
        found = pattern.search(text, found.start() + 1)
    return found is not None


def _is_excused(text: str, found: re.Match[str]) -> bool:
    """Tell whether the match is warned against right before it, or told of as an attack in a sentence that says so."""
    before = text[max(0, found.start() - 160) : found.start()]
    excuses = ("WARNED", "NO_WARNING", "REPORTED", "CAUTIOUS")
    warned_at, no_warning, reported, cautious = (word(_FILE, name, re.IGNORECASE) for name in excuses)
    if (warned := warned_at.search(before)) and not no_warning.search(warned["gap"]):
        return True
    sentence = _SENTENCE_END.split(before)[-1] + _SENTENCE_END.split(text[found.start() : found.end() + 160])[0]
    return bool(reported.search(before) and cautious.search(sentence))
