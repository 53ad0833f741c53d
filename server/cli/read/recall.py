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
    from strategy_bank.store.retrieval.explanation import Parts
    from strategy_bank.tools import recall_strategies
    from strategy_bank.tools.viewing.asking.why import Looked, Why


@click.command()
@click.argument("task", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 10), default=3, show_default=True, help="Maximum number of results.")
@click.option(
    "--stuck-on", metavar="TEXT", default="", help="Ask as somebody who is stuck in TASK: the error and the aim."
)
@click.option("--why", is_flag=True, help="Tell why each result stands where it does, and what just missed.")
@click.option("--about", metavar="ID", default="", help="With --why: tell of this strategy, wherever it stands.")
@pass_target("Project whose strategies to read, besides the global ones; default: this project.")
@json_option
def recall(
    target: Target, task: tuple[str, ...], limit: int, stuck_on: str, why: bool, about: str, as_json: bool
) -> None:
    """Recall the strategies that fit TASK, as an agent would. TASK is several words, or - to read it from standard input.

    With --why it tells the reason for each strategy and the parts of its score, and prints what an agent would read. Asking so
    is not counted among the recalls.

    \b
    Examples:
      strategy-bank recall fix the flaky upload test
      strategy-bank recall --why fix the flaky upload test
      strategy-bank recall --why --about st_0123456789abcdef fix the flaky upload test
      git log -1 --format=%B | strategy-bank recall - --json
    """
    from strategy_bank.tools import recall_strategies
    from strategy_bank.tools.scopes.registry import scope_in
    from strategy_bank.tools.viewing.asking import why as reasons

    text = (sys.stdin.read() if task == ("-",) else " ".join(task)).strip()
    if not 1 <= len(text) <= reasons.TASK_CHARS:
        raise InvalidInput(f"A task has 1 to {reasons.TASK_CHARS:,} characters, this one has {len(text):,}.")
    if about and not why:
        raise click.UsageError("--about goes with --why.")
    fixed = target.settings.scope

    async def explain(bank: "Bank") -> "Why":
        scope = await scope_in(bank, fixed, Path.cwd())
        return await reasons.why(bank, text, limit, scope, stuck_on=stuck_on, about=about)

    async def run(bank: "Bank") -> tuple[recall_strategies.RecallResult, bool]:
        scope = await scope_in(bank, fixed, Path.cwd())
        if stuck_on:
            return await recall_strategies.recall_when_stuck(bank, text, stuck_on, limit, scope), False
        result = await recall_strategies.recall(bank, text, limit, scope)
        return result, await recall_strategies.is_unread(bank, text, scope)

    if why:
        told = target.with_bank(explain)
        return show_json(told.as_json()) if as_json else show_block(_reasons(told))
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


def _reasons(told: "Why") -> str:
    lists = {
        "In full": told.full,
        "By title": told.listed,
        "Just missed": told.missed,
        "Kept from recalls": told.kept_back,
        "Asked about": [told.about] if told.about else [],
    }
    parts = [f"{title}:\n\n" + "\n\n".join(map(_looked, some)) for title, some in lists.items() if some]
    read = f"What an agent reads, about {told.tokens} tokens; it gets another recall_id:"
    return "\n\n".join([told.summary, *parts, read, told.text])


def _looked(each: "Looked") -> str:
    return f"{folded(each.title)}\n  {each.id}, scope {folded(each.scope)}{_use(each)}\n  {each.words}\n  {_score(each.parts)}"


def _score(parts: "Parts") -> str:
    if parts.of_task is None or parts.of_strategy is None:
        fit = f"cosine {parts.cosine:.2f}, words {parts.bm25:.1f}"
    else:
        fit = f"covers {parts.of_task:.2f} of the task, the task {parts.of_strategy:.2f} of it"
        fit = fit if parts.compared else f"not compared, cosine {parts.cosine:.2f}"
    return f"({fit}; record {parts.experience:+.2f}; standing {parts.standing:.2f}, margin {parts.margin:+.2f})"


def _other(hit: "recall_strategies.OtherStrategy") -> str:
    return f"  {hit.id}{_use(hit)}: {folded(hit.title)}"


def _use(hit: "Hit | recall_strategies.OtherStrategy | Looked") -> str:
    return f", helped {hit.helped}, hurt {hit.hurt}" if hit.helped + hit.hurt else ""


def _hit(hit: Hit) -> str:
    return (
        f"{folded(hit.title)}\n"
        f"  {hit.id}, relevance {hit.relevance:.2f}, from {hit.outcome}, scope {folded(hit.scope)}{_use(hit)}\n"
        f"  When: {folded(hit.description)}\n{indent(hit.content, '  ')}"
    )
