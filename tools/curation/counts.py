"""Counts what the bank holds, in columns: there may be a hundred thousand records of each kind."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strategy_bank.store.records import Episode, Recall, Run, Strategy

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


async def counts(bank: "Bank", scope: str | None) -> dict[str, Any]:
    """Return the numbers of records by what they are, the pending episodes, and the bytes on disk; of one scope or of all."""
    where = {"scope": scope} if scope else {}
    pending = await bank.cells(Episode, ["reason"], status="pending", **where)
    return await numbers(bank, scope) | {
        "pending": [{"id": each["id"], "reason": each["reason"]} for each in pending],
        "bytes": size_of(Path(bank.location.tables_uri)),
    }


async def numbers(bank: "Bank", scope: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the numbers of records by what they are; of one scope or of all."""
    where = {"scope": scope} if scope else {}
    strategies = await bank.tallies(Strategy, ["scope", "outcome", "status"], where)
    episodes = await bank.tallies(Episode, ["status", "verdict"], where)
    runs = await bank.tallies(Run, ["status"], where)
    recalls = await bank.tallies(Recall, ["asked", "echoed_ids"], where)
    asked, echoed = recalls["asked"], recalls["echoed_ids"]
    given = sum(asked.values()) - await bank.count(Recall, answered_by=None, **where)
    return {
        "strategies": _all(strategies),
        "episodes": _all(episodes),
        "runs": _all(runs),
        "recalls": {
            "all": sum(asked.values()),
            "shown": {
                "and looked for in the work": await _looked_for(bank, where),
                "and words came back (weak sign)": _sum(echoed),
            },
            "stop": {"report asked for": _sum(asked), "report given": given},
        },
    }


async def _looked_for(bank: "Bank", where: Mapping[str, str]) -> int:
    """Return how many lessons were looked for in the work that followed: those that were read, shown or opened."""
    from strategy_bank.store.lance.filters import Between, Length

    stopped = {**where, "stops": Between(1)}
    opened = await bank.cells(Recall, ["strategy_ids", "opened_ids"], opened_ids=Length(some=True), **stopped)
    shown = await bank.tally(Recall, "strategy_ids", {**stopped, "opened_ids": Length(some=False)})
    return _sum(shown) + sum(len({*row["strategy_ids"], *row["opened_ids"]}) for row in opened)


def _all(tallies: Mapping[str, Mapping[Any, int]]) -> dict[str, Any]:
    named = {key: dict(sorted((value or "none yet", n) for value, n in each.items())) for key, each in tallies.items()}
    return {"all": sum(next(iter(tallies.values())).values()), **named}


def _sum(tally: Mapping[int, int]) -> int:
    return sum(value * number for value, number in tally.items())


def size_of(folder: Path) -> int | None:
    """Return the bytes of the files in a folder; None where there is no folder, as on an object store."""
    if not folder.is_dir():
        return None
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
