"""`strategy-bank value`: what came of what was recalled."""

from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import Target, json_option, pass_target, say, show, show_json, show_table
from strategy_bank.store.visible_text import folded

if TYPE_CHECKING:
    from strategy_bank.tools.value import By

_TASK_CHARS = 80


@click.command(short_help="Tell what came of what was recalled.")
@pass_target("Only this scope; default: all.")
@click.option("--by", type=click.Choice(["scope", "month"]), help="A column for each scope or month.")
@json_option
def value(target: Target, by: "By | None", as_json: bool) -> None:
    """Tell what came of what was recalled: what agents opened, followed, and found right or wrong, and how their tasks went.

    That tasks with lessons went better proves little, since they are other tasks. With the setting hold_out = 20, one recall in
    20 leaves out one strategy that fits; how those tasks went shows what lessons are worth here.

    \b
    Examples:
      strategy-bank value --by month
      strategy-bank config set hold_out 20
    """
    from strategy_bank.tools import value as figures
    from strategy_bank.tools.viewing.helping.figures import rows

    found = target.with_bank(lambda bank: figures.value(bank, target.scope, by))
    if as_json:
        show_json({name: each.as_json() for name, each in found.items()} if by else found[""].as_json())
        return
    show_table(("", *map(folded, found)), rows(found))
    for task, number in [gap for each in found.values() for gap in each.gaps]:
        show(f"asked for {number} times and nothing fits: {folded(task[:_TASK_CHARS])}")
    if not any(each.held_out.tasks for each in found.values()):
        say("Whether lessons help is known only by comparison: `strategy-bank config set hold_out 20`.")
