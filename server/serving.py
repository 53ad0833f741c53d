"""`strategy-bank serve`: MCP over standard input and output."""

import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType

import click

from strategy_bank.server.console import home_option, say, scope_option, settings
from strategy_bank.store.errors import InvalidInput


@click.command(short_help="Serve MCP over standard input and output.")
@home_option
@scope_option("Project name; default: STRATEGY_BANK_SCOPE, else the name of the git root, else global.")
def serve() -> None:
    """Serve MCP over standard input and output (what happens without a command, too).

    A client starts this; it ends with its input. Logs go to standard error.

    \b
    Example, for a client's configuration:
      {"mcpServers": {"strategy-bank": {"command": "strategy-bank"}}}
    """
    if sys.stdin is None or sys.stdout is None:
        raise InvalidInput("Standard input or output is closed; a client starts this command and talks over both.")
    if sys.stdin.isatty():
        say(
            "strategy-bank is waiting for an MCP client on its standard input. "
            "Ctrl-C ends it; `strategy-bank --help` shows what else it can do."
        )
    given = settings()
    from strategy_bank.server.app import create_server
    from strategy_bank.server.memory import return_freed_memory

    return_freed_memory()
    server = create_server(given)
    ended_by = end_input_on_signals()
    server.run("stdio")
    if ended_by:
        raise click.exceptions.Exit(128 + ended_by[0])


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
    from strategy_bank.server.wire import mend

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
