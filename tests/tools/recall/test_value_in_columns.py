"""The figures of `value`, counted in columns, are those that one gets by counting record after record."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode, Recall
from strategy_bank.tools.value import By, Part, Share, Value, value

pytestmark = pytest.mark.anyio
Row = Mapping[str, Any]
LESSONS = [f"st_{number}" for number in range(8)]


def some_of(chance: random.Random, most: int = 3) -> list[str]:
    return chance.sample(LESSONS, chance.randint(0, most))


def recall(number: int, chance: random.Random) -> Recall:
    return Recall(
        id=f"rc_{number}",
        created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=chance.randint(0, 400)),
        scope=chance.choice(["one", "two"]),
        task=chance.choice(["", "a", "a ", "b", "c  d", "c d"]),
        strategy_ids=some_of(chance),
        listed_ids=some_of(chance),
        opened_ids=some_of(chance),
        held_out_ids=some_of(chance, 1),
        sure_ids=some_of(chance),
        echoed_ids=some_of(chance),
        tokens=chance.randint(0, 500),
        stuck=chance.choice([0, 0, 1]),
        stops=chance.randint(0, 2),
        asked=chance.randint(0, 1),
        answered_by=chance.choice(["", f"ep_{chance.randint(0, 60)}"]),
    )


def bare(number: int, chance: random.Random) -> Recall:
    return Recall(id=f"rc_{number}", scope=chance.choice(["one", "two"]), task=chance.choice(["a", "b", "c d"]))


def episode(number: int, chance: random.Random) -> Episode:
    return Episode(
        id=f"ep_{number}",
        created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=chance.randint(0, 400)),
        scope=chance.choice(["one", "two"]),
        task=chance.choice(["a", "b", "c d"]),
        trajectory="[1] text: done",
        steps=1,
        status=chance.choice(["learned", "recorded", "pending"]),
        recall_id=chance.choice(["", "rc_none", f"rc_{chance.randint(0, 60)}"]),
        verdict=chance.choice([None, "success", "failure"]),
        used_ids=some_of(chance),
        helped_ids=some_of(chance),
        wrong_ids=some_of(chance),
        unfit_ids=some_of(chance),
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", [recall, bare])
async def test_columns_say_what_records_say(settings: Settings, seed: int, make: Any) -> None:
    chance = random.Random(seed)
    bank = await Bank.open(settings.location)
    await bank.add_all([make(number, chance) for number in range(60)])
    await bank.add_all([episode(number, chance) for number in range(60)])
    ways: list[By | None] = [None, "scope", "month"]
    for scope in (None, "one", "none"):
        where = {"scope": scope} if scope else {}
        recalls = [vars(each) for each in await bank.all(Recall, **where)]
        episodes = [vars(each) for each in await bank.all(Episode, **where)]
        for by in ways:
            assert await value(bank, scope, by) == one_by_one(recalls, episodes, by)
    await bank.close()


def one_by_one(recalls: Sequence[Row], episodes: Sequence[Row], by: By | None) -> dict[str, Value]:
    names = dict.fromkeys(_name(row, by) for row in [*recalls, *episodes]) or {"": None}
    told, reported = _grouped(recalls, by), _grouped(episodes, by)
    known = {row["id"]: row for row in recalls}
    taught = {row["id"] for row in episodes if row["status"] == "learned"}
    return {name: _value(told[name], reported[name], known, taught) for name in sorted(names)}


def _name(row: Row, by: By | None) -> str:
    return "" if by is None else row["scope"] if by == "scope" else row["created_at"].strftime("%Y-%m")


def _grouped(rows: Iterable[Row], by: By | None) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[_name(row, by)].append(row)
    return groups


def _value(told: Sequence[Row], episodes: Sequence[Row], known: Mapping[str, Row], taught: set[str]) -> Value:
    stuck = [row for row in told if row["stuck"]]
    recalls = [row for row in told if not row["stuck"]]
    judged = [row for row in episodes if row["verdict"]]
    found = [row for row in judged if _found(known.get(row["recall_id"]))]
    held = [row for row in found if known[row["recall_id"]]["held_out_ids"]]
    answers = [row["answered_by"] for row in told if row["answered_by"]]
    empty = [row for row in recalls if row["task"] and not _found(row)]
    return Value(
        recalls=sum(bool(row["task"]) for row in recalls),
        empty=len(empty),
        in_full=_sum(recalls, "strategy_ids"),
        listed=_sum(recalls, "listed_ids"),
        opened=_sum(recalls, "opened_ids"),
        followed=_sum(episodes, "used_ids"),
        helped=_sum(episodes, "helped_ids"),
        wrong=_sum(episodes, "wrong_ids"),
        unfit=_sum(episodes, "unfit_ids"),
        tokens=sum(row["tokens"] or 0 for row in told),
        sure=_fitted(episodes, known),
        echoed=Part(_sum(told, "echoed_ids"), sum(len(_read(row)) for row in told if row["stops"])),
        stuck=len(stuck),
        stuck_followed=_followed(episodes, stuck),
        asked=sum(row["asked"] or 0 for row in told),
        answered=len(answers),
        taught=len(taught.intersection(answers)),
        with_lessons=_share(row for row in found if row not in held),
        without=_share(row for row in judged if not _found(known.get(row["recall_id"]))),
        held_out=_share(held),
        gaps=sorted(
            [each for each in Counter(" ".join(row["task"].split()) for row in empty).items() if each[1] > 1],
            key=lambda each: (-each[1], each[0]),
        )[:5],
    )


def _found(recall: Row | None) -> bool:
    return recall is not None and any(recall[name] for name in ("strategy_ids", "listed_ids", "held_out_ids"))


def _read(recall: Row) -> set[str]:
    """Return the ids of what an agent could read in full."""
    return {*(recall["strategy_ids"] or ()), *(recall["opened_ids"] or ())}


def _fitted(episodes: Iterable[Row], known: Mapping[str, Row]) -> Part:
    """Return how many of the lessons that were shown as sure were followed, of those of which a report tells."""
    fitted = marked = 0
    for row in episodes:
        sure = set((known.get(row["recall_id"]) or {}).get("sure_ids") or ())
        followed = sure.intersection(row["used_ids"] or ())
        fitted += len(followed)
        marked += len(followed | sure.intersection(row["unfit_ids"] or ()))
    return Part(fitted, marked)


def _followed(episodes: Iterable[Row], recalls: Iterable[Row]) -> Part:
    """Return how many of the lessons of some recalls were followed, by reports that name the recall or its task."""
    used: dict[object, set[str]] = defaultdict(set)
    for row in episodes:
        for key in (row["recall_id"], (row["scope"], row["task"][:2000])):
            used[key].update(row["used_ids"] or ())
    shown = [(row, id) for row in recalls for id in _read(row)]
    return Part(
        sum(id in used[row["id"]] | used[row["scope"], row["task"]] for row, id in shown),
        len(shown),
    )


def _sum(rows: Iterable[Row], column: str) -> int:
    return sum(len(row[column] or ()) for row in rows)


def _share(rows: Iterable[Row]) -> Share:
    verdicts = [row["verdict"] for row in rows]
    return Share(verdicts.count("success"), len(verdicts))
