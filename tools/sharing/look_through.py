"""A first look at what is to be imported."""

from collections.abc import Iterable

from strategy_bank.store.records import Record, Strategy
from strategy_bank.tools.sharing.plain_lines import orders_in


def look_through(records: Iterable[Record]) -> tuple[list[str], int]:
    """Return the ids of active strategies that read as orders to the agent, and the number of records."""
    commanding: list[str] = []
    total = 0
    for record in records:
        total += 1
        if isinstance(record, Strategy) and record.status == "active":
            commanding += [record.id] if orders_in(record.title, record.description, record.content) else []
    return commanding, total
