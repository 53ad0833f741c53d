"""Carries out what a person decides about a strategy: whether it is recalled, and whether it is kept at all."""

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal

from strategy_bank.store.errors import NotFound
from strategy_bank.store.records import Strategy, StrategyStatus, now

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

Decision = Literal["keep", "reinstate", "forget"]
_KEPT_OUT = "kept out of recall after review; it had been "


async def change_status(bank: "Bank", ids: tuple[str, ...], status: StrategyStatus, reason: str) -> list[Strategy]:
    """Return the strategies as they were before. Raises NotFound, and changes nothing, if one of them is missing."""

    def changed(strategy: Strategy) -> Strategy:
        pardoned = strategy.credited_by if status == "active" else strategy.pardoned
        change = {"status": status, "status_reason": reason, "pardoned": pardoned, "updated_at": now()}
        return strategy.model_copy(update=change)

    async def step() -> list[Strategy]:
        before = await bank.all(Strategy, id=list(ids))
        _check_found(ids, {strategy.id for strategy in before}, "strategy")
        await bank.amend([changed(each) for each in before if each.status != status])
        return before

    return await bank.atomically(step)


async def quarantined(bank: "Bank", scope: str | None) -> list[Strategy]:
    """Return the strategies that wait for a decision, of one scope or of all."""
    return await bank.all(Strategy, status="quarantined", **({"scope": scope} if scope else {}))


async def carry_out(bank: "Bank", strategy: Strategy, decision: Decision) -> None:
    """Keep a quarantined strategy out of recall, bring it into recall, or delete it."""
    if decision == "forget":
        from strategy_bank.tools.curation.forgetting import forget  # brings lancedb

        await forget(bank, [strategy.id])
    elif decision == "reinstate":
        await change_status(bank, (strategy.id,), "active", "")
    else:
        await change_status(bank, (strategy.id,), "retired", f"{_KEPT_OUT}{strategy.status_reason}")


def _check_found(ids: tuple[str, ...], found: Collection[str], kind: str) -> None:
    if missing := [id for id in ids if id not in found]:
        raise NotFound(f"There is no {kind} {', '.join(map(repr, missing))} in this bank. Nothing was changed.")
