"""The episodes of a bank, with a count of what is read of them."""

from collections.abc import Sequence

from strategy_bank.store.bank import Bank
from strategy_bank.store.lance.schema import Row
from strategy_bank.store.lance.table import Equal, Table


class Watched(Table):
    """Takes the place of the table of episodes. `trajectories` counts the rows that were read with theirs."""

    def __init__(self, bank: Bank) -> None:
        vars(self).update(vars(bank.tables["episodes"]))
        self.reads = self.trajectories = 0
        bank.tables["episodes"] = self

    async def select(self, columns: Sequence[str], equal: Equal) -> list[Row]:
        rows = await super().select(columns, equal)
        self.reads += 1
        self.trajectories += len(rows) if "trajectory" in columns else 0
        return rows
