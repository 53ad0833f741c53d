"""A person's decision whether a strategy is recalled."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from strategy_bank.store.errors import NotFound
from strategy_bank.store.records import Strategy, StrategyStatus, now

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


async def change_status(bank: "Bank", ids: tuple[str, ...], status: StrategyStatus, reason: str) -> list[Strategy]:
    """Return the strategies as they were before. Raises NotFound, and changes nothing, if one of them is missing."""

    def changed(strategy: Strategy) -> Strategy:
        pardoned = strategy.credited_by if status == "active" else strategy.pardoned
        change = {"status": status, "status_reason": reason, "pardoned": pardoned, "updated_at": now()}
        return strategy.model_copy(update=change)

    async def step() -> list[Strategy]:
        before = await bank.all(Strategy, id=list(ids))
        check_found(ids, {strategy.id for strategy in before}, "strategy")
        await bank.amend([changed(each) for each in before if each.status != status])
        return before

    return await bank.atomically(step)


def check_found(ids: tuple[str, ...], found: Collection[str], kind: str) -> None:
    """Raise NotFound if one of the ids was not found."""
    if missing := [id for id in ids if id not in found]:
        raise NotFound(f"There is no {kind} {', '.join(map(repr, missing))} in this bank. Nothing was changed.")
