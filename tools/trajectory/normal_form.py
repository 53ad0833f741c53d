"""Reads what an agent did, in whatever shape it came, into one normal form.

The form has numbered steps, one labelled value after the other, the values verbatim:

    [1] user: Fix the failing test.
    [2] thought: First see it fail.
    [2] action: bash({"cmd":"pytest -q"})
    [2] observation: 1 failed
    AssertionError: 3 != 4
    [3] assistant: Done.

Steps with several calls number them (`action 2`, `observation 2`). A line of a value that looks like such a label is indented
by one space, so that nothing an agent read can pass for a step; quotes are compared without white space.
"""

import re
from dataclasses import dataclass
from typing import Any

from strategy_bank.store.errors import InvalidInput
from strategy_bank.tools.trajectory.json_text import read_json
from strategy_bank.tools.trajectory.step_reader import (
    NEXT_VALUE,
    StepReader,
    Unreadable,
    has_known_shape,
    is_dict,
    is_list,
)
from strategy_bank.tools.trajectory.text import shorten, strip_controls

MAX_CHARS = 2_000_000  # of the text of a trajectory
CUT = "\n[… {:,} characters cut from the middle …]\n"

ACCEPTED = (
    "Send plain text, a list of steps {thought, action, observation}, a list of chat messages "
    "{role, content, tool_calls} in the form of OpenAI or Anthropic, or a list of strings"
)

_LABEL = re.compile(r"\[[0-9]+\] ([a-z]+)")
_OWN_WORDS = {"thought", "action", "assistant"}


@dataclass(frozen=True)
class Trajectory:
    """Text in normal form (at most MAX_CHARS, valid UTF-8), its number of steps before a cut, and whether it was cut."""

    text: str
    steps: int
    cut: bool


def normalise(raw: object) -> Trajectory:
    """Return text, steps, chat messages or strings (see ACCEPTED) in normal form. Raises InvalidInput for anything else."""
    if is_dict(raw):
        raw = next((raw[key] for key in ("messages", "steps", "trajectory") if key in raw), [raw])
        raw = listed if isinstance(raw, str) and is_list(listed := read_json(raw)) else raw
    if isinstance(raw, str):
        text, steps = strip_controls(raw), 1
    elif is_list(raw):
        text, steps = _read(raw)
    else:
        raise InvalidInput(f"The trajectory is neither text nor a list but {type(raw).__name__}. {ACCEPTED}.")
    if not text.strip():
        raise InvalidInput(f"The trajectory is empty. {ACCEPTED}.")
    kept = shorten(text, MAX_CHARS, CUT)
    return Trajectory(kept, steps, len(text) > MAX_CHARS)


def observed(text: str) -> str | None:
    """Return what the agent did not say itself in a text in normal form: observations, and the user's words after its first.

    None where nobody can tell: plain text, strings, messages without a single observation.
    """
    parts = observed_and_own(text)
    return parts and parts[0]


def observed_and_own(text: str) -> tuple[str, str] | None:
    """Return what was observed, and what the agent said or did, with all that stands before it. None as for `observed`."""
    values, labels = _labelled(text)
    if not labels[0] or "observation" not in labels:
        return None
    begun = next((place for place, label in enumerate(labels) if label in _OWN_WORDS), 0)
    seen, own = list[str](), list[str]()
    for place, (value, label) in enumerate(zip(values, labels, strict=True)):
        is_seen = label == "observation" or (place > begun and label not in _OWN_WORDS)
        (seen if is_seen else own).append(value)
    return "\n".join(seen), "\n".join(own)


def values_of(text: str, label: str) -> list[str]:
    """Return the values of a text in normal form that have this label; none in plain text."""
    return [value for value, own in zip(*_labelled(text), strict=True) if own == label]


def _labelled(text: str) -> tuple[list[str], list[str]]:
    values = NEXT_VALUE.split(text)
    return values, [found[1] if (found := _LABEL.match(value)) else "" for value in values]


def _read(items: list[Any]) -> tuple[str, int]:
    reader = StepReader()
    for number, item in enumerate(_out_of_texts(items), 1):
        try:
            reader.read(item)
        except Unreadable as exc:
            raise InvalidInput(f"Step {number} of the trajectory {exc}. {ACCEPTED}.") from exc
    return reader.text()


def _out_of_texts(items: list[Any]) -> list[Any]:
    """Return the steps of which every one came as JSON text. A single text that is JSON is what a tool printed."""
    if not all(isinstance(item, str) and item.lstrip().startswith(("{", "`")) for item in items):
        return items
    read = [read_json(item) for item in items]
    return read if all(is_dict(item) and has_known_shape(item) for item in read) else items
