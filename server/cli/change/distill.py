"""`strategy-bank distill`: have the configured endpoint judge what is pending."""

from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import Target, pass_target, progress_bar, say
from strategy_bank.server.judges import check_endpoint, with_endpoint

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


@click.command(short_help="Have an endpoint judge what is pending.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of episodes and runs; default: all.")
@click.option("--abandoned", is_flag=True, help="Also finish runs that still wait for attempts, with those reported.")
@pass_target("Only this scope; default: all.")
def distill(target: Target, limit: int | None, abandoned: bool) -> None:
    """Have the configured endpoint judge pending episodes, and compare the runs whose attempts are all reported.

    What fails stays pending with its reason, and can be tried again. Exit code 1 if anything failed.

    \b
    Example:
      STRATEGY_BANK_LLM_MODEL=gpt-5-mini STRATEGY_BANK_LLM_API_KEY=… strategy-bank distill --limit 20
    """
    from strategy_bank.tools.backlog.distill import Distilled, distill_backlog

    settings, scope = target.settings, target.scope
    check_endpoint(settings)
    with progress_bar("Distilling") as progress:

        async def run(bank: "Bank") -> Distilled:
            return await with_endpoint(
                settings, lambda judge: distill_backlog(bank, judge, progress, scope, limit=limit, abandoned=abandoned)
            )

        result = target.with_bank(run)
    for id, reason in result.failed:
        say(f"{id}: {reason}")
    say(f"Judged {result.episodes} episodes and compared {result.runs} runs; {len(result.failed)} failed.")
    if result.failed:
        raise click.exceptions.Exit(1)
