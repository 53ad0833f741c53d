"""Delete records for good."""

from typing import TYPE_CHECKING

from strategy_bank.store.records import Episode, Run, Strategy
from strategy_bank.tools.curation.status import check_found

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_HEADLINE_CHARS = 100


async def headlines(bank: "Bank", ids: tuple[str, ...]) -> list[str]:
    """Return a line for each strategy, episode or run: its id, and its title or task. Raises NotFound if one is missing."""
    found: dict[str, str] = {}
    for kind, column in ((Strategy, "title"), (Episode, "task"), (Run, "task")):
        for row in await bank.cells(kind, [column], id=list(ids)):
            found[row["id"]] = f"{row['id']}  {row[column][:_HEADLINE_CHARS]}"
    check_found(ids, found.keys(), "strategy, episode or run")
    return list(found.values())


async def forget(bank: "Bank", ids: tuple[str, ...]) -> list[str]:
    """Delete the records. Return the ids of those that were there."""
    return await bank.atomically(lambda: bank.forget(ids))
