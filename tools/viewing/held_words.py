"""Where a record holds a text that a person looks for, with the words around it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel

from strategy_bank.store.lance.selection import text_columns
from strategy_bank.store.records import Record

AROUND = 60
"""Characters before and after the text that are shown."""
_NAMES = {
    "title": "title",
    "description": "when it applies",
    "content": "what it says",
    "source_task": "the task it was learned from",
    "revisions": "a former wording",
    "proposals": "a proposed wording",
    "task": "task",
    "judgement": "judgement",
    "comparison": "comparison",
    "learned": "what it taught",
    "recalled": "a lesson in its briefs",
    "status_reason": "the reason for its state",
    "caution": "its caution",
    "scope": "scope",
}


@dataclass(frozen=True)
class Held:
    """A text where it stands: in which part of a record, and between which words."""

    part: str
    before: str
    found: str
    after: str


def held_words(record: Record, text: str) -> Held | None:
    """Return the first place of a text in a record, in any case; None where it stands in what was not read, or nowhere."""
    wanted = text.lower()
    for name in sorted(text_columns(type(record)), key=_rank):
        for value in _texts(getattr(record, name)):
            at = value.lower().find(wanted) if wanted else -1
            if at >= 0:
                end = at + len(text)
                return Held(
                    _NAMES.get(name, name), value[max(0, at - AROUND) : at], value[at:end], value[end : end + AROUND]
                )
    return None


def _rank(name: str) -> int:
    """Return the place of a part in the order in which a reader expects them."""
    return list(_NAMES).index(name) if name in _NAMES else len(_NAMES)


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of a field, whatever is nested in it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in cast(list[Any], value):
            yield from _texts(each)
    elif isinstance(value, BaseModel):
        for _, each in value:
            yield from _texts(each)
