"""What happened lately: what was handed out and what came of it, and what people decided, the newest first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from strategy_bank.store.records import FOR_A_PERSON, Episode, Recall, Revision, StatusChange, Strategy
from strategy_bank.tools.curation.decisions import look_of
from strategy_bank.tools.viewing.sources import Source, first

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

SHOWN = 10
"""Number of recalls, and of decisions, that are read."""
_LOOKED_AT = 50
"""Lessons changed lately among which the newest decisions are looked for: a lesson changes without one too."""
_OF_A_REPORT = ["recall_id", "task", "client", "verdict", "used_ids", "helped_ids", "wrong_ids", "unfit_ids"]
Fate = Literal["helped", "wrong", "followed", "unfit", ""]
_FATES: dict[Fate, str] = {"wrong": "wrong_ids", "helped": "helped_ids", "followed": "used_ids", "unfit": "unfit_ids"}


@dataclass(frozen=True)
class HandedLesson:
    """A lesson that a recall showed in full or that the agent opened, and what became of it; empty where nobody said it."""

    id: str
    title: str
    fate: Fate


@dataclass(frozen=True)
class HandedOut:
    """A recall, the lessons that the agent read, and the reports that name it, the oldest first."""

    recall: Recall
    lessons: Sequence[HandedLesson]
    reports: Sequence[Source]


@dataclass(frozen=True)
class Decided:
    """A decision of a person about a lesson. `back` is what takes it back: the decision, the words, or nothing."""

    lesson: Strategy
    look: str
    at: datetime
    decision: StatusChange | None
    revision: Revision | None
    back: Literal["undo", "revert", ""]

    @property
    def words(self) -> str:
        """What was decided, as a sentence."""
        if self.revision:
            return _IN_OTHER_WORDS[bool(self.revision.proposed_by), self.revision.replaced_by == "revert"]
        return _said(self.decision) if self.decision else ""


_IN_OTHER_WORDS = {
    (False, False): "Its words were changed.",
    (True, False): "Proposed words were taken.",
    (False, True): "Former words were brought back.",
    (True, True): "Former words were brought back.",
}
_ABOUT_OTHERS: dict[str, str] = {
    "parted": "Stands beside its opposite.",
    "joined": "Contradicts its opposite again.",
    "dropped": "Proposed words were dropped.",
    "restored": "Proposed words wait again.",
}


def _said(decision: StatusChange) -> str:
    if decision.what != "status":
        return _ABOUT_OTHERS[decision.what]
    waited = decision.before in FOR_A_PERSON
    if decision.after == "active":
        return "Let in." if waited else "Reinstated."
    if decision.after == "retired":
        return "Kept out." if waited else "Retired." if decision.before == "active" else "Left retired."
    return "Waits again."


async def handed_out(bank: "Bank", shown: int = SHOWN) -> list[HandedOut]:
    """Return the newest recalls that were for a task."""
    recalls = (await first(bank, Recall, shown, order="-created_at")).items
    ids = [each.id for each in recalls]
    reports = await bank.cells(Episode, _OF_A_REPORT, recall_id=ids) if ids else []
    answers = [each.answered_by for each in recalls if each.answered_by]
    reports += await bank.cells(Episode, _OF_A_REPORT, id=answers) if answers else []
    read = [id for each in recalls for id in (*each.strategy_ids, *each.opened_ids)]
    rows = await bank.cells(Strategy, ["title"], id=read) if read else []
    titles = {row["id"]: row["title"] for row in rows}
    return [_handed_out(each, reports, titles) for each in recalls]


async def decided(bank: "Bank", shown: int = SHOWN) -> list[Decided]:
    """Return the newest decisions of people: the last one about each lesson, and the last change of its words by hand."""
    from strategy_bank.store.lance.filters import Holding, Other  # brings lancedb

    wheres: list[dict[str, Any]] = [{"decisions": Other("[]")}]
    wheres += [{"revisions": Holding([f'"replaced_by":"{hand}"'])} for hand in ("edit", "revert")]
    changed = [await first(bank, Strategy, _LOOKED_AT, order="-updated_at", **where) for where in wheres]
    lessons = {each.id: each for some in changed for each in some.items}.values()
    found = sorted((each for lesson in lessons for each in _decisions(lesson)), key=lambda each: each.at, reverse=True)
    return list(_each_pair_once(found))[:shown]


def _handed_out(recall: Recall, reports: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> HandedOut:
    own = {row["id"]: row for row in reports if row["recall_id"] == recall.id or row["id"] == recall.answered_by}
    read = dict.fromkeys([*recall.strategy_ids, *recall.opened_ids])
    return HandedOut(
        recall,
        [HandedLesson(id, titles.get(id, ""), _fate(id, list(own.values()))) for id in read],
        [Source(row["id"], row["task"], row["client"] or "", row["verdict"] or "") for row in own.values()],
    )


def _fate(id: str, reports: Sequence[Mapping[str, Any]]) -> Fate:
    """Return what the reports say of a lesson; what is said against it first."""
    told: list[Fate] = [fate for fate, column in _FATES.items() if any(id in (row[column] or ()) for row in reports)]
    return told[0] if told else ""


def _decisions(lesson: Strategy) -> Iterator[Decided]:
    if lesson.decisions:
        last = lesson.decisions[-1]
        stands = last.after == lesson.status if last.what == "status" else bool(last.opposite or last.proposal)
        yield Decided(lesson, look_of(lesson), last.changed_at, last, None, "undo" if stands else "")
    by_hand = [each for each in lesson.revisions if each.replaced_by in ("edit", "revert")]
    if by_hand:
        back = "revert" if by_hand[-1] is lesson.revisions[-1] else ""
        yield Decided(lesson, look_of(lesson), by_hand[-1].replaced_at, None, by_hand[-1], back)


def _each_pair_once(decisions: Sequence[Decided]) -> Iterator[Decided]:
    """Yield decisions, and one about two opposites for the first of them only."""
    told = set[tuple[str, str]]()
    for each in decisions:
        opposite = each.decision.opposite if each.decision else ""
        if not opposite or (opposite, each.lesson.id) not in told:
            yield each
        told.add((each.lesson.id, opposite))
