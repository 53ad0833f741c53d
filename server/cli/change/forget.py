"""`strategy-bank forget`: delete records for good."""

import click

from strategy_bank.server.cli.console import Target, ask, check_answerable, pass_target, printable, say, yes_option
from strategy_bank.tools.curation import decisions


@click.command(short_help="Delete records for good.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@yes_option
@pass_target()
def forget(target: Target, ids: tuple[str, ...], yes: bool) -> None:
    """Delete strategies, episodes or runs for good. Only an earlier `backup` or `export` brings them back.

    To keep a strategy out of recall only, `retire` it. The bytes of what is deleted leave the disk when the bank is
    compacted, some dozens of writes later.

    \b
    Example:
      strategy-bank forget st_0123456789abcdef ep_0123456789abcdef
    """
    check_answerable(yes, "delete")
    for line in target.with_bank(lambda bank: decisions.headlines(bank, ids)):
        say(printable(line))
    ask(yes, f"Delete {'these' if len(ids) > 1 else 'this'} for good?", "Nothing was deleted.")
    gone = target.with_bank(lambda bank: decisions.forget(bank, ids))
    say(f"Deleted {len(gone)}: {', '.join(gone)}.")
