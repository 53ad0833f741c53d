"""A person's decision on a quarantined strategy."""

from typing import TYPE_CHECKING, Literal

from strategy_bank.store.records import Strategy
from strategy_bank.tools.curation.forget import forget
from strategy_bank.tools.curation.status import change_status

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

Decision = Literal["keep", "reinstate", "forget"]
KEPT_OUT = "kept out of recall after review; it had been "


async def quarantined(bank: "Bank", scope: str | None) -> list[Strategy]:
    """Return the strategies that wait for a decision, of one scope or of all."""
    return await bank.all(Strategy, status="quarantined", **({"scope": scope} if scope else {}))


async def decide(bank: "Bank", strategy: Strategy, decision: Decision) -> None:
    """Do what was decided: keep the strategy out of recall, bring it into recall, or delete it."""
    if decision == "forget":
        await forget(bank, (strategy.id,))
    elif decision == "reinstate":
        await change_status(bank, (strategy.id,), "active", "")
    else:
        await change_status(bank, (strategy.id,), "retired", f"{KEPT_OUT}{strategy.status_reason}")
