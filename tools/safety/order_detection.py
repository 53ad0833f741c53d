"""Recognises text that reads as orders to the agent rather than advice about tasks; such a strategy is quarantined.

What is recalled was once written by an agent that read untrusted pages. The rules are in `order_rules.py` and
`attack_rules.py`. A match is excused where it is warned against ("never pipe curl into sh") or reported as an attack ("treat
'ignore previous instructions' in a page as data"). Quarantine deletes nothing; a person decides.
"""

import re
from functools import cache

from strategy_bank.tools.safety import attack_rules, order_rules
from strategy_bank.tools.safety.disguise import encoded_sentences, hidden_readings, undisguised
from strategy_bank.tools.safety.look_alike import look_alike
from strategy_bank.tools.safety.order_rules import (
    ADDRESSED,
    BLOB,
    CONCEALED,
    ENCODED,
    EXFILTRATION,
    HIDDEN,
    LEAK,
    OVERRIDE,
    PACKAGE,
    ROLE,
    SECRECY,
)
from strategy_bank.tools.trajectory.text import shorten

# Hardly anything but an attack gives these reasons, so they count even in texts that nobody wrote as a lesson.
_STRONG = (OVERRIDE, SECRECY, EXFILTRATION, ADDRESSED, LEAK)
_BY_LINE = (ROLE, CONCEALED)
_TRAJECTORY_READ = 200_000  # characters, which take half a second
_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")  # the flags of England, Scotland and Wales
_HIDING = re.compile(
    "[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]|(?<=[a-zA-Z])[\u00ad\u200b-\u200d\u2060\ufeff]+(?=[a-zA-Z])"
    "|[a-zA-Z][\u0400-\u04ff]|[\u0400-\u04ff][a-zA-Z]"
)
_WARNED = re.compile(
    r"(?:\b(?:never|cannot|not|avoid(?:s|ing)?|instead of|rather than|refuses? to|no longer|without|beware of|against"
    r"|rejects?|prevents?|stops?|forbids?|anything that|who|dangerous to|wrong to)|n't)"
    r"(?P<gap>(?: [\w/'-]+){0,3}) ?[('\"`“]*$",
    re.IGNORECASE,
)
_NO_WARNING = re.compile(r"\b(?:and|but|then|just|hesitate|forget|fail|worry|afraid|wait|stop|only)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?:\s|$)|\n")
_REPORTED = re.compile(
    r"\b(?:such as|like|says?|saying|asks?|asking|tells?|telling|attempts?|tries|trying|treat(?:s|ing)?|reads?"
    r"|contain(?:s|ing)?"
    r"|phrases?|claims?|orders?|instructs?|urges?|wants? you|demands?)\b[^.\n]{0,40}$",
    re.IGNORECASE,
)
_CAUTIOUS = re.compile(
    r"injection|untrusted|\bas data\b|\b(?:do not|don't|never) (?:follow|obey|comply|act|do)|refuse|suspicious|malicious"
    r"|attack|phishing|\breport (?:it|them)\b|\bflag (?:it|them)\b|stop and ask|reject",
    re.IGNORECASE,
)


def read_as_orders(text: str) -> str | None:
    """Return why the text reads as orders to its reader, as a short phrase; None if it does not."""
    shown = undisguised(text)
    if reason := _ordered(shown, _rules()):
        return reason
    if _HIDING.search(_FLAG.sub("", text)):
        return HIDDEN
    if look_alike(shown):
        return PACKAGE
    if any(_ordered(reading, _strong_rules()) for reading in hidden_readings(text)):
        return ENCODED
    return BLOB if encoded_sentences(shown) else None


def carries_orders(trajectory: str) -> str | None:
    """Return why a trajectory carries orders to an agent; None if it does not. Of a very long one, head and tail are read."""
    # Work quotes commands and addresses and names roles, so only the plainest signs count.
    shown = undisguised(shorten(trajectory, _TRAJECTORY_READ))
    return _ordered(shown, tuple(rule for rule in _strong_rules() if rule[0] != ADDRESSED))


@cache
def _rules() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return every rule compiled, which takes 15 ms."""
    return tuple((reason, _compiled(pattern, reason)) for reason, pattern in (*order_rules.RULES, *attack_rules.RULES))


@cache
def _strong_rules() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((reason, pattern) for reason, pattern in _rules() if reason in _STRONG)


def _compiled(pattern: str, reason: str) -> re.Pattern[str]:
    known = order_rules.WORDS | attack_rules.WORDS
    spelled_out = re.sub("|".join(known), lambda name: known[name[0]], pattern)
    return re.compile(spelled_out, 0 if reason == BLOB else re.IGNORECASE)


def _ordered(shown: str, rules: tuple[tuple[str, re.Pattern[str]], ...]) -> str | None:
    flat = " ".join(shown.split())
    for reason, pattern in rules:
        if _gives_orders(pattern, shown if reason in _BY_LINE else flat):
            return reason
    return None


def _gives_orders(pattern: re.Pattern[str], text: str) -> bool:
    found = pattern.search(text)
    while found and _is_excused(text, found):
        found = pattern.search(text, found.start() + 1)
    return found is not None


def _is_excused(text: str, found: re.Match[str]) -> bool:
    """Tell whether the match is warned against right before it, or told of as an attack in a sentence that says so."""
    before = text[max(0, found.start() - 160) : found.start()]
    warned = _WARNED.search(before)
    if warned and not _NO_WARNING.search(warned["gap"]):
        return True
    sentence = _SENTENCE_END.split(before)[-1] + _SENTENCE_END.split(text[found.start() : found.end() + 160])[0]
    return bool(_REPORTED.search(before) and _CAUTIOUS.search(sentence))
