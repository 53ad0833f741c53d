"""What came of what was recalled: how often it was opened, followed, right and wrong, and how tasks went with it and without.

Only the comparison with what was held out says that lessons help: tasks that found lessons differ from those that found none.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from strategy_bank.store.records import Episode, Recall
from strategy_bank.tools.learning.credit import interval

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

By = Literal["scope", "month"]
Row = Mapping[str, Any]
_OF_A_RECALL = ["scope", "task", "strategy_ids", "listed_ids", "opened_ids", "held_out_ids", "tokens"]
_OF_AN_EPISODE = ["scope", "recall_id", "verdict", "used_ids", "helped_ids", "wrong_ids", "unfit_ids"]
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
class Value:
    """The figures of one scope or month, or of all.

    Ids are counted once for each recall or report. Tasks with lessons and held out are those whose recall found something; the
    second went without one strategy of it. Tasks without are those whose recall found nothing, or that had none.
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
    with_lessons: Share
    without: Share
    held_out: Share
    gaps: Sequence[tuple[str, int]]

    def as_json(self) -> dict[str, Any]:
        return {
            name: value.as_json() if isinstance(value, Share) else value
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
    return {name: _value(told[name], reported[name], known) for name in sorted(names)}


def _name(row: Row, by: By | None) -> str:
    return "" if by is None else row["scope"] if by == "scope" else row["created_at"].strftime("%Y-%m")


def _grouped(rows: Iterable[Row], by: By | None) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[_name(row, by)].append(row)
    return groups


def _value(recalls: Sequence[Row], episodes: Sequence[Row], known: Mapping[str, Row]) -> Value:
    judged = [row for row in episodes if row["verdict"]]
    found = [row for row in judged if _found(known.get(row["recall_id"]))]
    held = [row for row in found if known[row["recall_id"]]["held_out_ids"]]
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
        tokens=sum(row["tokens"] or 0 for row in recalls),
        with_lessons=_share(row for row in found if row not in held),
        without=_share(row for row in judged if not _found(known.get(row["recall_id"]))),
        held_out=_share(held),
        gaps=[
            each for each in Counter(" ".join(row["task"].split()) for row in empty).most_common(_GAPS) if each[1] > 1
        ],
    )


def _found(recall: Row | None) -> bool:
    return recall is not None and any(recall[name] for name in ("strategy_ids", "listed_ids", "held_out_ids"))


def _sum(rows: Iterable[Row], column: str) -> int:
    return sum(len(row[column] or ()) for row in rows)


def _share(rows: Iterable[Row]) -> Share:
    verdicts = [row["verdict"] for row in rows]
    return Share(verdicts.count("success"), len(verdicts))
