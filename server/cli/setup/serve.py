"""`strategy-bank serve`: MCP over standard input and output, or over HTTP."""

import sys

import click

from strategy_bank.server.cli.console import home_option, say, scope_option, settings
from strategy_bank.server.transport.stdio import end_input_on_signals
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
    from strategy_bank.server.allocator import return_freed_memory
    from strategy_bank.server.mcp.app import create_server
    from strategy_bank.server.transport.http import serve_http

    return_freed_memory()
    server = create_server(given.model_copy(update={"transcripts": False}))  # who has the token need not see them
    return serve_http(server, given, host, port, say)


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
    from strategy_bank.server.allocator import return_freed_memory
    from strategy_bank.server.mcp.app import create_server

    return_freed_memory()
    server = create_server(given)
    ended_by = end_input_on_signals()
    server.run("stdio")
    return ended_by[0] if ended_by else 0
