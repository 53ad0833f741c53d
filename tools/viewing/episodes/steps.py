"""A stored trajectory as the parts of its steps: what was said, called and seen, and where each stands."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast

from strategy_bank.tools.trajectory.step_reader import NEXT_VALUE

Kind = Literal["thought", "action", "observation", "user", "assistant", "system", "developer", "text", "other"]
_LABEL = re.compile(
    r"\[([0-9]{1,9})[0-9]*\] (thought|action|observation|user|assistant|system|developer|text|other)"
    r"(?: ([0-9]{1,9})[0-9]*)?(?: \(([^()\n]*)\))?: "
)


@dataclass(frozen=True, slots=True)
class Part:
    """A labelled value of a step. Its words stand at `start` to `end` of the trajectory, its label before that, from `label`.

    `order` tells several calls of one step apart, and their results. `note` names the tool where the call does not, and says
    `error` of a result that was one.
    """

    number: int
    kind: Kind
    order: int
    note: str
    label: int
    start: int
    end: int


class Trail:
    """A trajectory in normal form, as its parts by their place; plain text is one part. Two megabytes take 20 ms."""

    def __init__(self, text: str) -> None:
        self.text = text
        # as for the rule of evidence: what does not begin with a label has none
        further = (found.end() for found in NEXT_VALUE.finditer(text)) if _LABEL.match(text) else ()
        self._starts = [0, *further]

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, place: int) -> Part:
        label = self._starts[place]
        end = self._starts[place + 1] - 1 if place + 1 < len(self) else len(self.text)
        found = _LABEL.match(self.text, label)
        if not found:
            return Part(1, "text", 0, "", label, label, end)
        number, kind, order, note = found.groups()
        return Part(int(number), cast(Kind, kind), int(order or 0), note or "", label, min(found.end(), end), end)

    def at(self, offset: int) -> int:
        """Return the place of the part in which a character of the trajectory stands."""
        return max(0, bisect_right(self._starts, offset) - 1)

    def of_step(self, number: int) -> int:
        """Return the place of the first part of a step; of the next where its middle was cut out, or the last."""
        places = range(len(self))
        return min(bisect_left(places, number, key=lambda place: self[place].number), len(self) - 1)


def in_pairs(parts: Iterable[Part]) -> list[Part]:
    """Return the parts of one step in reading order, each result of several calls behind its call."""
    rest, ordered = list(parts), list[Part]()
    while rest:
        part = rest.pop(0)
        ordered.append(part)
        if part.kind == "action" and part.order:
            own = [each for each in rest if each.kind == "observation" and each.order == part.order]
            ordered += own
            rest = [each for each in rest if each not in own]
    return ordered
