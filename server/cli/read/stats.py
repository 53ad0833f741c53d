"""`strategy-bank stats`: what the bank holds, counted."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from strategy_bank.server.cli.console import (
    Target,
    json_option,
    pass_target,
    say,
    show,
    show_json,
    show_table,
)
from strategy_bank.tools.curation.counts import counts
from strategy_bank.tools.scopes.registry import scope_in

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_PENDING_SHOWN = 20


@click.command(short_help="Count what the bank holds.")
@pass_target("Only this scope; default: all.")
@json_option
def stats(target: Target, as_json: bool) -> None:
    """Count what the bank holds, and list the episodes that wait for a judgement."""
    fixed = target.settings.scope

    async def run(bank: "Bank") -> dict[str, Any]:
        return {"scope_here": (await scope_in(bank, fixed, Path.cwd())).name} | await counts(bank, target.scope)

    found = target.with_bank(run)
    if as_json:
        show_json(found)
        return
    rows = [row for row in _rows(found) if row[2]]
    show_table(("what", "of which", "number"), rows or [("strategies", "all", 0)], folding=("of which",))
    if not target.scope:
        say(f"In this folder the scope is {found['scope_here']}.")
    for pending in found["pending"][:_PENDING_SHOWN]:
        show(f"pending {pending['id']}: {pending['reason'] or 'nobody has judged it yet'}")
    if found["pending"]:
        say("`strategy-bank distill` has an endpoint judge the pending ones.")


def _rows(found: dict[str, Any]) -> list[tuple[str, str, object]]:
    rows: list[tuple[str, str, object]] = []
    for what in ("strategies", "episodes", "runs", "recalls"):
        for column, value in found[what].items():
            parts: dict[str, int] = {"": value} if column == "all" else value
            rows += [(what, f"{column} {part}".strip(), number) for part, number in parts.items()]
    size = found["bytes"]
    return [*rows, ("on disk", "", f"{size / 1e6:.1f} MB" if size is not None else "in an object store")]
