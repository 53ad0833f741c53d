"""`strategy-bank review`: a person decides on each quarantined strategy."""

import re
import sys
from typing import TYPE_CHECKING, Literal

import click

from strategy_bank.server.cli.console import (
    given,
    home_option,
    json_option,
    printable,
    say,
    scope_option,
    show_json,
    with_bank,
)
from strategy_bank.store.records import Strategy
from strategy_bank.tools.curation.status import change_status
from strategy_bank.tools.safety.disguise import INVISIBLE

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

Answer = Literal["keep", "reinstate", "forget", "skip", "quit"]
KEPT_OUT = "kept out of recall after review; it had been "
_ANSWERS: dict[str, Answer] = {"k": "keep", "r": "reinstate", "f": "forget", "s": "skip", "q": "quit"}
_QUESTION = "[k]eep out of recall, [r]einstate, [f]orget for good, [s]kip, [q]uit"


@click.command(short_help="Decide on what is quarantined, one by one.")
@click.option("--list", "only_list", is_flag=True, help="Show what waits and ask nothing.")
@home_option
@scope_option("Only this scope; default: all.")
@json_option
def review(only_list: bool, as_json: bool) -> None:
    """Go through the quarantined strategies: each read as orders to the agent, and no agent sees it.

    Invisible and look-alike letters are shown as escapes. Answers may come from a pipe, a line each; at its end the rest waits.
    Exit code 1 while something waits.

    \b
    Examples:
      strategy-bank review
      strategy-bank review --json | jq -r '.[].title'
    """
    waiting = with_bank(_waiting)
    if as_json:
        show_json([strategy.model_dump(mode="json") for strategy in waiting])
    elif only_list:
        click.echo("\n\n".join(map(_shown, waiting)) or "Nothing is quarantined.")
    elif waiting:
        decided = _decided(waiting)
        waiting = [strategy for strategy in waiting if strategy.id not in decided]
    else:
        say("Nothing is quarantined.")
    if waiting:
        say(f"{len(waiting)} still quarantined.")
        raise click.exceptions.Exit(1)


async def _waiting(bank: "Bank") -> list[Strategy]:
    where = {"scope": given("scope")} if given("scope") else {}
    return await bank.all(Strategy, status="quarantined", **where)


def _decided(waiting: list[Strategy]) -> set[str]:
    """Ask about each and do it at once; the ids of those that no longer wait."""
    done: set[str] = set()
    for number, strategy in enumerate(waiting, 1):
        click.echo(f"\n{number} of {len(waiting)}\n{_shown(strategy)}")
        answer = _answer()
        if answer == "quit":
            break
        if answer != "skip":
            with_bank(lambda bank, strategy=strategy, answer=answer: _do(bank, strategy, answer))
            done.add(strategy.id)
    return done


def _answer() -> Answer:
    while True:
        click.echo(f"{_QUESTION}: ", nl=False, err=True)
        line = sys.stdin.readline()
        if not line:
            return "quit"
        if answer := _ANSWERS.get(line.strip().lower()[:1]):
            return answer
        say("Answer with one of the letters.")


async def _do(bank: "Bank", strategy: Strategy, answer: Answer) -> None:
    if answer == "forget":
        await bank.atomically(lambda: bank.forget([strategy.id]))
    elif answer == "reinstate":
        await change_status(bank, (strategy.id,), "active", "")
    else:
        await change_status(bank, (strategy.id,), "retired", f"{KEPT_OUT}{strategy.status_reason}")


def _shown(strategy: Strategy) -> str:
    source = ", ".join([*strategy.episode_ids[-3:], *strategy.run_ids[-3:]]) or "an import"
    return (
        f"{strategy.id}  {strategy.status_reason}\n  from {source}, scope {_visible(strategy.scope)}, "
        f"{strategy.created_at:%Y-%m-%d}\n  Title:   {_visible(strategy.title)}\n  When:    {_visible(strategy.description)}\n"
        f"  Content: {_visible(strategy.content)}"
    )


def _visible(text: str) -> str:
    """Line breaks, invisible letters, and those of another script inside a Latin word as escapes."""
    text = INVISIBLE.sub(_escape, text).replace("\n", "\\n")
    text = re.sub(r"\w*[a-zA-Z]\w*", lambda word: re.sub("[\u0370-\u04ff]", _escape, word[0]), text)
    return printable(text)


def _escape(found: re.Match[str]) -> str:
    return f"\\u{{{ord(found[0]):x}}}"
