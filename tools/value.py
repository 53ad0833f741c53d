"""What came of what was recalled: how often it was opened, followed, right and wrong, and how tasks went with it and without.

Only the comparison with what was held out says that lessons help: tasks that found lessons differ from those that found none.
That words of a lesson came back in the work (echoes.py) is a weak sign, and moves no counter.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from strategy_bank.store.records import RECALLED_TASK_CHARS, Episode, Recall
from strategy_bank.tools.learning.credit import interval

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

By = Literal["scope", "month"]
Row = Mapping[str, Any]
_IDS = ("strategy_ids", "listed_ids", "opened_ids", "held_out_ids", "sure_ids", "echoed_ids")
_OF_A_RECALL = ["scope", "task", "tokens", "stuck", "stops", "asked", "answered_by", *_IDS]
_OF_AN_EPISODE = ["scope", "recall_id", "verdict", "used_ids", "helped_ids", "wrong_ids", "unfit_ids", "task", "status"]
_GAPS = 5


@dataclass(frozen=True)
class Share:
    """How many of some tasks succeeded."""

    succeeded: int
    tasks: int

    @property
    def bounds(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share, 0–1."""
        return interval(self.succeeded, self.tasks)

    def as_json(self) -> dict[str, Any]:
        return {"succeeded": self.succeeded, "tasks": self.tasks, "interval": [round(each, 3) for each in self.bounds]}


@dataclass(frozen=True)
class Part:
    """How many of some lessons or events; of none nothing is known."""

    number: int
    of: int

    def as_json(self) -> dict[str, int]:
        return {"number": self.number, "of": self.of}


@dataclass(frozen=True)
class Value:
    """The figures of one scope or month, or of all.

    Ids are counted once for each recall or report. Tasks with lessons and held out are those whose recall found something; the
    second went without one strategy of it. Tasks without are those whose recall found nothing, or that had none.

    `sure` are the lessons shown with a relevance of SURE or more that were followed, of those of which a report tells: unfit is
    the other. `echoed` are those whose words came back, of those in whose turn the transcript was read. `asked` counts the
    requests for a report when the agent stopped, `answered` the reports that followed, `taught` those that brought a lesson.
    """

    recalls: int
    empty: int
    in_full: int
    listed: int
    opened: int
    followed: int
    helped: int
    wrong: int
    unfit: int
    tokens: int
    sure: Part
    echoed: Part
    stuck: int
    stuck_followed: Part
    asked: int
    answered: int
    taught: int
    with_lessons: Share
    without: Share
    held_out: Share
    gaps: Sequence[tuple[str, int]]

    def as_json(self) -> dict[str, Any]:
        return {
            name: value.as_json() if isinstance(value, Share | Part) else value
            for name, value in vars(self).items()
        } | {"gaps": [{"task": task, "recalls": number} for task, number in self.gaps]}  # fmt: skip


async def value(bank: "Bank", scope: str | None = None, by: By | None = None) -> dict[str, Value]:
    """Return the figures by scope or month, or under an empty name those of all; of one scope or of all."""
    await bank.atomically(bank.flush_recalls)
    where = {"scope": scope} if scope else {}
    recalls = await bank.cells(Recall, _OF_A_RECALL, **where)
    episodes = await bank.cells(Episode, _OF_AN_EPISODE, **where)
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
        gaps=[
            each for each in Counter(" ".join(row["task"].split()) for row in empty).most_common(_GAPS) if each[1] > 1
        ],
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
        for key in (row["recall_id"], (row["scope"], row["task"][:RECALLED_TASK_CHARS])):
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
