"""`strategy-bank forget`: delete records for good."""

from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import ask, check_answerable, home_option, printable, say, with_bank
from strategy_bank.store.records import Episode, Run, Strategy
from strategy_bank.tools.curation.status import check_found

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_KINDS = (Strategy, Episode, Run)


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@home_option
def forget(ids: tuple[str, ...], yes: bool) -> None:
    """Delete strategies, episodes or runs for good. There is no way back but an earlier `backup` or `export`.

    To keep a strategy out of recall only, `retire` it. The bytes of what is deleted leave the disk when the bank is
    compacted, some dozens of writes later.

    \b
    Example:
      strategy-bank forget st_0123456789abcdef ep_0123456789abcdef
    """
    check_answerable(yes, "delete")
    for line in with_bank(lambda bank: _headlines(bank, ids)):
        say(printable(line))
    ask(yes, f"Delete {'these' if len(ids) > 1 else 'this'} for good?", "Nothing was deleted.")
    gone = with_bank(lambda bank: _forget(bank, ids))
    say(f"Deleted {len(gone)}: {', '.join(gone)}.")


async def _headlines(bank: "Bank", ids: tuple[str, ...]) -> list[str]:
    """A line for each. Raises NotFound when one of them is missing."""
    found: dict[str, str] = {}
    for kind in _KINDS:
        name = "title" if kind is Strategy else "task"
        for row in await bank.cells(kind, [name], id=list(ids)):
            found[row["id"]] = f"{row['id']}  {row[name][:100]}"
    check_found(ids, found.keys(), "strategy, episode or run")
    return list(found.values())


async def _forget(bank: "Bank", ids: tuple[str, ...]) -> list[str]:
    return await bank.atomically(lambda: bank.forget(ids))
