"""`strategy-bank edit`: change the words of a strategy in an editor."""

from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.change.lesson_text import written
from strategy_bank.server.cli.console import Target, pass_target, say, show_block
from strategy_bank.store.records import Strategy
from strategy_bank.tools.curation import words as curation
from strategy_bank.tools.sharing.describe import difference

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_NOTE = "The words of {id}. Leave them as they are, or delete them, and nothing is changed."
_PROPOSED = "Proposed by {by}, not confirmed. When you save, it is dropped:"


@click.command(short_help="Change the words of a strategy in an editor.")
@click.argument("id")
@pass_target()
def edit(target: Target, id: str) -> None:
    """Open a strategy in $VISUAL or $EDITOR: its title, when it applies, and what to do. What you save takes its place.

    Id, counters and origin stay, and the former words are kept: `show` prints them, `revert` brings them back. Corrections
    that agents proposed stand above the text; saving drops them, since you have decided.

    \b
    Example:
      strategy-bank edit st_0123456789abcdef
    """

    async def find(bank: "Bank") -> Strategy:
        return await bank.get(Strategy, id)

    before = target.with_bank(find)
    notes = [_NOTE.format(id=before.id)]
    for each in before.proposals:
        notes += [_PROPOSED.format(by=each.proposed_by), each.title, each.description, each.content]
    words = written(before.title, before.description, before.content, notes)
    if words is None:
        say("Nothing was changed.")
        raise click.exceptions.Exit(1)
    after = target.with_bank(lambda bank: curation.edit(bank, before, words))
    show_block(difference(before, after))
    say(f"Changed {after.id}. `strategy-bank revert {after.id}` takes it back.")
