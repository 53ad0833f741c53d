"""`strategy-bank review`: a person decides on each quarantined strategy."""

import re
import sys
from typing import Literal

import click

from strategy_bank.server.cli.console import Target, json_option, pass_target, say, show_block, show_json
from strategy_bank.store.records import Strategy
from strategy_bank.store.visible_text import visible_line
from strategy_bank.tools.curation.decisions import Decision, carry_out, quarantined
from strategy_bank.tools.safety.disguise import INVISIBLE, LATIN_WORD

Answer = Decision | Literal["skip", "quit"]
_ANSWERS: dict[str, Answer] = {"k": "keep", "r": "reinstate", "f": "forget", "s": "skip", "q": "quit"}
_QUESTION = "[k]eep out of recall, [r]einstate, [f]orget for good, [s]kip, [q]uit"


@click.command(short_help="Decide on what is quarantined, one by one.")
@click.option("--list", "only_list", is_flag=True, help="Show what waits, and ask nothing.")
@pass_target("Only this scope; default: all.")
@json_option
def review(target: Target, only_list: bool, as_json: bool) -> None:
    """Go through the quarantined strategies. Each of them read as orders to the agent, and no agent sees it.

    Invisible and look-alike letters are shown as escapes. Answers may come from a pipe, one a line; after the last one, the
    other strategies keep waiting. Exit code 1 while something waits.

    \b
    Examples:
      strategy-bank review
      strategy-bank review --json | jq -r '.[].title'
    """
    waiting = target.with_bank(lambda bank: quarantined(bank, target.scope))
    if as_json:
        show_json([strategy.model_dump(mode="json") for strategy in waiting])
    elif only_list:
        show_block("\n\n".join(map(_shown, waiting)) or "Nothing is quarantined.")
    elif waiting:
        decided = _decided(target, waiting)
        waiting = [strategy for strategy in waiting if strategy.id not in decided]
    else:
        say("Nothing is quarantined.")
    if waiting:
        say(f"{len(waiting)} still quarantined.")
        raise click.exceptions.Exit(1)


def _decided(target: Target, waiting: list[Strategy]) -> set[str]:
    """Ask about each strategy and do at once what was answered. Return the ids of those that no longer wait."""
    done: set[str] = set()
    for number, strategy in enumerate(waiting, 1):
        show_block(f"\n{number} of {len(waiting)}\n{_shown(strategy)}")
        answer = _answer()
        if answer == "quit":
            break
        if answer != "skip":
            target.with_bank(lambda bank, strategy=strategy, answer=answer: carry_out(bank, strategy, answer))
            done.add(strategy.id)
    return done


def _answer() -> Answer:
    while True:
        say(f"{_QUESTION}: ", end="")
        line = sys.stdin.readline()
        if not line:
            return "quit"
        if answer := _ANSWERS.get(line.strip().lower()[:1]):
            return answer
        say("Answer with one of the letters.")


def _shown(strategy: Strategy) -> str:
    source = ", ".join([*strategy.episode_ids[-3:], *strategy.run_ids[-3:]]) or "an import"
    lines = (
        f"{_visible(strategy.id)}  {_visible(strategy.status_reason)}",
        f"  from {_visible(source)}, scope {_visible(strategy.scope)}, {strategy.created_at:%Y-%m-%d}",
        f"  Title:   {_visible(strategy.title)}",
        f"  When:    {_visible(strategy.description)}",
        f"  Content: {_visible(strategy.content)}",
    )
    return "\n".join(lines)


def _visible(text: str) -> str:
    """Show line breaks, invisible letters, and those of another script inside a Latin word as escapes."""
    text = visible_line(INVISIBLE.sub(_escape, text))
    return LATIN_WORD.sub(lambda word: re.sub("[\u0370-\u04ff]", _escape, word[0]), text)


def _escape(found: re.Match[str]) -> str:
    return f"\\u{{{ord(found[0]):x}}}"
