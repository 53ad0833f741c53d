"""`strategy-bank move`: rename a scope, join it with another, or give single strategies to one."""

import re
from collections import Counter
from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import (
    Target,
    ask,
    check_answerable,
    counted,
    pass_target,
    progress_bar,
    say,
    yes_option,
)
from strategy_bank.tools.scopes.moving import move_scope, move_strategies, summaries

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.scopes.moving import ScopeSummary

_STRATEGY = re.compile(r"st_[0-9a-f]{16}")


@click.command(short_help="Rename a scope, join it with another, or move strategies.")
@click.argument("old", nargs=-1, required=True, metavar="OLD...")
@click.argument("new")
@yes_option
@pass_target()
def move(target: Target, old: tuple[str, ...], new: str, yes: bool) -> None:
    """Move all that the scope OLD holds into the scope NEW, with its projects. Where NEW exists, the two are joined.

    OLD may also be the ids of strategies; these alone move then. In `global` every project recalls them. A running server
    notices; one that was started with `--scope OLD` keeps that name.

    \b
    Examples:
      strategy-bank move shop-old shop
      strategy-bank move st_0123456789abcdef global
    """
    if all(_STRATEGY.fullmatch(each) for each in old):
        before = target.with_bank(lambda bank: move_strategies(bank, old, new))
        for strategy in before:
            say(f"{strategy.id}: {strategy.scope} → {new}: {strategy.title}")
        return
    if len(old) > 1:
        raise click.UsageError("Give one scope, or ids of strategies only.")
    scope = "".join(old)
    _ask_where_joined(target, scope, new, yes)
    with progress_bar("Moving") as progress:
        moved = target.with_bank(lambda bank: move_scope(bank, scope, new, progress))
    shown = Counter({kind: number for kind, number in moved.items() if kind != "project"})
    say(f"Moved {counted(shown)} from {scope} to {new}.")


def _ask_where_joined(target: Target, old: str, new: str, yes: bool) -> None:
    """Ask before two scopes become one: that cannot be undone."""

    async def there(bank: "Bank") -> "list[ScopeSummary]":
        return await summaries(bank)

    names = {scope.name for scope in target.with_bank(there)}
    if {old, new} <= names:
        check_answerable(yes, f"join {old} with {new}")
        ask(
            yes,
            f"{new} exists. Join {old} with it? They cannot be told apart afterwards.",
            "Nothing was moved.",
        )
