"""What SIGTERM and Ctrl-C do while a command writes files."""

import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_BY_SIGNAL = 128  # what shells add to the number of the signal that ended a program


@contextmanager
def ending_by_exception() -> Generator[None]:
    """Have SIGTERM raise SystemExit, as Ctrl-C raises KeyboardInterrupt, so that what is half written is removed."""
    with _handled(_end, signal.SIGTERM):
        yield


@contextmanager
def uninterrupted() -> Generator[None]:
    """Ignore SIGTERM and Ctrl-C for the moment in which half of the work would be worse than all or nothing."""
    with _handled(signal.SIG_IGN, signal.SIGTERM, signal.SIGINT):
        yield


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(_BY_SIGNAL + number)


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], Any] | signal.Handlers, *numbers: int) -> Generator[None]:
    """Handle signals in the main thread, which alone can; elsewhere they do what they did."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
