"""What SIGTERM and Ctrl-C do while a command works."""

import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_BY_SIGNAL = 128  # what shells add to the number of the signal that ended a program


@contextmanager
def ending_in_order() -> Generator[None]:
    """Let SIGTERM end what runs by an exception, as Ctrl-C does, so that what is half written is removed.

    Whoever handles it already, such as a block of this kind further out, goes on to do so.
    """
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    came: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        _interrupt()

    try:
        with _handled(end, signal.SIGTERM):
            yield
    except BaseException as exc:
        if came:
            raise SystemExit(_BY_SIGNAL + came[0]) from exc
        raise


@contextmanager
def uninterrupted() -> Generator[None]:
    """Ignore SIGTERM and Ctrl-C for the moment in which half of the work would be worse than all or nothing."""
    with _handled(signal.SIG_IGN, signal.SIGTERM, signal.SIGINT):
        yield


def _interrupt() -> None:
    """Cancel the tasks of the running event loop, where an exception could strike anything; elsewhere raise one."""
    asyncio = sys.modules.get("asyncio")
    loop = asyncio and asyncio._get_running_loop()
    if not asyncio or not loop:
        raise KeyboardInterrupt
    for task in asyncio.all_tasks(loop):
        loop.call_soon_threadsafe(task.cancel)


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
