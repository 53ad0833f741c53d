"""`strategy-bank serve`: MCP over standard input and output, or over HTTP."""

import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType

import click

from strategy_bank.server.console import home_option, say, scope_option, settings
from strategy_bank.store.errors import InvalidInput

HOST, PORT = "127.0.0.1", 8765


@click.command(short_help="Serve MCP over standard input and output, or over HTTP.")
@click.option("--http", "over_http", is_flag=True, help="Over streamable HTTP, to clients that have the token.")
@click.option("--host", help=f"With --http: the address to listen at; default: {HOST}.")
@click.option("--port", type=click.IntRange(0, 65_535), help=f"With --http; 0: a free one; default: {PORT}.")
@home_option
@scope_option("Project name; default: STRATEGY_BANK_SCOPE, else the name of the git root, else global.")
def serve(over_http: bool, host: str | None, port: int | None) -> None:
    """Serve MCP over standard input and output (what happens without a command, too).

    A client starts this; it ends with its input. With --http you start it, and clients come to it; they need the token in
    STRATEGY_BANK_HTTP_TOKEN, or in the file that is named at the start. Logs go to standard error.

    \b
    Example, for a client's configuration:
      {"mcpServers": {"strategy-bank": {"command": "strategy-bank"}}}
    """
    if not over_http and (host is not None or port is not None):
        raise click.UsageError("--host and --port go with --http.")
    number = _serve_http(host or HOST, PORT if port is None else port) if over_http else _serve_stdio()
    if number:
        raise click.exceptions.Exit(128 + number)


def _serve_http(host: str, port: int) -> int:
    """The number of the signal that ended it."""
    given = settings()
    from strategy_bank.server.app import create_server
    from strategy_bank.server.memory import return_freed_memory
    from strategy_bank.server.over_http import serve_http

    return_freed_memory()
    server = create_server(given.model_copy(update={"transcripts": False}))  # who has the token need not see them
    return serve_http(server, given, host, port)


def _serve_stdio() -> int:
    """The number of the signal that ended it; 0 where the input did."""
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
    return ended_by[0] if ended_by else 0


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
