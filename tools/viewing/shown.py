"""Where a lesson was shown: the recalls that had it, and what was reported after each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from strategy_bank.store.records import Episode, Recall, Verdict

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

How = Literal["full", "line", "held_out"]
"""Shown in full, by title, or left out though it fits, to see what comes of a task without it."""
Fate = Literal["helped", "wrong", "followed", "unfit", ""]
"""What a report says of a lesson; `followed` where it says no more than that, empty where it says nothing."""
PAGE = 20

_PLACES: dict[str, How] = {"strategy_ids": "full", "listed_ids": "line", "held_out_ids": "held_out"}
_SIGNS = ("opened_ids", "echoed_ids")
_FATES: dict[str, Fate] = {"wrong_ids": "wrong", "helped_ids": "helped", "used_ids": "followed", "unfit_ids": "unfit"}
_OF_A_REPORT = ["recall_id", "run_id", "task", "scope", "verdict", "status", *_FATES]


@dataclass(frozen=True)
class Report:
    """What was reported of the task, and what the report says of the lesson."""

    id: str
    at: datetime
    task: str
    scope: str
    run_id: str
    verdict: Verdict | None
    status: str
    fate: Fate


@dataclass(frozen=True)
class Showing:
    """A recall that had the lesson, and the reports that name it."""

    recall_id: str
    at: datetime
    scope: str
    task: str
    how: How
    opened: bool
    echoed: bool
    stuck: bool
    reports: Sequence[Report]


@dataclass(frozen=True)
class Shown:
    """A page of the recalls that had a lesson, newest first, and how often it was shown in which way in all of them.

    `elsewhere` are reports that say something of the lesson and name none of these recalls: it was in the brief of a run, or
    the recall was forgotten. `reported` counts what all reports say of it.
    """

    total: int
    full: int
    line: int
    held_out: int
    opened: int
    echoed: int
    reported: Mapping[Fate, int]
    showings: Sequence[Showing]
    elsewhere: Sequence[Report]
    page: int
    pages: int


async def shown(bank: "Bank", id: str, page: int = 1) -> Shown:
    """Return where a lesson was shown; a page beyond the last one is the last one."""
    from strategy_bank.store.lance.selection import Selection  # brings LanceDB, which a server loads late

    which = Selection(matching=id)
    ids = await bank.selected(Recall, which, list(_PLACES))
    rows = await bank.cells(Recall, [*_PLACES, *_SIGNS], id=ids) if ids else []
    rows = [row for row in rows if _how(row, id)]  # another id may begin like this one
    said = await bank.selected(Episode, which, list(_FATES))
    reports = [_report(row, id) for row in await bank.cells(Episode, _OF_A_REPORT, id=said)] if said else []
    reports = [each for each in reports if each[1].fate]
    pages = max(1, -(-len(rows) // PAGE))
    page = min(max(page, 1), pages)
    at = rows[::-1][(page - 1) * PAGE : page * PAGE]
    hows = [_how(row, id) for row in rows]
    there = {row["id"] for row in rows}
    return Shown(
        total=len(rows),
        full=hows.count("full"),
        line=hows.count("line"),
        held_out=hows.count("held_out"),
        opened=sum(id in (row["opened_ids"] or ()) for row in rows),
        echoed=sum(id in (row["echoed_ids"] or ()) for row in rows),
        reported=_counted(report for _, report in reports),
        showings=await _showings(bank, id, [row["id"] for row in at]),
        elsewhere=[report for recall_id, report in reversed(reports) if recall_id not in there],
        page=page,
        pages=pages,
    )


async def _showings(bank: "Bank", id: str, ids: Sequence[str]) -> list[Showing]:
    if not ids:
        return []
    names = ["scope", "task", "stuck", *_PLACES, *_SIGNS]
    recalls = {row["id"]: row for row in await bank.cells(Recall, names, id=ids)}
    reports = [_report(row, id) for row in await bank.cells(Episode, _OF_A_REPORT, recall_id=ids)]
    return [
        Showing(
            recall_id=row["id"],
            at=row["created_at"],
            scope=row["scope"],
            task=row["task"],
            how=_how(row, id) or "line",
            opened=id in (row["opened_ids"] or ()),
            echoed=id in (row["echoed_ids"] or ()),
            stuck=bool(row["stuck"]),
            reports=[report for recall_id, report in reports if recall_id == row["id"]],
        )
        for row in (recalls[each] for each in ids if each in recalls)
    ]


def _how(row: Mapping[str, Any], id: str) -> How | None:
    return next((how for column, how in _PLACES.items() if id in (row[column] or ())), None)


def _report(row: Mapping[str, Any], id: str) -> tuple[str, Report]:
    """Return the id of the recall that a report names, and the report."""
    return row["recall_id"] or "", Report(
        id=row["id"],
        at=row["created_at"],
        task=row["task"],
        scope=row["scope"],
        run_id=row["run_id"] or "",
        verdict=row["verdict"],
        status=row["status"],
        fate=fate_of(row, id),
    )


def fate_of(row: Mapping[str, Any], id: str) -> Fate:
    """Return what the cells of an episode say of a lesson; what is plainest counts."""
    fates: list[Fate] = [fate for column, fate in _FATES.items() if id in (row[column] or ())]
    return fates[0] if fates else ""


def _counted(reports: Iterable[Report]) -> dict[Fate, int]:
    fates = [report.fate for report in reports]
    return {fate: fates.count(fate) for fate in ("helped", "wrong", "followed", "unfit")}
