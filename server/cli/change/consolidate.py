"""`strategy-bank consolidate`: strategies that say the same become one, those of several projects become global."""

from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import (
    given,
    home_option,
    printable,
    progress_bar,
    say,
    scope_option,
    settings,
    show,
    with_bank,
)
from strategy_bank.server.judges import with_endpoint
from strategy_bank.tools.consolidation.sweep import Sweep, sweep
from strategy_bank.tools.judging.judge import AgentJudge

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


@click.command(short_help="Join strategies that say the same.")
@click.option("--dry-run", is_flag=True, help="Show what would be joined, and why; change nothing.")
@home_option
@scope_option("Only within this scope; default: all, and what several projects say becomes global.")
def consolidate(dry_run: bool) -> None:
    """Join strategies that say the same: counters and provenance add up in one, the others are retired and can be reinstated.

    The better supported text stays, else the older one. Where the comparison leaves it open, a configured endpoint decides;
    without one, or when it fails, both stay. Doing it twice changes nothing more.

    \b
    Example:
      strategy-bank consolidate --dry-run
    """
    asked, scope = settings(), given("scope")
    with progress_bar("Comparing") as progress:

        async def run(bank: "Bank") -> "Sweep":
            if asked.llm_model:
                return await with_endpoint(asked, lambda judge: sweep(bank, judge, progress, scope, dry_run=dry_run))
            return await sweep(bank, AgentJudge(), progress, scope, dry_run=dry_run)

        found = with_bank(run)
    for reason in found.undecided:
        say(printable(f"Not decided, both stay: {reason}"))
    for merge in found.merges:
        show(f"{merge.other.id} → {merge.kept.id}  ({merge.why})\n  {merge.other.title}\n  {merge.kept.title}")
    say(f"{len(found.merges)} {'would be' if dry_run else 'were'} joined into others.")
