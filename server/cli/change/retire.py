"""`strategy-bank retire`: take strategies out of recall. `reinstate` shares how a change is printed."""

import click

from strategy_bank.server.cli.console import Target, pass_target, show
from strategy_bank.store.records import StrategyStatus
from strategy_bank.tools.curation.decisions import change_status


@click.command(short_help="Take strategies out of recall.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", default="retired by hand", show_default=True, help="Reason to keep with the strategy.")
@pass_target()
def retire(target: Target, ids: tuple[str, ...], reason: str) -> None:
    """Take strategies out of recall. They stay in the bank; `reinstate` brings them back.

    \b
    Example:
      strategy-bank retire st_0123456789abcdef --reason "we no longer use that library"
    """
    set_status(target, ids, "retired", reason)


def set_status(target: Target, ids: tuple[str, ...], status: StrategyStatus, reason: str) -> None:
    """Change the status of strategies, and print what each was before."""
    for strategy in target.with_bank(lambda bank: change_status(bank, ids, status, reason)):
        was = f"was {status} already" if strategy.status == status else f"{strategy.status} → {status}"
        why = f" (it had been {strategy.status_reason})" if status == "active" and strategy.status_reason else ""
        show(f"{strategy.id}: {was}{why}: {strategy.title}")
