"""`strategy-bank serve`: MCP over standard input and output, or over HTTP."""

import logging
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import Target, pass_target, say
from strategy_bank.server.transport.stdio import end_input_on_signals
from strategy_bank.store.errors import InvalidInput

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from strategy_bank.server.mcp.app_state import State

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
    they need the token in STRATEGY_BANK_HTTP_TOKEN, or in the file that is named at the start. With the setting http_page it
    has the page of `strategy-bank page` too, with a sign-in of its own. Logs go to standard error.

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
    from strategy_bank.server.judges import make_judge
    from strategy_bank.server.mcp.app import create_server, server_on
    from strategy_bank.server.mcp.app_state import State

    return_freed_memory()
    if over_http:
        from strategy_bank.server.transport.http import serve_http

        # transcripts are not for everybody who has the token
        state = State(settings.model_copy(update={"transcripts": False}), make_judge(settings))
        beside = partial(_page, state) if settings.http_page != "off" else None
        number = serve_http(server_on(state), settings, host or HOST, PORT if port is None else port, say, beside)
    else:
        server = create_server(settings)
        ended_by = end_input_on_signals()
        server.run("stdio")
        number = ended_by[0] if ended_by else 0
    if number:
        raise click.exceptions.Exit(128 + number)


def _page(state: "State", address: str, names: Sequence[str]) -> "ASGIApp":
    """Return the page, and print a link to sign in: the token of the agents does not let anybody decide."""
    from strategy_bank.server.page.app import page_app
    from strategy_bank.server.page.site import Site

    site = Site.of(state, may_change=state.settings.http_page == "decide")
    say("The page is at the same address. Open this link to sign in; it works once, within five minutes:")
    say(site.open_at(address))
    return page_app(site, names, own_lifespan=False)


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
