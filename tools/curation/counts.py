"""Counts what the bank holds."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strategy_bank.store.records import Episode, Run, Strategy

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


async def counts(bank: "Bank", scope: str | None) -> dict[str, Any]:
    """Return the numbers of records by what they are, the pending episodes, and the bytes on disk; of one scope or of all."""
    where = {"scope": scope} if scope else {}
    strategies = await bank.cells(Strategy, ["scope", "outcome", "status"], **where)
    episodes = await bank.cells(Episode, ["status", "verdict", "reason"], **where)
    runs = await bank.cells(Run, ["status"], **where)
    return {
        "strategies": {"all": len(strategies)} | {key: _by(strategies, key) for key in ("scope", "outcome", "status")},
        "episodes": {"all": len(episodes)} | {key: _by(episodes, key) for key in ("status", "verdict")},
        "runs": {"all": len(runs), "status": _by(runs, "status")},
        "pending": [{"id": e["id"], "reason": e["reason"]} for e in episodes if e["status"] == "pending"],
        "bytes": size_of(Path(bank.location.tables_uri)),
    }


def _by(rows: list[dict[str, Any]], column: str) -> dict[str, int]:
    return dict(sorted(Counter(row[column] or "none yet" for row in rows).items()))


def size_of(folder: Path) -> int | None:
    """Return the bytes of the files in a folder; None where there is no folder, as on an object store."""
    if not folder.is_dir():
        return None
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
