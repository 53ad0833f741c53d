"""Counts what the bank holds."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from strategy_bank.store.records import Episode, Recall, Run, Strategy

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


async def counts(bank: "Bank", scope: str | None) -> dict[str, Any]:
    """Return the numbers of records by what they are, the pending episodes, and the bytes on disk; of one scope or of all."""
    where = {"scope": scope} if scope else {}
    strategies = await bank.cells(Strategy, ["scope", "outcome", "status"], **where)
    episodes = await bank.cells(Episode, ["status", "verdict", "reason"], **where)
    runs = await bank.cells(Run, ["status"], **where)
    recalls = await bank.cells(
        Recall, ["stops", "asked", "answered_by", "strategy_ids", "opened_ids", "echoed_ids"], **where
    )
    return {
        "strategies": {"all": len(strategies)} | {key: _by(strategies, key) for key in ("scope", "outcome", "status")},
        "episodes": {"all": len(episodes)} | {key: _by(episodes, key) for key in ("status", "verdict")},
        "runs": {"all": len(runs), "status": _by(runs, "status")},
        "recalls": {"all": len(recalls), "shown": _signs(recalls), "stop": _stops(recalls)},
        "pending": [{"id": e["id"], "reason": e["reason"]} for e in episodes if e["status"] == "pending"],
        "bytes": size_of(Path(bank.location.tables_uri)),
    }


def _by(rows: list[dict[str, Any]], column: str) -> dict[str, int]:
    return dict(sorted(Counter(row[column] or "none yet" for row in rows).items()))


def _signs(recalls: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many lessons were looked for in the work that followed, and of how many words came back there."""
    read = [{*row["strategy_ids"], *row["opened_ids"]} for row in recalls if row["stops"]]
    came_back = sum(len(row["echoed_ids"] or ()) for row in recalls)
    return {"and looked for in the work": sum(map(len, read)), "and words came back (weak sign)": came_back}


def _stops(recalls: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many reports were asked for when the agent stopped, and how many it then gave."""
    asked, given = sum(row["asked"] or 0 for row in recalls), sum(bool(row["answered_by"]) for row in recalls)
    return {"report asked for": asked, "report given": given}


def size_of(folder: Path) -> int | None:
    """Return the bytes of the files in a folder; None where there is no folder, as on an object store."""
    if not folder.is_dir():
        return None
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
