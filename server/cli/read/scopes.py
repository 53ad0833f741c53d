"""`strategy-bank scopes`: which scopes there are, what they hold, and whose they are."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from strategy_bank.server.cli.console import Target, json_option, pass_target, say, show_json, show_table
from strategy_bank.tools.scopes.moving import ScopeSummary, summaries
from strategy_bank.tools.scopes.registry import scope_in

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_KINDS = {"strategy": "strategies", "episode": "episodes", "run": "runs", "recall": "recalls"}
_KNOWN_BY = 3  # shown of a project; the others are places of worktrees


@click.command(short_help="List the scopes, and whose they are.")
@pass_target("Scope to name as the one in force; default: that of the project in this folder.")
@json_option
def scopes(target: Target, as_json: bool) -> None:
    """List the scopes of the bank, the one with the newest record first: what each holds, and which project has it.

    A scope without a project was made by an older version or by --scope, or is `global` or `no-project`. `move` renames a
    scope or joins it with another.

    \b
    Example:
      strategy-bank scopes --json | jq -r '.scopes[].name'
    """
    fixed = target.settings.scope

    async def run(bank: "Bank") -> tuple[str, list[ScopeSummary]]:
        return (await scope_in(bank, fixed, Path.cwd())).name, await summaries(bank)

    here, found = target.with_bank(run)
    if as_json:
        show_json({"here": here, "scopes": [_fields(scope) for scope in found]})
        return
    show_table(
        ("scope", *_KINDS.values(), "newest", "known by"), [_row(each) for each in found], folding=("scope", "known by")
    )
    say(f"In this folder the scope is {here}.")


def _fields(scope: ScopeSummary) -> dict[str, Any]:
    newest = scope.newest.isoformat() if scope.newest else None
    return dataclasses.asdict(scope) | {"counts": {name: scope.counts[name] for name in _KINDS}, "newest": newest}


def _row(scope: ScopeSummary) -> tuple[object, ...]:
    known = [each.partition(":")[2] for each in sorted(scope.identities, reverse=True)]
    more = f" and {len(known) - _KNOWN_BY} more" if len(known) > _KNOWN_BY else ""
    newest = f"{scope.newest:%Y-%m-%d}" if scope.newest else ""
    return scope.name, *(scope.counts[name] for name in _KINDS), newest, ", ".join(known[:_KNOWN_BY]) + more
