"""What is kept of the episodes: a row each, and every report to the bank as it was sent, in the order of the visits.

collect ─▶ Row, reports ─▶ records/episodes.jsonl, records/reports.jsonl
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from bench.agents.episode import REPORT
from bench.agents.record import NAME, Event, events, tokens

RECORDS = Path(__file__).with_name("records")
EPISODES, REPORTS = "episodes.jsonl", "reports.jsonl"


class Row(BaseModel):
    """One episode. Tokens are of four characters unless an endpoint counted them (`counted`)."""

    model_config = ConfigDict(frozen=True)

    arm: str
    task: str
    variation: int
    visit: int
    completed: bool
    score: int
    actions: int
    by: str
    """Who ended it: the world, the budget, the agent, or nobody (`idle`)."""
    read: int
    """Tokens that the agent was given: the rules, observations, replies of tools."""
    written: int
    """Tokens of its actions and of its calls; with an endpoint, of all it said."""
    counted: bool = False
    lessons: int = 0
    """Strategies that it recalled in full."""
    handed_over: int = 0
    """Tokens of the raw trajectory that it was given."""
    reported: bool = False
    outcome: str = ""
    """What it said the world reported; empty where it said nothing."""


def collect(folder: Path) -> tuple[list[Row], list[Event], list[str]]:
    """Read all records below a folder; return rows and reports, ordered by task and visit, and what could not be used."""
    rows, reports, problems = list[Row](), list[Event](), list[str]()
    for file in sorted(folder.rglob(NAME)):
        seen = list(events(file.parent))
        if not any(event["kind"] == "closed" for event in seen):
            problems.append(f"{file.parent.relative_to(folder)} was not played to its end")
            continue
        row = row_of(seen)
        rows.append(row)
        if row.by == "idle":
            problems.append(f"{file.parent.relative_to(folder)} counts as given up: its agent stopped without a word")
        reports += [
            {"arm": row.arm, "task_type": row.task, "visit": row.visit, **event["arguments"]}
            for event in _calls(seen, REPORT)
            if not event["error"]
        ]
    rows.sort(key=lambda row: (row.task, row.visit, row.arm))
    reports.sort(key=lambda report: (report["arm"], report["task_type"], report["visit"]))
    return rows, reports, problems + _played_twice(rows)


def row_of(seen: Sequence[Event]) -> Row:
    """Return the row of an episode's events, which hold one `begin` and one `closed`."""
    begin, closed = (next(event for event in seen if event["kind"] == kind) for kind in ("begin", "closed"))
    actions = [event for event in seen if event["kind"] == "action"]
    calls = [event for event in seen if event["kind"] == "tool"]
    usage = [event for event in seen if event["kind"] == "usage"]
    read = sum(event["tokens"] for event in seen if event["kind"] == "shown")
    read += sum(tokens(event["observation"]) for event in actions) + sum(tokens(event["reply"]) for event in calls)
    written = sum(tokens(event["action"]) for event in actions)
    written += sum(tokens(json.dumps(event["arguments"], ensure_ascii=False)) for event in calls)
    reported = [event["arguments"] for event in _calls(seen, REPORT) if not event["error"]]
    return Row(
        **{name: begin[name] for name in ("arm", "task", "variation", "visit", "handed_over")},
        **{name: closed[name] for name in ("completed", "score", "actions", "by")},
        read=sum(event["read"] for event in usage) if usage else read,
        written=sum(event["written"] for event in usage) if usage else written,
        counted=bool(usage),
        lessons=sum(_lessons(event["reply"]) for event in _calls(seen, "recall_strategies")),
        reported=bool(reported),
        outcome=reported[0].get("outcome", "") if reported else "",
    )


def write(folder: Path, rows: Iterable[Row], reports: Iterable[Event]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [row.model_dump_json(exclude_defaults=True) for row in rows]
    (folder / EPISODES).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    texts = [json.dumps(report, ensure_ascii=False) for report in reports]
    (folder / REPORTS).write_text("".join(f"{text}\n" for text in texts), "utf-8")


def read_rows(folder: Path = RECORDS) -> list[Row]:
    """Return the rows that were kept; none where there are no records yet."""
    file = folder / EPISODES
    lines = file.read_text("utf-8").splitlines() if file.is_file() else []
    return [Row.model_validate_json(line) for line in lines]


def read_reports(folder: Path = RECORDS) -> list[dict[str, Any]]:
    """Return what was sent to report_outcome, with arm, task_type and visit, in the order of the visits."""
    file = folder / REPORTS
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.is_file() else []


def _calls(seen: Sequence[Event], name: str) -> list[Event]:
    return [event for event in seen if event["kind"] == "tool" and event["name"] == name]


def _lessons(reply: str) -> int:
    """How many strategies a reply shows in full, by the lines that name their origin."""
    inside = reply.partition("<strategies>")[2].partition("</strategies>")[0]
    return sum(line.startswith("[st_") for line in inside.splitlines())


def _played_twice(rows: Sequence[Row]) -> list[str]:
    seen, twice = set[tuple[str, str, int]](), list[str]()
    for row in rows:
        key = (row.arm, row.task, row.visit)
        if key in seen:
            twice.append(f"{row.task} {row.visit} was played twice in the arm {row.arm}")
        seen.add(key)
    return twice
