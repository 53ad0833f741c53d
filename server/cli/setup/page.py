"""`strategy-bank page`: open the page that shows what the bank knows, and on which a person decides."""

import errno
import logging
import socket
import webbrowser

import click

from strategy_bank.server.cli.console import Target, pass_target, say, show
from strategy_bank.store.errors import InvalidInput

HOST, PORT = "127.0.0.1", 8766


@click.command(short_help="Open the page: see what the bank knows, decide what it may say.")
@click.option("--port", type=click.IntRange(0, 65_535), help=f"Port to listen on; default: {PORT}, or a free one.")
@click.option("--read-only", is_flag=True, help="Show everything, and let nothing be changed.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser; print the link only.")
@click.option("--link", is_flag=True, help="Print a new link to sign in at the page that is open already, and end.")
@click.option(
    "--at",
    metavar="ADDRESS",
    default="",
    help="With --link: where it is open; default: where it was opened last.",
)
@pass_target()
def page(target: Target, port: int | None, read_only: bool, no_browser: bool, link: bool, at: str) -> None:
    """Open the page on this machine: what waits for you, every lesson with its history, every episode, what a recall would
    give, and whether it helps. It ends with Ctrl-C.

    Only a browser with the printed link is let in; the link works once, within five minutes, and then for twelve hours.

    \b
    Examples:
      strategy-bank page
      strategy-bank page --read-only --port 9000 --no-browser
      strategy-bank page --link                     another link, for another browser
    """
    if at and not link:
        raise click.UsageError("--at goes with --link.")
    settings = target.settings
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(message)s")
    from strategy_bank.server.judges import make_judge
    from strategy_bank.server.mcp.app_state import State
    from strategy_bank.server.page.app import page_app
    from strategy_bank.server.page.site import Site
    from strategy_bank.server.transport.http import address_of, serve_app

    settings.location.prepare()
    site = Site.of(State(settings, make_judge(settings)), may_change=not read_only, sources=target.sources)
    if link:
        show(site.sign_in_link(at))
        return
    listening = _listen(port)
    way_in = site.open_at(address_of(listening))
    say("Open this link to sign in; it works once, within five minutes:")
    show(way_in)
    if not no_browser and not webbrowser.open(way_in):
        say("No browser could be opened: open the link yourself.")
    number = serve_app(page_app(site), listening, settings.log_level, say, "/")
    if number:
        raise click.exceptions.Exit(128 + number)


def _listen(port: int | None) -> socket.socket:
    """Listen at a port; where none is given and the usual one is taken, at a free one."""
    from strategy_bank.server.transport.http import listen

    try:
        return listen(HOST, PORT if port is None else port)
    except InvalidInput as exc:
        taken = isinstance(exc.__cause__, OSError) and exc.__cause__.errno == errno.EADDRINUSE
        if port is None and taken:
            return listen(HOST, 0)
        raise
