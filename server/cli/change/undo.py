"""`strategy-bank undo`: take back what a person decided about a strategy."""

import click

from strategy_bank.server.cli.console import Target, pass_target, show
from strategy_bank.tools.curation import decisions
from strategy_bank.tools.sharing.describe import said


@click.command(short_help="Take back the last decision about a strategy.")
@click.argument("id")
@pass_target()
def undo(target: Target, id: str) -> None:
    """Give a strategy the status back that it had before `review`, `retire` or `reinstate`; likewise a correction that was
    dropped, and the link to an opposite beside which it was to stand. `undo` once more undoes that.

    `show` lists what was decided. `revert` takes back changes of words. What was forgotten is gone.

    \b
    Example:
      strategy-bank undo st_0123456789abcdef
    """
    before, after = target.with_bank(lambda bank: decisions.undo(bank, id))
    last = after.decisions[-1]
    what = f"{before.status} → {after.status}" if last.what == "status" else said(last)
    show(f"{after.id}: {what}: {after.title}")
