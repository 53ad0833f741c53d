"""What a person does with the words of a lesson: writes a new one, edits one, takes a change back.

A person's words are held to the rules of a report. Where they change something, what agents had proposed is decided with it.
"""

from typing import TYPE_CHECKING

from pydantic import ValidationError

from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import LessonOutcome, Proposal, Strategy, content_id
from strategy_bank.tools.consolidation.amendment import reworded, same_words
from strategy_bank.tools.curation.decisions import check_look, corrected
from strategy_bank.tools.judging.judgement import DraftWords
from strategy_bank.tools.learning.corrections import free_ids
from strategy_bank.tools.learning.drafts import Source, strategy_of
from strategy_bank.tools.safety.prompt_injection import read_as_orders

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_UNCHANGED = "Nothing was changed."


def checked_words(title: str, description: str, content: str) -> DraftWords:
    """Return the words of a lesson within the bounds of a report. Raises InvalidInput with what is wrong."""
    try:
        return DraftWords(title=title, description=description, content=content)
    except ValidationError as exc:
        problems = "; ".join(f"{error['loc'][0]}: {error['msg']}" for error in exc.errors())
        raise InvalidInput(f"{problems}. {_UNCHANGED}") from exc


async def add(bank: "Bank", words: DraftWords, outcome: LessonOutcome, scope: str) -> tuple[Strategy, bool]:
    """Store a lesson that a person wrote; return it, and whether it is new. Raises InvalidInput."""
    strategy = _strategy(words, scope, outcome)
    (item,) = await bank.embed([strategy])

    async def step() -> tuple[Strategy, bool]:
        renamed = await free_ids(bank, [strategy])
        new = strategy.model_copy(update={"id": renamed.get(strategy.id, strategy.id)})
        added = await bank.add_strategies([type(item)(new, item.retrieval, item.text, item.packed_pieces)])
        return await bank.get(Strategy, new.id), added > 0

    return await bank.atomically(step)


async def edit(bank: "Bank", seen: Strategy, words: DraftWords) -> Strategy:
    """Give a strategy other words, if it still has those that were `seen`, and return it. Raises InvalidInput and NotFound."""
    new = _strategy(words.model_copy(update={"holds": seen.holds}), seen.scope, seen.outcome)

    async def step() -> Strategy:
        current = await bank.get(Strategy, seen.id)
        if current.wording != seen.wording:
            raise InvalidInput(f"{seen.id} was changed meanwhile. {_UNCHANGED} Look at it, and edit it again.")
        return await _stored(bank, reworded(current, new, "edit").model_copy(update={"proposals": []}))

    return await bank.atomically(step)


async def revert(bank: "Bank", id: str, number: int | None = None, look: str = "") -> tuple[Strategy, Strategy]:
    """Give a strategy its last former words back, or those of a number from 1; return it as it was and as it is.

    The words that it had become its newest revision, so doing it again undoes it. Those of a correction that was accepted just
    before wait for a person again. `look` says what the person has seen
    (decisions.py). Raises InvalidInput and NotFound.
    """

    async def step() -> tuple[Strategy, Strategy]:
        before = await bank.get(Strategy, id)
        check_look(before, look)
        if not before.revisions:
            raise InvalidInput(f"{id} has no former wording: it says what it said first. {_UNCHANGED}")
        if number is not None and not 1 <= number <= len(before.revisions):
            raise InvalidInput(
                f"The former wordings of {id} have the numbers 1 to {len(before.revisions)}. {_UNCHANGED}"
            )
        former = before.revisions[-1 if number is None else number - 1]
        if same_words(former, before):
            raise InvalidInput(f"{id} has these words already. {_UNCHANGED}")
        after = reworded(before, former, "revert")
        if former is before.revisions[-1] and former.replaced_by == "edit" and former.proposed_by:
            after = after.model_copy(update={"proposals": [*after.proposals, _taken(before, former.proposed_by)]})
        return before, await _stored(bank, after)

    return await bank.atomically(step)


def _taken(strategy: Strategy, proposed_by: str) -> Proposal:
    """Return the correction that a person had taken and takes back: it waits for a person again."""
    return Proposal(
        title=strategy.title,
        description=strategy.description,
        content=strategy.content,
        holds=strategy.holds,
        proposed_by=proposed_by,
        waits=True,
    )


def key_of(proposal: Proposal) -> str:
    """Return a short text that stands for a correction that waits, whatever else is proposed meanwhile."""
    return content_id("pr", proposal.model_dump_json())


def proposal_of(strategy: Strategy, key: str) -> Proposal:
    """Return the correction of a strategy that a key stands for. Raises InvalidInput where it waits no more."""
    for each in strategy.proposals:
        if key_of(each) == key:
            return each
    raise InvalidInput(f"That correction of {strategy.id} waits no more. {_UNCHANGED}")


async def accept(bank: "Bank", seen: Strategy, proposal: Proposal) -> Strategy:
    """Give a strategy the words of a correction that waits, and return it. Raises InvalidInput and NotFound."""

    async def step() -> Strategy:
        current = await bank.get(Strategy, seen.id)
        if current.wording != seen.wording or proposal not in current.proposals:
            raise InvalidInput(f"{seen.id} was changed meanwhile. {_UNCHANGED} Look at it again.")
        return await _stored(bank, reworded(current, proposal, "edit", proposal.proposed_by))

    return await bank.atomically(step)


async def drop(bank: "Bank", seen: Strategy, proposal: Proposal) -> None:
    """Take a correction away that waits; `undo` brings it back. Raises InvalidInput and NotFound."""

    async def step() -> None:
        current = await bank.get(Strategy, seen.id)
        if proposal not in current.proposals:
            raise InvalidInput(f"That correction of {seen.id} waits no more. {_UNCHANGED}")
        await bank.amend([corrected(current, "dropped", proposal)])

    await bank.atomically(step)


async def for_a_person(bank: "Bank", scope: str | None) -> list[tuple[Strategy, Proposal]]:
    """Return the corrections that wait for a person, each with its strategy, of one scope or of all."""
    rows = await bank.cells(Strategy, ["proposals"], status="active", **({"scope": scope} if scope else {}))
    ids = [row["id"] for row in rows if '"waits":true' in (row["proposals"] or "")]
    found = await bank.all(Strategy, id=ids) if ids else []
    return [(strategy, each) for strategy in found for each in strategy.proposals if each.waits]


async def drop_proposals(bank: "Bank", id: str) -> Strategy:
    """Take away the corrections that wait, and return the strategy as it was. Raises InvalidInput and NotFound."""

    async def step() -> Strategy:
        before = await bank.get(Strategy, id)
        if not before.proposals:
            raise InvalidInput(f"No correction of {id} waits. {_UNCHANGED}")
        after = before
        for each in before.proposals:
            after = corrected(after, "dropped", each)
        await bank.amend([after])
        return before

    return await bank.atomically(step)


def _strategy(words: DraftWords, scope: str, outcome: LessonOutcome) -> Strategy:
    """Return the words cleaned as a report's. Raises InvalidInput where they read as orders."""
    strategy = strategy_of(words, Source("", scope, outcome))
    if orders := read_as_orders(strategy.wording):
        raise InvalidInput(f"This {orders}, and agents would never see it. {_UNCHANGED} Say it as advice.")
    return strategy.model_copy(
        update={"status": "active", "status_reason": ""}
    )  # a person knows better than a judge of texts


async def _stored(bank: "Bank", strategy: Strategy) -> Strategy:
    await bank.amend_embedded(await bank.embed([strategy]))
    return await bank.get(Strategy, strategy.id)
