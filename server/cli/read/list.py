"""`strategy-bank list`: strategies, the newest first."""

from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import Target, json_option, pass_target, say, show_json, show_table
from strategy_bank.store.records import Strategy

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


@click.command("list")
@click.option(
    "--status",
    type=click.Choice(["active", "retired", "quarantined", "waiting", "all"]),
    default="active",
    show_default=True,
    help="Only strategies with this status.",
)
@click.option("--outcome", type=click.Choice(["success", "failure", "contrast"]), help="Only those learned from this.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Maximum number of results.")
@pass_target("Only this scope; default: all.")
@json_option
def list_strategies(target: Target, status: str, outcome: str | None, limit: int, as_json: bool) -> None:
    """List strategies, the newest first.

    \b
    Examples:
      strategy-bank list --status quarantined       what a person should look at
      strategy-bank list --json | jq -r '.[].title'
    """
    wanted = {"status": None if status == "all" else status, "outcome": outcome, "scope": target.scope}
    equal = {name: value for name, value in wanted.items() if value}

    async def newest(bank: "Bank") -> tuple[int, list[Strategy]]:
        ids = [row["id"] for row in await bank.cells(Strategy, [], **equal)]
        found = await bank.all(Strategy, id=ids[-limit:]) if ids else []
        return len(ids), found[::-1]

    total, strategies = target.with_bank(newest)
    if as_json:
        show_json([strategy.model_dump(mode="json") for strategy in strategies])
    elif strategies:
        columns = ("id", "title", "scope", "outcome", "status", "support", "helped", "hurt", "since")
        show_table(columns, [_row(strategy) for strategy in strategies], folding=("title", "scope"))
    if total > len(strategies) or not total:
        say(f"{len(strategies)} of {total} shown; --limit shows more." if total else "No such strategies.")


def _row(strategy: Strategy) -> tuple[object, ...]:
    about = (strategy.id, strategy.title, strategy.scope, strategy.outcome, strategy.status)
    return (*about, strategy.support, strategy.helped, strategy.hurt, f"{strategy.created_at:%Y-%m-%d}")
