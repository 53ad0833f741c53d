"""`strategy-bank add`: write a lesson by hand."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.change.lesson_text import written
from strategy_bank.server.cli.console import Target, pass_target, say, show
from strategy_bank.store.records import LessonOutcome, Strategy
from strategy_bank.tools.curation import words as curation

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_NOTE = "A new lesson. Leave it empty, and nothing is added. When: one sentence on when it applies; below, what to do and why."
_OUTCOMES = click.Choice(["success", "failure", "contrast"])


@click.command(short_help="Write a lesson by hand.")
@click.option("--title", default="", metavar="TEXT", help="A short name.")
@click.option("--description", default="", metavar="TEXT", help="One sentence: when it applies.")
@click.option("--content", default="", metavar="TEXT", help="One to five sentences: what to do or avoid, and why.")
@click.option("--outcome", type=_OUTCOMES, default="success", show_default=True, help="What it was learned from.")
@click.option("--here", is_flag=True, help="A fact that holds in this project, and is shared with no other.")
@pass_target("Scope to add it to; default: that of this project. `global` is read by all projects.")
def add(target: Target, title: str, description: str, content: str, outcome: LessonOutcome, here: bool) -> None:
    """Add a lesson that you write yourself. Without --title, --description and --content it opens $VISUAL or $EDITOR.

    It is held to the rules of a report: secrets are redacted, and what reads as an order to the agent is refused.

    \b
    Examples:
      strategy-bank add
      strategy-bank add --title "Ask before a migration" --description "When a change needs a new column." \\
        --content "Say which tables grow and wait for a yes: the table of orders is locked for minutes."
    """
    from strategy_bank.tools.scopes.registry import scope_in

    given = (title, description, content)
    if any(given) and not all(given):
        raise click.UsageError("Give --title, --description and --content, or none of them to write in an editor.")
    words = curation.checked_words(*given) if all(given) else written("", "", "", [_NOTE])
    if words is None:
        say("Nothing was added.")
        raise click.exceptions.Exit(1)
    fixed = target.settings.scope

    async def run(bank: "Bank") -> tuple[Strategy, bool]:
        held = words.model_copy(update={"holds": "here" if here else "generally"})
        return await curation.add(bank, held, outcome, (await scope_in(bank, fixed, Path.cwd())).name)

    strategy, is_new = target.with_bank(run)
    show(f"{strategy.id}  {strategy.scope}  {strategy.title}")
    if not is_new:
        say(f"It was there already; its status is {strategy.status}.")
