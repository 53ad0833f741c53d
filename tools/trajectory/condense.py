"""Shortens a trajectory for a prompt: the first and the last step stay, and the result loses least."""

from itertools import accumulate, groupby, takewhile

from strategy_bank.tools.trajectory.step_reader import NEXT_VALUE
from strategy_bank.tools.trajectory.text import shorten

_LEAST_PART = 160  # characters that a value keeps before whole steps are left out
_LAST_STEP_WEIGHT = 4  # the last step holds the result, so its values may be this many times as long as the others


def condense(text: str, limit: int) -> str:
    """Return a text in normal form in at most `limit` characters.

    Long values lose their middle first, then the steps in the middle are left out, each with a marker. Text of one plain step,
    or with a limit too small for two, loses its middle.
    """
    if len(text) <= limit:
        return text
    steps = [list(step) for _, step in groupby(NEXT_VALUE.split(text), key=lambda value: value.partition("]")[0])]
    weights = [1] * (len(steps) - 1) + [_LAST_STEP_WEIGHT]
    values = [(len(value), weight) for step, weight in zip(steps, weights, strict=True) for value in step]
    cap = max(_widest_cap(values, limit), _LEAST_PART)
    shortened = [
        "\n".join(shorten(value, cap * weight) for value in step) for step, weight in zip(steps, weights, strict=True)
    ]
    whole = "\n".join(shortened)
    return whole if len(whole) <= limit else _without_middle(shortened, limit) or shorten(text, limit)


def _widest_cap(values: list[tuple[int, int]], limit: int) -> int:
    """Return how many characters each value (length, weight) may keep per weight for all to fit; 0 if none."""
    low, high = 0, limit
    while low < high:
        cap = (low + high + 1) // 2
        fits = sum(min(length, cap * weight) + 1 for length, weight in values) <= limit + 1
        low, high = (cap, high) if fits else (low, cap - 1)
    return low


def _without_middle(steps: list[str], limit: int) -> str:
    """Return the first and the last steps that fit, more of the last; empty if not even one of each does."""
    marker = "[… {:,} steps left out …]"
    first, last, middle = steps[0], steps[-1], steps[1:-1]
    room = limit - len(first) - len(last) - len(marker.format(len(steps))) - 2
    if room < 0 or not middle:
        return ""
    tail = _fitting(middle[::-1], room * 2 // 3)[::-1]
    head = _fitting(middle, room - sum(len(step) + 1 for step in tail))
    left_out = len(middle) - len(head) - len(tail)
    return "\n".join([first, *head, marker.format(left_out), *tail, last])


def _fitting(steps: list[str], room: int) -> list[str]:
    """Return the first of the steps that fit into `room` characters, each with its new line."""
    ends = accumulate(len(step) + 1 for step in steps)
    return [step for step, _ in zip(steps, takewhile(lambda end: end <= room, ends), strict=False)]
