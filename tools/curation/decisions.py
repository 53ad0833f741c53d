"""Carries out what a person decides about a strategy: whether it is recalled, kept, or stands beside its opposite.

Every decision is kept with the strategy and can be undone. A `look` says what the person had seen: where somebody changed that
meanwhile, nothing is done.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from strategy_bank.store.errors import InvalidInput, NotFound
from strategy_bank.store.records import (
    FOR_A_PERSON,
    PROVENANCE_KEPT,
    Decided,
    Proposal,
    StatusChange,
    Strategy,
    StrategyStatus,
    content_id,
)
from strategy_bank.tools.learning.credit import HURT

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

Decision = Literal["keep", "reinstate", "forget"]
DECISIONS_KEPT = 100
_KEPT_OUT = "kept out of recall after review; it had been "


def look_of(strategy: Strategy) -> str:
    """Return what a person goes by who decides about a strategy, as a short text; counters and links do not change it."""
    decided = strategy.decisions[-1].changed_at.isoformat() if strategy.decisions else ""
    seen = (strategy.wording, strategy.scope, strategy.status, strategy.status_reason, decided)
    return content_id("look", *seen)


def check_look(strategy: Strategy, look: str) -> None:
    """Raise InvalidInput where a strategy looks different from what a person has seen; an empty look was none."""
    if look and look_of(strategy) != look:
        raise InvalidInput(f"{strategy.id} was changed meanwhile. Nothing was changed. Look at it again.")


async def change_status(
    bank: "Bank", ids: Sequence[str], status: StrategyStatus, reason: str, look: str = ""
) -> list[Strategy]:
    """Return the strategies as they were before. Raises NotFound, and changes nothing, if one of them is missing.

    One that was retired for what came of its uses can be retired by a person too: then it waits for nobody any more.
    """

    async def step() -> list[Strategy]:
        before = await _found(bank, ids, look)
        await bank.amend([_changed(each, status, reason) for each in before if not _stands(each, status)])
        return before

    return await bank.atomically(step)


async def undo(bank: "Bank", id: str, look: str = "") -> tuple[Strategy, Strategy]:
    """Take the last decision about a strategy back; return it as it was and as it is.

    That is a decision too, so doing it again undoes it. Raises InvalidInput and NotFound.
    """

    async def step() -> tuple[Strategy, Strategy]:
        (before,) = await _found(bank, [id], look)
        if not before.decisions:
            raise InvalidInput(f"Nobody has decided about {id} yet. Nothing was changed.")
        after = await _undone(bank, before, before.decisions[-1])
        await bank.amend(after)
        return before, after[0]

    return await bank.atomically(step)


async def keep_both(bank: "Bank", ids: tuple[str, str], looks: tuple[str, str] = ("", "")) -> list[Strategy]:
    """Let two strategies stand that contradict each other: no recall names them as opposites any more. Return both.

    Raises InvalidInput and NotFound.
    """

    async def step() -> list[Strategy]:
        one, other = [(await _found(bank, [id], look))[0] for id, look in zip(ids, looks, strict=True)]
        if other.id not in one.contradicts and one.id not in other.contradicts:
            raise InvalidInput(f"{one.id} and {other.id} do not contradict each other. Nothing was changed.")
        after = _linked("parted", one, other)
        await bank.amend(after)
        return after

    return await bank.atomically(step)


def corrected(strategy: Strategy, what: Literal["dropped", "restored"], proposal: Proposal) -> Strategy:
    """Return a strategy without a correction that a person drops, or with one that waits again."""
    left = [each for each in strategy.proposals if each != proposal]
    change = {"proposals": left if what == "dropped" else [*left, proposal]}
    return _noted(strategy.model_copy(update=change), what, proposal=proposal)


async def for_a_person(bank: "Bank", scope: str | None) -> list[Strategy]:
    """Return the strategies that wait for a decision, of one scope or of all."""
    return await bank.all(Strategy, status=list(FOR_A_PERSON), **({"scope": scope} if scope else {}))


async def contradictions(bank: "Bank", scope: str | None = None) -> list[tuple[str, str]]:
    """Return the ids of each two active strategies of which one names the other as its opposite, of one scope or of all.

    Each pair once, the older strategy first.
    """
    from strategy_bank.store.lance.filters import Length  # brings lancedb

    of_scope = {"scope": scope} if scope else {}
    rows = await bank.kept_cells(Strategy, ["contradicts"], status="active", contradicts=Length(some=True), **of_scope)
    named = [(row["id"], id) for row in rows for id in row["contradicts"] if id != row["id"]]
    since = {row["id"]: row["created_at"] for row in rows}
    # nearly always each names the other, and nothing is left to look for
    one_sided = {id for _, id in named} - since.keys()
    active = await bank.cells(Strategy, [], id=list(one_sided), status="active") if one_sided else []
    since |= {row["id"]: row["created_at"] for row in active}
    pairs = {tuple(sorted(pair, key=lambda id: (since[id], id))) for pair in named if pair[1] in since}
    return sorted(((one, other) for one, other in pairs), key=lambda pair: (since[pair[1]], pair))


async def carry_out(bank: "Bank", seen: Strategy, decision: Decision) -> None:
    """Keep a strategy out of recall, let it in, or delete it. Raises InvalidInput where it is not as it was `seen`."""
    if decision == "forget":
        from strategy_bank.tools.curation.forgetting import forget  # brings lancedb

        await forget(bank, [seen.id])
    elif decision == "reinstate":
        await change_status(bank, (seen.id,), "active", "", look_of(seen))
    else:
        await change_status(bank, (seen.id,), "retired", f"{_KEPT_OUT}{seen.status_reason}", look_of(seen))


def _stands(strategy: Strategy, status: StrategyStatus) -> bool:
    """Return whether a strategy has a status already, and not by the rule alone."""
    return strategy.status == status and not strategy.status_reason.startswith(HURT)


def _changed(strategy: Strategy, status: StrategyStatus, reason: str) -> Strategy:
    noted = _noted(strategy, "status", after=status)
    # a person has seen it: what counted against it counts no more, and no caution is needed
    seen = {"pardoned": strategy.credited_by, "caution": ""} if status == "active" else {}
    return noted.model_copy(update={"status": status, "status_reason": reason, **seen})


async def _undone(bank: "Bank", strategy: Strategy, last: StatusChange) -> list[Strategy]:
    """Return the strategy as it was before a decision, and its opposite where that was about both."""
    if last.what == "status":
        if last.after != strategy.status:
            raise InvalidInput(f"{strategy.id} has become {strategy.status} since that decision. Nothing was changed.")
        before = _changed(strategy, last.before, last.reason)
        return [before.model_copy(update={"caution": last.caution})]
    if last.what in ("parted", "joined"):
        other = await bank.find(Strategy, last.opposite) if last.opposite else None
        if other is None:
            raise InvalidInput(f"The other of the two is no longer in the bank. {strategy.id} stays as it is.")
        return _linked("joined" if last.what == "parted" else "parted", strategy, other)
    if last.proposal is None:
        raise InvalidInput(f"That correction of {strategy.id} was forgotten. Nothing was changed.")
    return [corrected(strategy, "restored" if last.what == "dropped" else "dropped", last.proposal)]


def _linked(what: Literal["parted", "joined"], one: Strategy, other: Strategy) -> list[Strategy]:
    """Return two strategies that contradict each other from now on, or no more."""
    after = list[Strategy]()
    for each, id in ((one, other.id), (other, one.id)):
        left = [opposite for opposite in each.contradicts if opposite != id]
        links = left if what == "parted" else [*left, id][-PROVENANCE_KEPT:]
        after.append(_noted(each.model_copy(update={"contradicts": links}), what, opposite=id))
    return after


def _noted(strategy: Strategy, what: Decided, **about: Any) -> Strategy:
    """Return a strategy with one more decision, made now on what it is."""
    of_it = {"before": strategy.status, "reason": strategy.status_reason, "caution": strategy.caution}
    made = StatusChange.model_validate({"what": what, "after": strategy.status, **of_it, **about})
    decisions = [*strategy.decisions, made][-DECISIONS_KEPT:]
    return strategy.model_copy(update={"decisions": decisions, "updated_at": made.changed_at})


async def _found(bank: "Bank", ids: Sequence[str], look: str = "") -> list[Strategy]:
    """Return the strategies, each once. Raises NotFound if one is missing, and InvalidInput if it looks different by now."""
    found = await bank.all(Strategy, id=list(ids))
    known = {strategy.id for strategy in found}
    if missing := [id for id in ids if id not in known]:
        raise NotFound(f"There is no strategy {', '.join(map(repr, missing))} in this bank. Nothing was changed.")
    for strategy in found:
        check_look(strategy, look)
    return found
