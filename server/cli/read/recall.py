"""`strategy-bank recall`: the strategies that fit a task, as an agent would get them."""

import sys
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import Target, json_option, pass_target, say, show_block, show_json
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Hit
from strategy_bank.store.visible_text import folded

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools import recall_strategies

_TASK_CHARS = 8_000


@click.command()
@click.argument("task", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 10), default=3, show_default=True, help="Maximum number of results.")
@pass_target("Project whose strategies to read, besides the global ones; default: this project.")
@json_option
def recall(target: Target, task: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Recall the strategies that fit TASK, as an agent would. TASK is several words, or - to read it from standard input.

    \b
    Examples:
      strategy-bank recall fix the flaky upload test
      git log -1 --format=%B | strategy-bank recall - --json
    """
    from strategy_bank.tools import recall_strategies
    from strategy_bank.tools.scopes.registry import scope_in

    text = (sys.stdin.read() if task == ("-",) else " ".join(task)).strip()
    if not 1 <= len(text) <= _TASK_CHARS:
        raise InvalidInput(f"A task has 1 to {_TASK_CHARS:,} characters, this one has {len(text):,}.")
    fixed = target.settings.scope

    async def run(bank: "Bank") -> tuple[recall_strategies.RecallResult, bool]:
        scope = await scope_in(bank, fixed, Path.cwd())
        result = await recall_strategies.recall(bank, text, limit, scope)
        return result, await recall_strategies.is_unread(bank, text, scope)

    result, unread = target.with_bank(run)
    if as_json:
        show_json(result.model_dump(mode="json"))
    elif result.strategies or result.others:
        others = (
            ["May fit too, in full with `strategy-bank show ID`:", *map(_other, result.others)] if result.others else []
        )
        show_block("\n\n".join([*map(_hit, result.strategies), "\n".join(others)]).rstrip())
    elif unread:
        say("The model of this bank reads English, and this task is hardly English: ask in English.")
    else:
        say(f"Nothing in {result.scope} or global fits this task.")


def _other(hit: "recall_strategies.OtherStrategy") -> str:
    return f"  {hit.id}{_use(hit)}: {folded(hit.title)}"


def _use(hit: "Hit | recall_strategies.OtherStrategy") -> str:
    return f", helped {hit.helped}, hurt {hit.hurt}" if hit.helped + hit.hurt else ""


def _hit(hit: Hit) -> str:
    return (
        f"{folded(hit.title)}\n"
        f"  {hit.id}, relevance {hit.relevance:.2f}, from {hit.outcome}, scope {folded(hit.scope)}{_use(hit)}\n"
        f"  When: {folded(hit.description)}\n{indent(hit.content, '  ')}"
    )
