"""The bounds on a record that comes from a file: anybody may have written it."""

import re
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from strategy_bank.store.records import Record, now

LINE_BYTES = 32_000_000  # the longest trajectory there is, with every character escaped
FILE_BYTES = 8_000_000_000
_ID = re.compile(r"[\w.:-]{1,100}")
_CHARS = {
    "title": 600,
    "description": 2_000,
    "content": 6_000,
    "status_reason": 3_000,
    "reason": 3_000,
    "task": 12_000,
    "source_task": 12_000,
    "judgement": 100_000,
    "comparison": 100_000,
    "trajectory": 2_200_000,
}  # what reports may have, and room for what redaction adds
_OTHER_CHARS = 300
_NUMBERS = {"attempts": 8, "attempt": 8, "best_attempt": 8}
_OTHER_NUMBERS = 1_000_000_000
_LIST = 1_000


def bounded(record: Record) -> Record:
    """Return the record with no time that is still to come. Raises ValueError with the field that is out of bounds."""
    _check_fields(record)
    times = {name: _past(value) for name, value in record if isinstance(value, datetime)}
    return record.model_copy(update=times)


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def _check_fields(model: BaseModel) -> None:
    for name, value in model:
        if name == "id" and not is_id(value):
            raise ValueError("id: it has 1 to 100 letters, digits, or one of . : - _")
        _check(name, value)


def _check(name: str, value: Any) -> None:
    most_chars, most = _CHARS.get(name, _OTHER_CHARS), _NUMBERS.get(name, _OTHER_NUMBERS)
    if isinstance(value, str) and len(value) > most_chars:
        raise ValueError(f"{name}: it has {len(value):,} characters, and {most_chars:,} are the most")
    if isinstance(value, int) and not 0 <= value <= most:
        raise ValueError(f"{name}: {value} is out of range, which is 0 to {most:,}")
    if isinstance(value, list):
        _check_list(name, value)  # pyright: ignore[reportUnknownArgumentType]


def _check_list(name: str, values: list[Any]) -> None:
    if len(values) > _LIST:
        raise ValueError(f"{name}: it has {len(values):,} items, and {_LIST:,} are the most")
    for value in values:
        if isinstance(value, BaseModel):
            _check_fields(value)
        else:
            _check(name, value)


def _past(time: datetime) -> datetime:
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    return min(aware, now())
