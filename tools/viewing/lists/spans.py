"""Facets that no single column has: how old a record is, what came of a lesson, what a recall gave.

Each has its values in words, the filter of each, and how many of some records have which.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from strategy_bank.store.records import now
from strategy_bank.tools.viewing.lists.kinds import Kind, Where

AGE, RECORD, SHOW = "age", "record", "shown"
AGES = {"1": "today", "7": "in 7 days", "30": "in 30 days", "90": "in 90 days", "365": "in a year", "older": "older"}
_SHOWN = {"full": "shown in full", "listed": "only as lines", "nothing": "nothing fitted"}
_RECORDS = {"helped": "has helped", "hurt": "has hurt", "unused": "never used"}


def more(kind: Kind[Any]) -> dict[str, dict[str, str]]:
    """Return the facets of a list that look at several columns."""
    return {"lessons": {RECORD: _RECORDS}, "recalls": {SHOW: _SHOWN}}.get(kind.name, {})


def _of_record(crossed: Mapping[tuple[Any, ...], int]) -> dict[str, int]:
    return {
        "helped": sum(number for (helped, _), number in crossed.items() if helped),
        "hurt": sum(number for (_, hurt), number in crossed.items() if hurt),
        "unused": crossed.get((0, 0), 0),
    }


def _of_shown(crossed: Mapping[tuple[Any, ...], int]) -> dict[str, int]:
    return {
        "full": sum(number for (full, _), number in crossed.items() if full),
        "listed": sum(number for (full, lines), number in crossed.items() if lines and not full),
        "nothing": crossed.get((0, 0), 0),
    }


def by_age(days: Mapping[Any, int]) -> dict[str, int]:
    """Return how many were made since each of the bounds, and how many before all of them."""
    since = {age: _since(age) for age in AGES if age != "older"}
    counted = {age: sum(number for day, number in days.items() if day and day >= start) for age, start in since.items()}
    return counted | {"older": sum(days.values()) - counted["365"]}


def _since(age: str) -> date:
    return now().date() - timedelta(days=int(age) - 1)


def _where_age(age: str) -> Where:
    from strategy_bank.store.lance.filters import Between

    start = datetime.combine(_since("365" if age == "older" else age), time(), UTC)
    return {"created_at": Between(below=start) if age == "older" else Between(start)}


def _where_record(record: str) -> Where:
    from strategy_bank.store.lance.filters import Between

    return {"helped": 0, "hurt": 0} if record == "unused" else {record: Between(1)}


def _where_shown(shown: str) -> Where:
    from strategy_bank.store.lance.filters import Length

    if shown == "full":
        return {"strategy_ids": Length(some=True)}
    return {"strategy_ids": Length(some=False), "listed_ids": Length(some=shown == "listed")}


WHERE: dict[str, Callable[[str], Where]] = {AGE: _where_age, RECORD: _where_record, SHOW: _where_shown}
CROSSED = {RECORD: _of_record, SHOW: _of_shown}
