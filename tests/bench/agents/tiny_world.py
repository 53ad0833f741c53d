"""A world of one box, for tests that need no Java."""

from bench.agents.world import UNKNOWN


class TinyWorld:
    """`take key`, then `open box` completes the task; `break box` ends it for good."""

    def __init__(self, name: str = "box", variation: int = 0) -> None:
        self.task = f"open box {variation} of the kind {name}"
        self.done = False
        self.score = 0
        self.closed = False
        self._has_key = False

    def begin(self) -> str:
        return "There are a box and a key."

    def act(self, action: str) -> str:
        assert not self.done, "the world takes no more actions"
        if action == "take key":
            self._has_key, self.score = True, 50
            return "You have the key."
        if action == "open box" and self._has_key:
            self.done, self.score = True, 100
            return "The box is open."
        if action == "break box":
            self.done, self.score = True, -100
            return "The box is broken."
        return "It is locked." if action == "open box" else "Nothing happens." if action == "wait" else UNKNOWN

    def close(self) -> None:
        self.closed = True
