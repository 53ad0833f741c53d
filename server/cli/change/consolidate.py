"""`strategy-bank consolidate`: merge strategies that say the same."""

from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import Target, pass_target, progress_bar, say, show
from strategy_bank.server.judges import with_endpoint
from strategy_bank.tools.consolidation.sweep import Sweep, sweep
from strategy_bank.tools.judging.judge import AgentJudge

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


@click.command(short_help="Merge strategies that say the same.")
@click.option("--dry-run", is_flag=True, help="Show what would be merged, and why; change nothing.")
@pass_target("Only within this scope; default: all, and what several projects say becomes global.")
def consolidate(target: Target, dry_run: bool) -> None:
    """Merge strategies that say the same. One takes in the counters and origins of the others, which are retired.

    The better supported text stays, else the older one; `reinstate` brings the others back. Where likeness leaves it open, a
    configured endpoint decides; without one, or when it fails, both stay. Doing it twice changes nothing more.

    \b
    Example:
      strategy-bank consolidate --dry-run
    """
    settings, scope = target.settings, target.scope
    with progress_bar("Comparing") as progress:

        async def run(bank: "Bank") -> "Sweep":
            if settings.llm_model:
                return await with_endpoint(settings, lambda judge: sweep(bank, judge, progress, scope, dry_run=dry_run))
            return await sweep(bank, AgentJudge(), progress, scope, dry_run=dry_run)

        found = target.with_bank(run)
    for reason in found.failed:
        say(f"Not decided, both stay: {reason}")
    for merge in found.merges:
        show(f"{merge.other.id} → {merge.kept.id}  ({merge.why})")
        for title in (merge.other.title, merge.kept.title):
            show(f"  {title}")
    say(f"{len(found.merges)} {'would be' if dry_run else 'were'} merged into others.")
