"""`strategy-bank serve`: MCP over standard input and output, or over HTTP."""

import logging
import sys

import click

from strategy_bank.server.cli.console import Target, pass_target, say
from strategy_bank.server.transport.stdio import end_input_on_signals
from strategy_bank.store.errors import InvalidInput

HOST, PORT = "127.0.0.1", 8765


@click.command(short_help="Serve MCP over standard input and output, or over HTTP.")
@click.option("--http", "over_http", is_flag=True, help="Serve over streamable HTTP, to clients that have the token.")
@click.option("--host", help=f"With --http: address to listen on; default: {HOST}.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help=f"With --http: port to listen on; 0 takes a free one; default: {PORT}.",
)
@click.option("--project", metavar="FOLDER", help="Folder of the project, for clients that put it there.")
@pass_target("Scope of all calls; default: that of the caller's project.")
def serve(target: Target, over_http: bool, host: str | None, port: int | None, project: str | None) -> None:
    """Serve MCP over standard input and output. This is also what happens without a command.

    A client starts this command, and it ends when its input ends. With --http you start it yourself, and clients connect to it;
    they need the token in STRATEGY_BANK_HTTP_TOKEN, or in the file that is named at the start. Logs go to standard error.

    \b
    Example, for a client's configuration:
      {"mcpServers": {"strategy-bank": {"command": "strategy-bank"}}}
    """
    if not over_http and (host is not None or port is not None):
        raise click.UsageError("--host and --port go with --http.")
    if not over_http:
        _check_input()
    settings = target.settings.model_copy(update={"project": project} if project else {})
    _log_plainly(settings.log_level)
    from strategy_bank.server.freed_memory import return_freed_memory
    from strategy_bank.server.mcp.app import create_server

    return_freed_memory()
    if over_http:
        from strategy_bank.server.transport.http import serve_http

        server = create_server(
            settings.model_copy(update={"transcripts": False})
        )  # not for everybody who has the token
        number = serve_http(server, settings, host or HOST, PORT if port is None else port, say)
    else:
        server = create_server(settings)
        ended_by = end_input_on_signals()
        server.run("stdio")
        number = ended_by[0] if ended_by else 0
    if number:
        raise click.exceptions.Exit(128 + number)


def _log_plainly(level: str) -> None:
    """Log to standard error with nothing that is imported later, when there may be no file left to open."""
    logging.basicConfig(level=level, format="%(levelname)s %(message)s")  # the SDK then leaves logging alone


def _check_input() -> None:
    """Tell a person at a terminal what the server waits for. Raises InvalidInput where nobody can talk to it."""
    if sys.stdin is None or sys.stdout is None:
        raise InvalidInput("Standard input or output is closed; a client starts this command and talks over both.")
    if sys.stdin.isatty():
        say(
            "strategy-bank is waiting for an MCP client on its standard input. "
            "Ctrl-C ends it; `strategy-bank --help` shows what else it can do."
        )
