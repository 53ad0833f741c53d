"""The figures of `tools/value.py` under their names: the same in a terminal, on the page and in its tables."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from strategy_bank.tools.value import Part, Share, Value

COUNTS = (
    ("recalls", "recalls"),
    ("empty", "of them without any lesson"),
    ("in_full", "lessons shown in full"),
    ("listed", "lessons shown by title"),
    ("opened", "of these opened"),
    ("followed", "lessons followed"),
    ("helped", "followed and helped"),
    ("wrong", "followed and wrong"),
    ("unfit", "did not fit"),
    ("sure", "followed of those shown as sure (0.7, the highest)"),
    ("echoed", "whose words came back in the work, a weak sign"),
    ("stuck", "recalls when stuck"),
    ("stuck_followed", "lessons of these followed"),
    ("tokens", "tokens spent, about"),
    ("asked", "reports asked for when the agent stopped"),
    ("answered", "of them given"),
    ("taught", "of these with a lesson"),
)
TASKS = (
    ("with_lessons", "tasks with lessons that succeeded"),
    ("held_out", "with one of them left out"),
    ("without", "without lessons"),
)


def rows(found: "Mapping[str, Value]") -> list[tuple[str, ...]]:
    """Return a row for each figure: its name, and how it is in each scope, month or all."""
    counts = [(title, *(counted(getattr(each, name)) for each in found.values())) for name, title in COUNTS]
    return [*counts, *((title, *(shown(getattr(each, name)) for each in found.values())) for name, title in TASKS)]


def counted(value: "int | Part") -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value.number:,} of {value.of:,}"


def shown(share: "Share") -> str:
    """Return a share with Wilson's 95 % interval."""
    if not share.tasks:
        return "none"
    low, high = share.bounds
    return f"{share.succeeded} of {share.tasks} ({low:.0%} to {high:.0%})"
