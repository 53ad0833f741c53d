"""Standard input as the protocol's parser needs it, and signals as its end.

A pipe takes the place of standard input, and a thread copies line after line into it. Two gaps in mcp 2.3 ask for that:
`mcp/server/stdio.py` hands a line that it cannot parse to the session, which drops it, so the client waits for ever; and it
reads in a worker thread, which no signal wakes. Handing a stream of our own to `stdio_server` would need private parts of the
SDK (`MCPServer.run_stdio_async` takes none) and a null device at descriptor 0 of our own. All of this can go once the SDK
answers unreadable lines with an error and ends at a signal.
"""

import os
import threading
from contextlib import suppress

from strategy_bank.server.transport.orphan import SILENCE_S, Watch
from strategy_bank.server.transport.signals import on_ending_signals


def end_input_on_signals(silence_s: float = SILENCE_S) -> list[int]:
    """Let Ctrl-C and SIGTERM end the input from here on, after which the server closes the bank and stops.

    The second signal ends the process at once. The list returned fills with the signals that come. The input also ends where
    the client is gone and no line has come for `silence_s` seconds.
    """
    came: list[int] = []
    try:
        source, (reading, writing) = os.dup(0), os.pipe()
    except OSError:
        return came
    os.dup2(reading, 0)
    os.close(reading)
    watch = Watch(silence_s)
    # Daemons, because nothing can wake them: a process that waited for them would outlive its client.
    threading.Thread(target=_copy, args=(source, writing, watch), name="standard input", daemon=True).start()
    if os.name == "posix":  # elsewhere the number of a parent that is gone stays
        threading.Thread(target=_end_with_client, args=(watch, writing), name="client", daemon=True).start()

    def end(number: int) -> None:
        if came:
            os._exit(128 + number)
        came.append(number)
        _close(writing)

    on_ending_signals(end)
    return came


def _end_with_client(watch: Watch, target: int) -> None:
    watch.wait()
    _close(target)


def _copy(source: int, target: int, watch: Watch) -> None:
    """Copy line by line, each readable for the protocol's parser."""
    from strategy_bank.server.transport.line_repair import repair

    with suppress(OSError), os.fdopen(source, "rb") as lines:
        for line in lines:
            watch.heard()
            view = memoryview(repair(line.rstrip(b"\r\n")) + b"\n")
            while view:
                view = view[os.write(target, view) :]
    _close(target)


def _close(target: int) -> None:
    """Close the pipe but keep its number in use: the other thread may still write to it, and must not hit another file."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, target)
    os.close(nowhere)
