"""`strategy-bank review`: a person decides on each strategy and each correction that waits."""

import re
import sys
from typing import TYPE_CHECKING, Literal

import click

from strategy_bank.server.cli.console import Target, json_option, pass_target, say, show_block, show_json
from strategy_bank.store.records import Proposal, Strategy
from strategy_bank.store.visible_text import visible_line
from strategy_bank.tools.curation.decisions import (
    Decision,
    carry_out,
    change_status,
    contradictions,
    for_a_person,
    keep_both,
    look_of,
)
from strategy_bank.tools.curation.words import accept, drop
from strategy_bank.tools.curation.words import for_a_person as corrections_for_a_person
from strategy_bank.tools.safety.disguise import INVISIBLE, LATIN_WORD
from strategy_bank.tools.sharing.describe import difference

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

Item = tuple[Strategy, Proposal | Strategy | None]
"""A strategy that waits, or one of which a correction waits, or one and its opposite."""
Answer = Decision | Literal["both", "first", "second", "skip", "quit"]
_ANSWERS: dict[str, Answer] = {"k": "keep", "r": "reinstate", "l": "reinstate", "f": "forget", "s": "skip", "q": "quit"}
_OF_TWO: dict[str, Answer] = {"b": "both", "1": "first", "2": "second", "s": "skip", "q": "quit"}
_QUESTION = "[k]eep out of recall, [l]et into recall, [f]orget for good, [s]kip, [q]uit"
_ABOUT_TWO = "let [b]oth stand, retire the first [1] or the second [2], [s]kip, [q]uit"
_ABOUT_WORDS = "[k]eep the words it has, [l]et the new ones in, [s]kip, [q]uit"


@click.command(short_help="Decide on what waits for a person, one by one.")
@click.option("--list", "only_list", is_flag=True, help="Show what waits, and ask nothing.")
@pass_target("Only this scope; default: all.")
@json_option
def review(target: Target, only_list: bool, as_json: bool) -> None:
    """Go through what waits for a person, and no agent sees: strategies that read as orders, those that may do harm, with
    the setting trust = approve all new ones, and corrections of known ones. Then through those that contradict each other.

    Invisible and look-alike letters are shown as escapes. Answers may come from a pipe, one a line; after the last one, the
    rest keeps waiting. `undo` takes a decision back. Exit code 1 while something waits.

    \b
    Examples:
      strategy-bank review
      strategy-bank review --json | jq -r '.[].title'
    """
    waiting = target.with_bank(lambda bank: _waiting(bank, target.scope))
    if as_json:
        show_json([strategy.model_dump(mode="json") for strategy, _ in waiting])
    elif only_list:
        show_block("\n\n".join(map(_shown, waiting)) or "Nothing waits.")
    elif waiting:
        decided = _decided(target, waiting)
        waiting = [item for number, item in enumerate(waiting) if number not in decided]
    else:
        say("Nothing waits.")
    if waiting:
        say(f"{len(waiting)} still waiting.")
        raise click.exceptions.Exit(1)


async def _waiting(bank: "Bank", scope: str | None) -> list[Item]:
    corrected = await corrections_for_a_person(bank, scope)
    pairs = await contradictions(bank, scope)
    known = (
        {each.id: each for each in await bank.all(Strategy, id=[id for pair in pairs for id in pair])} if pairs else {}
    )
    opposites = [(known[one], known[other]) for one, other in pairs if {one, other} <= known.keys()]
    return [*((each, None) for each in await for_a_person(bank, scope)), *corrected, *opposites]


def _decided(target: Target, waiting: list[Item]) -> set[int]:
    """Ask about each and do at once what was answered. Return the places of those that no longer wait."""
    done: set[int] = set()
    for number, asked in enumerate(waiting):
        of_two = isinstance(asked[1], Strategy)
        item = target.with_bank(lambda bank, asked=asked: _as_it_is(bank, asked)) if of_two else asked
        if item is None:  # another answer has settled it
            done.add(number)
            continue
        show_block(f"\n{number + 1} of {len(waiting)}\n{_shown(item)}")
        answer = _answer(item)
        if answer == "quit":
            break
        if answer != "skip":
            target.with_bank(lambda bank, item=item, answer=answer: _carried_out(bank, item, answer))
            done.add(number)
    return done


async def _as_it_is(bank: "Bank", item: Item) -> Item | None:
    """Return two that contradict each other as they are now, None where they do so no more; anything else as it was."""
    if not isinstance(item[1], Strategy):
        return item
    ids = [item[0].id, item[1].id]
    there = {each.id: each for each in await bank.all(Strategy, id=ids, status="active")}
    one, other = (there.get(id) for id in ids)
    if one is None or other is None or not (one.id in other.contradicts or other.id in one.contradicts):
        return None
    return one, other


async def _carried_out(bank: "Bank", item: Item, answer: Answer) -> None:
    strategy, proposal = item
    if isinstance(proposal, Strategy):
        await _decide_between(bank, strategy, proposal, answer)
    elif answer in ("both", "first", "second", "skip", "quit"):
        return
    elif proposal is None:
        await carry_out(bank, strategy, answer)
    elif answer == "reinstate":
        await accept(bank, strategy, proposal)
    else:
        await drop(bank, strategy, proposal)


async def _decide_between(bank: "Bank", one: Strategy, other: Strategy, answer: Answer) -> None:
    """Let two strategies stand that contradict each other, or retire one of them."""
    if answer == "both":
        await keep_both(bank, (one.id, other.id), (look_of(one), look_of(other)))
    else:
        kept, gone = (other, one) if answer == "first" else (one, other)
        await change_status(bank, [gone.id], "retired", f"its opposite {kept.id} is kept", look_of(gone))


def _answer(item: Item) -> Answer:
    of_two = isinstance(item[1], Strategy)
    question = _ABOUT_TWO if of_two else _QUESTION if item[1] is None else _ABOUT_WORDS
    while True:
        say(f"{question}: ", end="")
        line = sys.stdin.readline()
        if not line:
            return "quit"
        if answer := (_OF_TWO if of_two else _ANSWERS).get(line.strip().lower()[:1]):
            return answer
        say("Answer with one of the letters.")


def _shown(item: Item) -> str:
    strategy, proposal = item
    if proposal is None:
        return _strategy(strategy)
    if isinstance(proposal, Strategy):
        return f"These two contradict each other.\n{_strategy(strategy)}\n{_strategy(proposal)}"
    head = f"{_visible(strategy.id)}  a correction, proposed by {_visible(proposal.proposed_by)}"
    changes = "\n".join(f"  {_visible(line)}" for line in difference(strategy, proposal).splitlines())
    return f"{head}, scope {_visible(strategy.scope)}\n{changes}"


def _strategy(strategy: Strategy) -> str:
    source = ", ".join([*strategy.episode_ids[-3:], *strategy.run_ids[-3:]]) or "an import"
    lines = (
        f"{_visible(strategy.id)}  {_visible(strategy.status_reason or _record(strategy))}",
        f"  from {_visible(source)}, scope {_visible(strategy.scope)}, {strategy.created_at:%Y-%m-%d}",
        f"  Title:   {_visible(strategy.title)}",
        f"  When:    {_visible(strategy.description)}",
        f"  Content: {_visible(strategy.content)}",
    )
    return "\n".join(lines)


def _record(strategy: Strategy) -> str:
    return f"helped {strategy.helped}, hurt {strategy.hurt}"


def _visible(text: str) -> str:
    """Show line breaks, invisible letters, and those of another script inside a Latin word as escapes."""
    text = visible_line(INVISIBLE.sub(_escape, text))
    return LATIN_WORD.sub(lambda word: re.sub("[\u0370-\u04ff]", _escape, word[0]), text)


def _escape(found: re.Match[str]) -> str:
    return f"\\u{{{ord(found[0]):x}}}"
