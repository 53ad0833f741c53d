"""`strategy-bank reinstate`: bring strategies back into recall."""

import click

from strategy_bank.server.cli.change.retire import set_status
from strategy_bank.server.cli.console import Target, pass_target


@click.command(short_help="Bring strategies back into recall.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@pass_target()
def reinstate(target: Target, ids: tuple[str, ...]) -> None:
    """Bring retired or quarantined strategies back into recall.

    A strategy that was retired because it kept hurting gets a new chance: only later uses count against it.
    A quarantined one read as orders to the agent: look at it with `show` before you let agents see it.

    \b
    Examples:
      strategy-bank list --status quarantined
      strategy-bank reinstate st_0123456789abcdef
    """
    set_status(target, ids, "active", "")
