"""`strategy-bank retire`: take strategies out of recall."""

from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.change.status import set_status
from strategy_bank.server.cli.console import home_option

if TYPE_CHECKING:
    pass


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", default="retired by hand", show_default=True, help="Why; kept with the strategy.")
@home_option
def retire(ids: tuple[str, ...], reason: str) -> None:
    """Take strategies out of recall. They stay in the bank; `reinstate` brings them back.

    \b
    Example:
      strategy-bank retire st_0123456789abcdef --reason "we no longer use that library"
    """
    set_status(ids, "retired", reason)
