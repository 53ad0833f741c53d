"""Carries out what a person decides about a strategy: whether it is recalled, and whether it is kept at all.

Every decision is kept with the strategy and can be undone.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Literal

from strategy_bank.store.errors import InvalidInput, NotFound
from strategy_bank.store.records import FOR_A_PERSON, StatusChange, Strategy, StrategyStatus

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

Decision = Literal["keep", "reinstate", "forget"]
DECISIONS_KEPT = 100
_KEPT_OUT = "kept out of recall after review; it had been "


async def change_status(bank: "Bank", ids: Sequence[str], status: StrategyStatus, reason: str) -> list[Strategy]:
    """Return the strategies as they were before. Raises NotFound, and changes nothing, if one of them is missing."""

    async def step() -> list[Strategy]:
        before = await _found(bank, ids)
        await bank.amend([_changed(each, status, reason) for each in before if each.status != status])
        return before

    return await bank.atomically(step)


async def undo(bank: "Bank", id: str) -> tuple[Strategy, Strategy]:
    """Give a strategy the status back that it had before the last decision; return it as it was and as it is.

    That is a decision too, so doing it again undoes it. Raises InvalidInput and NotFound.
    """

    async def step() -> tuple[Strategy, Strategy]:
        (before,) = await _found(bank, [id])
        if not before.decisions:
            raise InvalidInput(f"Nobody has decided about {id} yet. Nothing was changed.")
        last = before.decisions[-1]
        if last.after != before.status:
            raise InvalidInput(f"{id} has become {before.status} since that decision. Nothing was changed.")
        after = _changed(before, last.before, last.reason).model_copy(update={"caution": last.caution})
        await bank.amend([after])
        return before, after

    return await bank.atomically(step)


async def for_a_person(bank: "Bank", scope: str | None) -> list[Strategy]:
    """Return the strategies that wait for a decision, of one scope or of all."""
    return await bank.all(Strategy, status=list(FOR_A_PERSON), **({"scope": scope} if scope else {}))


async def carry_out(bank: "Bank", strategy: Strategy, decision: Decision) -> None:
    """Keep a strategy that waits out of recall, bring it into recall, or delete it."""
    if decision == "forget":
        from strategy_bank.tools.curation.forgetting import forget  # brings lancedb

        await forget(bank, [strategy.id])
    elif decision == "reinstate":
        await change_status(bank, (strategy.id,), "active", "")
    else:
        await change_status(bank, (strategy.id,), "retired", f"{_KEPT_OUT}{strategy.status_reason}")


def _changed(strategy: Strategy, status: StrategyStatus, reason: str) -> Strategy:
    made = StatusChange(before=strategy.status, reason=strategy.status_reason, caution=strategy.caution, after=status)
    return strategy.model_copy(
        update={
            "status": status,
            "status_reason": reason,
            # a person has seen it: what counted against it counts no more, and no caution is needed
            **({"pardoned": strategy.credited_by, "caution": ""} if status == "active" else {}),
            "decisions": [*strategy.decisions, made][-DECISIONS_KEPT:],
            "updated_at": made.changed_at,
        }
    )


async def _found(bank: "Bank", ids: Sequence[str]) -> list[Strategy]:
    """Return the strategies, each once. Raises NotFound if one of them is missing."""
    found = await bank.all(Strategy, id=list(ids))
    known: Collection[str] = {strategy.id for strategy in found}
    if missing := [id for id in ids if id not in known]:
        raise NotFound(f"There is no strategy {', '.join(map(repr, missing))} in this bank. Nothing was changed.")
    return found
