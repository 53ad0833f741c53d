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
    held = await numbers(bank, scope)
    return held | {
        "recalls": held["recalls"] | await _what_came(bank, where),
        "pending": [{"id": each["id"], "reason": each["reason"]} for each in pending],
        "bytes": size_of(Path(bank.location.tables_uri)),
    }


async def numbers(bank: "Bank", scope: str | None = None) -> dict[str, dict[str, Any]]:
    """Return the numbers of records by what they are; of one scope or of all. Asked again, nothing is read that stayed."""
    where = {"scope": scope} if scope else {}
    return {
        "strategies": _all(await bank.tallies(Strategy, ["scope", "outcome", "status"], where)),
        "episodes": _all(await bank.tallies(Episode, ["status", "verdict"], where)),
        "runs": _all(await bank.tallies(Run, ["status"], where)),
        "recalls": {"all": await bank.count(Recall, **where)},
    }


async def _what_came(bank: "Bank", where: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Return how many lessons came back in the work, and how many reports were asked for when an agent stopped."""
    tallies = await bank.tallies(Recall, ["asked", "echoed_ids"], where)
    given = sum(tallies["asked"].values()) - await bank.count(Recall, answered_by=None, **where)
    return {
        "shown": {
            "and looked for in the work": await _looked_for(bank, where),
            "and words came back (weak sign)": _sum(tallies["echoed_ids"]),
        },
        "stop": {"report asked for": _sum(tallies["asked"]), "report given": given},
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


def _sum(tally: Mapping[int | None, int]) -> int:
    """Return the sum of a column; a server of an older version leaves it empty."""
    return sum((value or 0) * number for value, number in tally.items())


def size_of(folder: Path) -> int | None:
    """Return the bytes of the files in a folder; None where there is no folder, as on an object store."""
    if not folder.is_dir():
        return None
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
