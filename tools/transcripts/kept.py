"""Keeps the messages of one task in bounded memory: one that is too long loses messages in its middle."""

from collections import deque
from typing import Any

from strategy_bank.tools.transcripts.entry import fields, objects

HEAD_CHARS, TAIL_CHARS = 2_000_000, 3_000_000  # more than a trajectory may have


class Kept:
    """Holds the first messages and the last ones."""

    def __init__(self) -> None:
        self._head: list[dict[str, Any]] = []
        self._tail: deque[tuple[dict[str, Any], int]] = deque()
        self._room = HEAD_CHARS
        self._tail_chars = 0
        self.left_out = 0

    def __len__(self) -> int:
        return len(self._head) + self.left_out + len(self._tail)

    def append(self, message: dict[str, Any]) -> None:
        size = _chars(message)
        if self._room > 0:
            self._head.append(message)
            self._room -= size
            return
        self._tail.append((message, size))
        self._tail_chars += size
        while self._tail_chars > TAIL_CHARS and len(self._tail) > 1:
            self._tail_chars -= self._tail.popleft()[1]
            self.left_out += 1

    def add_to_last(self, blocks: list[dict[str, Any]]) -> None:
        """Add content blocks to the message that came last."""
        last = self._tail[-1][0] if self._tail else self._head[-1]
        last["content"] += blocks

    def messages(self) -> list[dict[str, Any]]:
        gap = {"role": "system", "content": f"{self.left_out:,} messages of this task were left out here."}
        return [*self._head, *([gap] if self.left_out else []), *(message for message, _ in self._tail)]


def _chars(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    return sum(map(_chars, fields(value).values())) + sum(map(_chars, objects(value)))
