"""The hostile bank holds what it says: each text in each text field of each kind of record, as it was written."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from strategy_bank.store.bank import Bank
from strategy_bank.store.location import Location
from strategy_bank.store.records import Episode, EpisodeStatus, Recall, Record, Run, RunStatus, Strategy, StrategyStatus
from tests.support.hostile_bank import HOSTILE, LONG, TEXTS, fill

pytestmark = pytest.mark.anyio
LINKS = re.compile(r"(^|\.|_)(id|ids|by|opposite|contradicts|pardoned)$")
CHOSEN = re.compile(
    r"(^|\.)(outcome|status|verdict|self_verdict|mode|holds|action|before|after|what)$"
)  # of a few words
KINDS: dict[type[Record], list[Any]] = {
    Strategy: HOSTILE.lessons,
    Episode: HOSTILE.episodes,
    Run: HOSTILE.runs,
    Recall: HOSTILE.recalls,
}


def texts(model: BaseModel, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of a record with the names of the fields that lead to it."""
    for name, value in model:
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, BaseModel):
                yield from texts(each, f"{path}{name}.")
            elif isinstance(each, str):
                yield f"{path}{name}", each


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_text_stands_in_every_field_that_is_read_as_words(kind: type[Record]) -> None:
    held = defaultdict[str, list[str]](list)
    for record in KINDS[kind]:
        for path, text in texts(record):
            held[path].append(text)
    words = {name for name, info in kind.model_fields.items() if info.annotation is str and not LINKS.search(name)}
    assert words <= held.keys()
    for path in [path for path in held if not CHOSEN.search(path) and not LINKS.search(path)]:
        absent = [name for name, text in TEXTS.items() if not any(text[:200] in each for each in held[path])]
        assert absent == [], path


def test_records_are_in_every_state() -> None:
    assert {lesson.status for lesson in HOSTILE.lessons} == set(get_args(StrategyStatus))
    assert {episode.status for episode in HOSTILE.episodes} == set(get_args(EpisodeStatus))
    assert {run.status for run in HOSTILE.runs} == set(get_args(RunStatus))
    assert any(lesson.proposals and lesson.contradicts and lesson.caution for lesson in HOSTILE.lessons)


async def test_the_bank_holds_all_of_it_as_it_was_written(home: Path) -> None:
    bank = await Bank.open(Location(home))
    await fill(bank)
    for kind, records in KINDS.items():
        assert {record.id: record for record in await bank.all(kind)} == {record.id: record for record in records}
    await bank.close()
    assert min(len(record.task) for record in HOSTILE.episodes if len(record.task) > 10_000) > 1_900_000, LONG
