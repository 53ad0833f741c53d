"""`strategy-bank reinstate`: bring strategies back into recall."""

from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.change.status import set_status
from strategy_bank.server.cli.console import home_option

if TYPE_CHECKING:
    pass


@click.command(short_help="Bring strategies back into recall.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@home_option
def reinstate(ids: tuple[str, ...]) -> None:
    """Bring retired or quarantined strategies back into recall.

    One that was retired because it kept hurting gets a new chance: only later uses count against it.
    A quarantined one read as orders to the agent: look at it with `show` before you let agents see it.

    \b
    Example:
      strategy-bank list --status quarantined
      strategy-bank reinstate st_0123456789abcdef
    """
    set_status(ids, "active", "")
