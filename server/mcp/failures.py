"""Errors of tools that a client's hook tells of: which of them came again, so that a lesson may help."""

import re
from collections import OrderedDict

_KEPT = 256
_CHARS = 500
_VARIES = re.compile(r"0x[0-9a-f]+|\d+")


class Failures:
    """How often each error came, by scope. Numbers do not tell two errors apart: lines, times and addresses change."""

    def __init__(self) -> None:
        self._times = OrderedDict[tuple[str, str], int]()

    def came_again(self, scope: str, error: str) -> bool:
        """Note an error, and tell whether this is its second time: the first may be chance, a third was told already."""
        key = (scope, _VARIES.sub("#", " ".join(error.split())[:_CHARS].lower()))
        self._times[key] = self._times.pop(key, 0) + 1
        if len(self._times) > _KEPT:
            self._times.popitem(last=False)
        return self._times[key] == 2
