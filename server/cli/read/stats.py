"""`strategy-bank stats`: what the bank holds, counted."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from strategy_bank.server.cli.console import (
    given,
    home_option,
    json_option,
    say,
    scope_option,
    show,
    show_json,
    show_table,
    with_bank,
)
from strategy_bank.store.records import Episode, Run, Strategy

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_PENDING_SHOWN = 20


@click.command()
@home_option
@scope_option("Only this scope; default: all.")
@json_option
def stats(as_json: bool) -> None:
    """What the bank holds, counted, and what waits for a judgement."""
    where = {"scope": given("scope")} if given("scope") else {}
    counts = with_bank(lambda bank: count(bank, where))
    if as_json:
        show_json(counts)
        return
    rows = [row for row in _count_rows(counts) if row[2]]
    show_table(("what", "of which", "number"), rows or [("strategies", "all", 0)], folding=("of which",))
    for pending in counts["pending"][:_PENDING_SHOWN]:
        show(f"pending {pending['id']}: {pending['reason'] or 'nobody has judged it yet'}")
    if counts["pending"]:
        say("`strategy-bank distill` has the pending ones judged by an endpoint.")


async def count(bank: "Bank", where: dict[str, Any]) -> dict[str, Any]:
    """Counts by name, for JSON."""
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


def _count_rows(counts: dict[str, Any]) -> list[tuple[str, str, object]]:
    rows: list[tuple[str, str, object]] = []
    for what in ("strategies", "episodes", "runs"):
        for column, value in counts[what].items():
            parts: dict[str, int] = {"": value} if column == "all" else value
            rows += [(what, f"{column} {part}".strip(), number) for part, number in parts.items()]
    size = counts["bytes"]
    return [*rows, ("on disk", "", f"{size / 1e6:.1f} MB" if size is not None else "in an object store")]


def size_of(folder: Path) -> int | None:
    """Bytes of the files in a folder; None where it is none, as on an object store."""
    if not folder.is_dir():
        return None
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
