"""Standard input as the protocol's parser needs it, and signals as its end."""

import os
import signal
import threading
from contextlib import suppress
from types import FrameType


def end_input_on_signals() -> list[int]:
    """From here on Ctrl-C and SIGTERM are the end of input, after which the server closes the bank and stops.

    A thread that waits for standard input cannot be woken otherwise, and a process that waits for the thread would outlive
    its client. The second signal ends the process at once. Returns the signals that came.
    """
    came: list[int] = []
    try:
        source, (reading, writing) = os.dup(0), os.pipe()
    except OSError:
        return came
    os.dup2(reading, 0)
    os.close(reading)
    threading.Thread(target=_pump, args=(source, writing), name="standard input", daemon=True).start()

    def end(number: int, frame: FrameType | None) -> None:
        if came:
            os._exit(128 + number)
        came.append(number)
        _close(writing)

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    return came


def _pump(source: int, target: int) -> None:
    """Pass on line by line, each readable for the protocol's parser."""
    from strategy_bank.server.transport.line_repair import mend

    with suppress(OSError), os.fdopen(source, "rb") as lines:
        for line in lines:
            view = memoryview(mend(line.rstrip(b"\r\n")) + b"\n")
            while view:
                view = view[os.write(target, view) :]
    _close(target)


def _close(target: int) -> None:
    """Close the pipe but keep its number in use, so that nobody else's file gets it while the other thread writes."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, target)
    os.close(nowhere)
