"""What `retire` and `reinstate` share."""

from strategy_bank.server.cli.console import show, with_bank
from strategy_bank.store.records import StrategyStatus
from strategy_bank.tools.curation.status import change_status


def set_status(ids: tuple[str, ...], status: StrategyStatus, reason: str) -> None:
    before = with_bank(lambda bank: change_status(bank, ids, status, reason))
    for strategy in before:
        was = f"was {status} already" if strategy.status == status else f"{strategy.status} → {status}"
        why = f" (it had been {strategy.status_reason})" if status == "active" and strategy.status_reason else ""
        show(f"{strategy.id}: {was}{why}: {strategy.title}")
