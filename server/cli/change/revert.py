"""`strategy-bank revert`: give a strategy its former words back."""

import click

from strategy_bank.server.cli.console import Target, pass_target, say, show_block
from strategy_bank.tools.curation import words as curation
from strategy_bank.tools.sharing.describe import difference


@click.command(short_help="Give a strategy its former words back.")
@click.argument("id")
@click.option("--to", "number", type=click.IntRange(1), help="Number of the wording in `show`; default: the last one.")
@click.option("--proposed", is_flag=True, help="Drop the corrections that wait, and leave the words as they are.")
@pass_target()
def revert(target: Target, id: str, number: int | None, proposed: bool) -> None:
    """Give a strategy the words back that it had before it was last amended or edited.

    Counters and origin stay as they are. This is a change like any other: `revert` once more undoes it.

    \b
    Examples:
      strategy-bank show st_0123456789abcdef
      strategy-bank revert st_0123456789abcdef
      strategy-bank revert st_0123456789abcdef --proposed
    """
    if proposed and number:
        raise click.UsageError("Give --to or --proposed, not both.")
    if proposed:
        before = target.with_bank(lambda bank: curation.drop_proposals(bank, id))
        for each in before.proposals:
            show_block(difference(before, each))
        say(f"Dropped {len(before.proposals)} proposed for {before.id}. Its words stay.")
        return
    before, after = target.with_bank(lambda bank: curation.revert(bank, id, number))
    show_block(difference(before, after))
    say(f"{after.id} has its former words again. `strategy-bank revert {after.id}` undoes that.")
