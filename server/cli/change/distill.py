"""`strategy-bank distill`: what waits for a judgement gets one from the configured endpoint."""

from typing import TYPE_CHECKING

import click

from strategy_bank.server.judges import check_endpoint, with_endpoint

if TYPE_CHECKING:
    from strategy_bank.tools.backlog.distill import Distilled

from strategy_bank.server.cli.console import (
    given,
    home_option,
    printable,
    progress_bar,
    say,
    scope_option,
    settings,
    with_bank,
)

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


@click.command(short_help="Have an endpoint judge what is pending.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many; default: all.")
@click.option("--abandoned", is_flag=True, help="Also finish runs that still wait for attempts, with those reported.")
@home_option
@scope_option("Only this scope; default: all.")
def distill(limit: int | None, abandoned: bool) -> None:
    """Have pending episodes judged by the configured endpoint, and runs compared whose attempts are all reported.

    What fails stays pending with its reason and may be tried again. Exit code 1 when anything failed.

    \b
    Example:
      STRATEGY_BANK_LLM_MODEL=gpt-5-mini STRATEGY_BANK_LLM_API_KEY=… strategy-bank distill --limit 20
    """
    asked, scope = settings(), given("scope")
    check_endpoint(asked)
    with progress_bar("Distilling") as progress:

        async def run(bank: "Bank") -> "Distilled":
            from strategy_bank.tools.backlog.distill import distill_backlog

            return await with_endpoint(
                asked, lambda judge: distill_backlog(bank, judge, progress, scope, limit=limit, abandoned=abandoned)
            )

        result = with_bank(run)
    for id, reason in result.failed:
        say(printable(f"{id}: {reason}"))
    say(f"Judged {result.episodes} episodes and compared {result.runs} runs; {len(result.failed)} failed.")
    if result.failed:
        raise click.exceptions.Exit(1)
