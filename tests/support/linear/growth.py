"""How the time that a rule takes grows with its text: measured with one part of a text over and over."""

import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from strategy_bank.store.errors import StrategyBankError

SIZES = (2_000, 20_000, 200_000)
MOST = 15.0  # times as long for ten times the text
FLOOR_S = 0.02  # what takes less is not compared
TRIES = 3
FAR = 10  # times the bound: no busy machine is the cause

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
    once = _seconds(action, small)
    more, bound = _more_seconds(action, small, once, middle)
    if more > bound:
        return _told(more, bound, middle)
    # What takes long for few characters already, as many patterns together do, is not tried with many. Of what takes next to
    # nothing even the square would stay below the bound.
    if once > FLOOR_S / 4 or more < FLOOR_S / 10:
        return ""
    most, bound = _more_seconds(action, middle, more, large)
    return _told(most, bound, large) if most > bound else ""


def _more_seconds(action: Callable[[str], Any], less: str, once: float, more: str) -> tuple[float, float]:
    """Return how long the longer text takes, and how long it may take, where the shorter took that many seconds once."""
    if once > FLOOR_S:  # below, the bound is the same
        once = min(once, _seconds(action, less))
    bound = MOST * max(once, FLOOR_S)
    taken = _seconds(action, more)
    tries = 1
    while bound < taken < FAR * bound and tries < TRIES:
        taken, tries = min(taken, _seconds(action, more)), tries + 1
    return taken, bound


def _told(taken: float, bound: float, text: str) -> str:
    return f"{taken:.2f} s for {len(text):,} characters, where {bound:.2f} s would be enough if time grew with the text"


def faults(actions: Iterable[tuple[str, Callable[[str], Any]]], beginning: str, part: str) -> list[str]:
    told = ((name, too_slow(action, beginning, part)) for name, action in actions)
    return [f"{name[:160]}: {fault}" for name, fault in told if fault]
