"""What came of what was recalled: how often it was opened, followed, right and wrong, and how tasks went with it and without.

Only the comparison with what was held out says that lessons help: tasks that found lessons differ from those that found none.
That words of a lesson came back in the work (echoes.py) is a weak sign, and moves no counter.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
# (pyarrow ships no types)

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from strategy_bank.store.records import RECALLED_TASK_CHARS, Episode, Recall
from strategy_bank.tools.columns import (
    SPACE,
    Column,
    Flags,
    Ints,
    Sums,
    as_flags,
    as_numbers,
    at_places,
    distinct,
    has_text,
    id_pairs,
    joined,
    lengths,
    pc,
    places_of,
    unique,
)
from strategy_bank.tools.learning.credit import interval

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

By = Literal["scope", "month"]
_IDS = ("strategy_ids", "listed_ids", "opened_ids", "held_out_ids", "sure_ids", "echoed_ids")
_OF_A_RECALL = ("id", "created_at", "scope", "task", "tokens", "stuck", "stops", "asked", "answered_by", *_IDS)
_FATES = ("used_ids", "helped_ids", "wrong_ids", "unfit_ids")
_OF_AN_EPISODE = ("id", "created_at", "scope", "recall_id", "verdict", "status", *_FATES)
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
    return (await read(bank, scope)).value(by)


async def read(bank: "Bank", scope: str | None = None) -> "Figures":
    """Read what the figures are made of, as columns: among 100,000 recalls objects would take seconds."""
    if bank.recalls:
        await bank.atomically(bank.flush_recalls)
    where = {"scope": scope} if scope else {}
    recalls = await bank.columns(Recall, _OF_A_RECALL, **where)
    stuck = pc.any(pc.greater(recalls["stuck"], 0)).as_py()
    episodes = await bank.columns(Episode, [*_OF_AN_EPISODE, *(["task"] if stuck else [])], **where)
    return Figures(recalls, episodes)


class Figures:
    """The recalls and episodes of one scope or of all as tables of columns, and what is counted of each row once."""

    def __init__(self, recalls: Any, episodes: Any) -> None:
        self._recalls, self._episodes = recalls, episodes

    def value(self, by: By | None = None) -> dict[str, Value]:
        """Return the figures by scope or month, or under an empty name those of all."""
        names, of_recalls, of_episodes = _groups(self._recalls, self._episodes, by)
        told, reported = Sums(of_recalls, len(names)), Sums(of_episodes, len(names))
        usual, asked = ~self._stuck, self._has_task
        empty, judged = usual & asked & ~self._found, self._judged
        found, held = judged & self._found_by_episode, judged & self._held_by_episode
        fitted, marked = self._fitted
        columns: dict[str, Sequence[Any]] = {
            "recalls": told.number(usual & asked),
            "empty": told.number(empty),
            **{name: told.sum(self._lengths[ids] * usual) for name, ids in _SHOWN.items()},
            **{name: reported.sum(lengths(self._episodes[ids])) for name, ids in _BECAME.items()},
            "tokens": told.sum(as_numbers(self._recalls["tokens"])),
            "sure": _parts(reported.sum(fitted), reported.sum(marked)),
            "echoed": _parts(told.sum(self._lengths["echoed_ids"]), told.sum(self._read * self._stopped)),
            "stuck": told.number(self._stuck),
            "stuck_followed": self._followed(of_recalls, of_episodes, len(names)),
            "asked": told.sum(as_numbers(self._recalls["asked"])),
            "answered": told.number(self._answered),
            "taught": distinct(of_recalls, self._taught, len(names)),
            "with_lessons": self._shares(reported, found & ~held),
            "without": self._shares(reported, judged & ~self._found_by_episode),
            "held_out": self._shares(reported, held),
            "gaps": self._gaps(of_recalls, empty, len(names)),
        }
        made = {
            name: Value(**{column: values[place] for column, values in columns.items()})
            for place, name in enumerate(names)
        }
        return {name: made[name] for name in sorted(made)}

    # of each recall

    @cached_property
    def _lengths(self) -> dict[str, Ints]:
        return {name: lengths(self._recalls[name]) for name in _IDS}

    @cached_property
    def _stuck(self) -> Flags:
        return as_numbers(self._recalls["stuck"]) > 0

    @cached_property
    def _stopped(self) -> Flags:
        return as_numbers(self._recalls["stops"]) > 0

    @cached_property
    def _has_task(self) -> Flags:
        return has_text(self._recalls["task"])

    @cached_property
    def _answered(self) -> Flags:
        return has_text(self._recalls["answered_by"])

    @cached_property
    def _found(self) -> Flags:
        full, listed, held_out = (self._lengths[name] for name in ("strategy_ids", "listed_ids", "held_out_ids"))
        return full + listed + held_out > 0

    @cached_property
    def _read(self) -> Ints:
        """How many lessons an agent could read in full, after each recall."""
        shown, opened = self._lengths["strategy_ids"], self._lengths["opened_ids"]
        both = np.flatnonzero((shown > 0) & (opened > 0))
        lists = [pc.take(self._recalls[name], pa.array(both)) for name in ("strategy_ids", "opened_ids")]
        one, other = id_pairs(lists)
        number = shown + opened
        number[both] = np.bincount(unique(np.concatenate([one, other])) // SPACE, minlength=len(both))
        return number

    @cached_property
    def _taught(self) -> Ints:
        """The place of the episode that answered and brought a lesson; -1 for none."""
        learned = pc.equal(self._episodes["status"], "learned")
        ids = pc.if_else(learned, self._episodes["id"], None)
        return places_of(self._recalls["answered_by"], ids)

    # of each episode

    @cached_property
    def _recall(self) -> Ints:
        """The place of the recall before each episode; -1 for none."""
        return places_of(self._episodes["recall_id"], self._recalls["id"])

    @cached_property
    def _judged(self) -> Flags:
        return has_text(self._episodes["verdict"])

    @cached_property
    def _found_by_episode(self) -> Flags:
        return (self._recall >= 0) & at_places(self._found, self._recall)

    @cached_property
    def _held_by_episode(self) -> Flags:
        return (self._recall >= 0) & at_places(self._lengths["held_out_ids"] > 0, self._recall)

    @cached_property
    def _fitted(self) -> tuple[Ints, Ints]:
        """How many of the lessons that were shown as sure were followed, and how many were followed or did not fit."""
        some = np.flatnonzero((self._recall >= 0) & at_places(self._lengths["sure_ids"] > 0, self._recall))
        sure, *fates = id_pairs(
            [
                pc.take(self._recalls["sure_ids"], pa.array(self._recall[some])),
                *(pc.take(self._episodes[name], pa.array(some)) for name in ("used_ids", "unfit_ids")),
            ]
        )
        followed, unfit = (np.intersect1d(unique(sure), unique(pairs), assume_unique=True) for pairs in fates)
        counts = [np.zeros(len(self._recall), np.int64) for _ in range(2)]
        for count, pairs in zip(counts, (followed, unique(np.concatenate([followed, unfit]))), strict=True):
            count[some] = np.bincount(pairs // SPACE, minlength=len(some))
        return counts[0], counts[1]

    def _shares(self, sums: Sums, rows: Flags) -> list[Share]:
        good = rows & as_flags(pc.equal(self._episodes["verdict"], "success"))
        return [Share(*each) for each in zip(sums.number(good), sums.number(rows), strict=True)]

    # of few

    def _gaps(self, group: Ints, empty: Flags, groups: int) -> list[list[tuple[str, int]]]:
        """Return what was asked for most often among those recalls and found nothing, for each group, asked twice or more."""
        rows = np.flatnonzero(empty)
        tasks = joined([pc.take(self._recalls["task"], pa.array(rows))]).dictionary_encode()
        names = [" ".join(text.split()) for text in tasks.dictionary.to_pylist()]
        counted = [Counter[str]() for _ in range(groups)]
        numbers = np.bincount(group[rows] * len(names) + tasks.indices.to_numpy())
        for key in np.flatnonzero(numbers).tolist():
            counted[key // len(names)][names[key % len(names)]] += int(numbers[key])
        often = [[each for each in counter.items() if each[1] > 1] for counter in counted]
        return [sorted(some, key=lambda each: (-each[1], each[0]))[:_GAPS] for some in often]

    def _followed(self, of_recalls: Ints, of_episodes: Ints, groups: int) -> list[Part]:
        """Return how many of the lessons that were shown to somebody stuck were followed, by group.

        They were by reports of the group that name the recall or its task.
        """
        stuck = np.flatnonzero(self._stuck)
        if not len(stuck):
            return [Part(0, 0)] * groups
        recalls = self._recalls.take(pa.array(stuck)).to_pylist()
        named = np.isin(self._recall, stuck)
        begins = pc.utf8_slice_codeunits(self._episodes["task"], 0, RECALLED_TASK_CHARS)
        alike = as_flags(pc.is_in(begins, value_set=pa.array({row["task"] for row in recalls}, pa.string())))
        rows = np.flatnonzero(named | alike)
        used: dict[object, set[str]] = defaultdict(set)
        for place, row in zip(rows, self._episodes.take(pa.array(rows)).to_pylist(), strict=True):
            for key in (row["recall_id"], (row["scope"], row["task"][:RECALLED_TASK_CHARS])):
                used[int(of_episodes[place]), key].update(row["used_ids"] or ())
        followed, of = [0] * groups, [0] * groups
        for place, row in zip(stuck, recalls, strict=True):
            group = int(of_recalls[place])
            shown = {*(row["strategy_ids"] or ()), *(row["opened_ids"] or ())}
            of[group] += len(shown)
            followed[group] += len(shown & (used[group, row["id"]] | used[group, (row["scope"], row["task"])]))
        return _parts(followed, of)


_SHOWN = {"in_full": "strategy_ids", "listed": "listed_ids", "opened": "opened_ids"}
_BECAME = {"followed": "used_ids", "helped": "helped_ids", "wrong": "wrong_ids", "unfit": "unfit_ids"}


def _groups(recalls: Any, episodes: Any, by: By | None) -> tuple[list[str], Ints, Ints]:
    """Return the names of the groups, and the number of the group of each recall and each episode."""
    if by is None or not (recalls.num_rows + episodes.num_rows):
        return [""], np.zeros(recalls.num_rows, np.int64), np.zeros(episodes.num_rows, np.int64)
    key = _month if by == "month" else _scope
    keys = joined([key(recalls), key(episodes)]).dictionary_encode()
    values, places = keys.dictionary.to_pylist(), keys.indices.to_numpy().astype(np.int64)
    names = [f"{value // 12}-{value % 12 + 1:02}" if by == "month" else value for value in values]
    return names, places[: recalls.num_rows], places[recalls.num_rows :]


def _month(rows: Any) -> Column:
    return pc.add(pc.multiply(pc.year(rows["created_at"]), 12), pc.subtract(pc.month(rows["created_at"]), 1))


def _scope(rows: Any) -> Column:
    return rows["scope"]


def _parts(numbers: Sequence[int], of: Sequence[int]) -> list[Part]:
    return [Part(*each) for each in zip(numbers, of, strict=True)]
