"""The signals that end the server."""

import signal
from collections.abc import Callable, Mapping

# Ctrl-C; `kill`; Ctrl-Break, which is what a parent process can send on Windows.
_NAMES = ("SIGINT", "SIGTERM", "SIGBREAK")


def ending_signals(known: Mapping[str, int] = signal.Signals.__members__) -> list[int]:
    """Return those that the operating system has, out of the signals it knows."""
    return [known[name] for name in _NAMES if name in known]


def on_ending_signals(act: Callable[[int], None]) -> None:
    """Call `act` with the number of each signal that comes, also where the parent ignores it, as a shell does after `&`."""
    for number in ending_signals():
        signal.signal(number, lambda number, _frame: act(number))
