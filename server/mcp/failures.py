"""Errors of tools that a client's hook tells of: which of them came again, so that a lesson may help."""

import re
from collections import OrderedDict

_KEPT = 256
_CHARS = 2_000  # of an error
_SCANNED = 100_000  # characters at the end of an output, where errors stand
_VARIES = re.compile(r"0x[0-9a-f]+|\d+")
_ERROR = re.compile(
    r"^(?:E\s+)?[\w.:]*(?:Error|Exception|Fault)\b(?: \[?\w*\]?)?: "  # Python, Java, JavaScript
    r"|^\s*(?:\S{1,200} |==\d+==)?(?:error|fatal|panic)(?:\[\w+\]| \w{1,10})?: "  # compilers, git
    r"|: (?:command not found|no such file or directory|permission denied|not found)\s*$"
    r"|^(?:FAILED |FAIL: |--- FAIL: |npm ERR! |make(?:\[\d+\])?: \*\*\*|Segmentation fault)| panicked\b|(?-i: FAILED$)"
    r"|^(?:E\s+)?assert(?:ion)? .*|\b[1-9]\d* (?:failed|failing|failures?)\b",
    re.IGNORECASE,
)


class Failures:
    """How often each error came, by scope.

    Numbers do not tell two errors apart, since lines, times and addresses change, and neither does their order.
    """

    def __init__(self) -> None:
        self._times = OrderedDict[tuple[str, frozenset[str]], int]()

    def again(self, scope: str, output: str, *, failed: bool) -> str:
        """Note a tool's output, and return its error if this is the second time: the first may be chance, a third was told.

        An error is what the lines say that read like one. Where there are none it is all of an output that is known to be
        of a call that `failed`, and of any other nothing.
        """
        lines = _error_lines(output[-_SCANNED:])
        error = "\n".join(lines)[:_CHARS] if lines or not failed else output[:_CHARS]
        key = (scope, frozenset(_VARIES.sub("#", " ".join(line.lower().split())) for line in error.splitlines()))
        if not error.strip():
            return ""
        self._times[key] = self._times.pop(key, 0) + 1
        if len(self._times) > _KEPT:
            self._times.popitem(last=False)
        return error if self._times[key] == 2 else ""


def _error_lines(output: str) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in output.splitlines() if _ERROR.search(line[:_CHARS])))
