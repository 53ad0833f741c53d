"""Banks of many lessons that have been used for a year: recalls, reports, runs, decisions, and what waits for a person.

Lessons are put together as in `load/speed.py`. For each there is a recall and a report, for each hundred a run. Of a thousand
lessons two wait for a person, one is quarantined, twenty are retired, one has a correction that waits, two contradict another.
Some lessons are recalled often and most seldom. One report is as long as a report may be.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa

from bench.load.speed import SCOPES, TASKS, fill
from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.table import Connection
from strategy_bank.store.location import Location
from strategy_bank.store.records import Episode, LearnedStrategy, Proposal, Recall, Record, Run
from strategy_bank.tools.judging.judgement import Judgement
from strategy_bank.tools.safety.admission import NEW, QUARANTINED

YEAR = timedelta(days=365)
FIRST = datetime(2025, 11, 1, tzinfo=UTC)
BATCH = 5_000
LONG = 2_000_000  # characters
CLIENTS = ("claude-code 2.1.0", "codex 0.98.0", "gemini-cli 1.2.0")
_FIRST_LINES = (
    "[1] user: {task}",
    "[2] thought: See it fail first.",
    "[2] action: bash(pytest -q)",
    "[2] observation: 1 failed",
)
_LOOK = "[{step}] action: bash(rg -n retry src)\n[{step}] observation: src/worker_{step}.py:41: for attempt in range(retries):"
_END = "[{step}] action: bash(pytest -q)\n[{step}] observation: {end}"
QUOTES = {"success": "14 passed in 2.31s", "failure": "1 failed, 13 passed in 2.31s"}


async def used_bank(home: Path, size: int) -> None:
    """Make the bank in `home`, where there is none yet. 100,000 lessons take some minutes and two gigabytes."""
    location = Location(home)
    await fill(location, Embedder(location.models_dir), size, lambda first, count: _lesson_columns(first, count, size))
    connection = await Connection.open(location)
    makers: list[tuple[str, type[Record], int, Callable[[int, int], Record]]] = [
        ("episodes", Episode, size, episode),
        ("recalls", Recall, size, recall),
        ("runs", Run, max(1, size // 100), run),
    ]
    for name, kind, count, make in makers:
        columns = schema.record_schema(kind)
        reader = pa.RecordBatchReader.from_batches(columns, _batches(columns, size, count, make))
        (await connection.make(name, columns, rows=reader)).close()
    connection.close()
    bank = await Bank.open(location)
    await bank.maintain()
    await bank.close()


def lesson_id(number: int) -> str:
    return f"st_{number:016x}"  # as load/speed.py has them


def _lesson_columns(first: int, count: int, size: int) -> dict[str, Any]:
    numbers = range(first, first + count)
    states = [_state(number) for number in numbers]
    times = pa.array([_at(number, size) for number in numbers], pa.timestamp("us", tz="UTC"))
    text_lists = pa.list_(pa.string())
    return {
        "created_at": times,
        "updated_at": times,
        "status": pa.array([status for status, _ in states]),
        "outcome": pa.array([("success", "failure", "success", "contrast")[number % 4] for number in numbers]),
        "status_reason": pa.array([reason for _, reason in states]),
        "helped": pa.array([number % 7 for number in numbers], pa.int64()),
        "hurt": pa.array([number % 3 for number in numbers], pa.int64()),
        "episode_ids": pa.array([[f"ep_{number:016x}"] for number in numbers], text_lists),
        "credited_by": pa.array([[f"ep_{number:016x}"] for number in numbers], text_lists),
        "contradicts": pa.array([_opposites(number, size) for number in numbers], text_lists),
        "proposals": pa.array([_proposals(number) for number in numbers]),
    }


def _state(number: int) -> tuple[str, str]:
    """Return the status of a lesson and the reason for it."""
    place = number % 1000
    if place in (101, 501):
        return "waiting", NEW
    if place == 301:
        return "quarantined", f"{QUARANTINED}tells the agent to ignore its instructions"
    if place % 50 == 7:
        failed = ", ".join(f"ep_{number + k:016x}" for k in range(5))
        return "retired", f"1 of 6 tasks that used it succeeded, of all tasks 80%; it failed in {failed}"
    return "active", ""


def _opposites(number: int, size: int) -> list[str]:
    other = {400: number + 1, 401: number - 1}.get(number % 1000)
    return [lesson_id(other)] if other is not None and other < size else []


def _proposals(number: int) -> str | None:
    if number % 1000 != 200:
        return None
    words = {
        "title": "When it fails on the second run",
        "description": "Before changing code.",
        "content": "Run it twice.",
    }
    proposal = Proposal(**words, proposed_by=f"ep_{number:016x}", proposed_at=FIRST + YEAR)
    return f"[{proposal.model_dump_json()}]"


def _at(number: int, of: int) -> datetime:
    return FIRST + YEAR * (number / of)


def _recalled(number: int, size: int) -> list[str]:
    """Return lessons that a recall shows: often the first ones, seldom the others."""
    dice = Random(number)
    return list({lesson_id(int(size * dice.random() ** 4)): None for _ in range(3)})


def trajectory(number: int, verdict: str, characters: int = 1_000) -> str:
    lines, step = [line.format(task=TASKS[number % len(TASKS)]) for line in _FIRST_LINES], 3
    looked = len(_LOOK)
    for step in range(3, 3 + max(1, (characters - 200) // looked)):
        lines.append(_LOOK.format(step=step))
    return "\n".join([*lines, _END.format(step=step + 1, end=QUOTES[verdict])])


def episode(number: int, size: int) -> Episode:
    """Return a report: every third failed, every thousandth waits for its judgement, number 1 is long."""
    verdict = "failure" if number % 3 == 2 else "success"
    text = trajectory(number, verdict, LONG if number == 1 else 1_000)
    made = Judgement(reason="The tests decided it.", verdict=verdict, evidence=[QUOTES[verdict]])
    used = _recalled(number, size)
    learned = [LearnedStrategy(id=lesson_id(number % size), title="When the queue shows stale values", action="added")]
    judged: dict[str, Any] = (
        {"reason": "nobody has judged it yet"}
        if number % 1000 == 999
        else {"status": "learned", "verdict": verdict, "self_verdict": verdict, "judgement": made.model_dump_json()}
        | {"judge": "agent", "used_ids": used[:2], "helped_ids": used[:1], "unfit_ids": used[2:], "learned": learned}
    )
    return Episode(
        id=f"ep_{number:016x}",
        created_at=_at(number, size),
        updated_at=_at(number, size),
        scope=SCOPES[number % 4],
        task=TASKS[number % len(TASKS)],
        trajectory=text,
        steps=text.count("\n") // 2,
        recall_id=f"rc_{number:016x}",
        run_id=f"run_{number // 100:016x}" if number % 100 < 3 else "",
        attempt=number % 100 + 1 if number % 100 < 3 else 0,
        client=CLIENTS[number % 3],
        session=f"se_{number // 20:016x}",
        **judged,
    )


def recall(number: int, size: int) -> Recall:
    """Return a recall: every fifth finds nothing."""
    shown = [] if number % 5 == 4 else _recalled(number, size)
    return Recall(
        id=f"rc_{number:016x}",
        created_at=_at(number, size),
        scope=SCOPES[number % 4],
        task=TASKS[number % len(TASKS)],
        strategy_ids=shown,
        sure_ids=shown[:1],
        listed_ids=_recalled(number + size, size) if shown else [],
        opened_ids=_recalled(number + size, size)[: number % 2] if shown else [],
        tokens=420 if shown else 30,
        stops=1,
        asked=number % 2,
        answered_by=f"ep_{number:016x}",
    )


def run(number: int, size: int) -> Run:
    """Return a run of three attempts: nine of ten finished."""
    finished: dict[str, Any] = (
        {"status": "running"} if number % 10 == 9 else {"status": "finished", "best_attempt": number % 3 + 1}
    )
    return Run(
        id=f"run_{number:016x}",
        created_at=_at(number * 100, size),
        updated_at=_at(number * 100, size),
        scope=SCOPES[number * 100 % 4],
        task=TASKS[number * 100 % len(TASKS)],
        mode="parallel" if number % 2 else "sequential",
        attempts=3,
        recall_id=f"rc_{number * 100:016x}",
        **finished,
    )


def _batches(columns: Any, size: int, count: int, make: Callable[[int, int], Record]) -> Iterator[Any]:
    for first in range(0, count, BATCH):
        rows = [schema.to_row(make(number, size)) for number in range(first, min(first + BATCH, count))]
        yield pa.RecordBatch.from_pylist(rows, schema=columns)
