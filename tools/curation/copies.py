"""What a record holds of another one: ids, the task that taught a lesson, titles, the wording of lessons in a judgement."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any, TypeVar, cast

from strategy_bank.store.records import Episode, Hit, Recall, Record, Run, StatusChange, Strategy

R = TypeVar("R", bound=Record)
COPIES: dict[type[Record], list[str]] = {
    Strategy: ["source_task", "revisions", "proposals", "decisions"],
    Episode: ["learned"],
    Run: ["recalled", "learned"],
}
"""Columns that only repeat what another record says, or a lesson said once."""
FORGOTTEN = "(forgotten)"
_ID = re.compile(r"\b(?:st|ep|run)_\w+")


@dataclass(frozen=True)
class Gone:
    """Records that are to go, and what others may hold of them."""

    ids: frozenset[str]
    tasks: frozenset[str] = frozenset()  # of episodes and runs that go
    words: frozenset[str] = frozenset()  # titles, descriptions and contents of strategies that go
    attempts: Mapping[str, frozenset[int]] = field(default_factory=dict[str, frozenset[int]])  # by the id of their run
    texts: tuple[str, ...] = ()  # in lower case: what no copy may hold
    holding: frozenset[str] = frozenset()  # ids of records whose copies hold one of these texts
    scope: str = ""  # a project of which everything goes
    kept_tasks: Mapping[str, str] = field(default_factory=dict[str, str])  # by the ids of episodes and runs that stay

    def has(self, record: Record, text: str) -> bool:
        """Return whether a copy in a record holds a text that is to go."""
        return record.id in self.holding and any(each in text.lower() for each in self.texts)

    def left(self, ids: Iterable[str]) -> list[str]:
        return [id for id in ids if id not in self.ids]


def without(record: R, gone: Gone) -> R:
    """Return a record that stays without what it holds of those that go; an equal one if it holds nothing of them."""
    return cast(R, _without(record, gone))


def loses_text(record: Record, gone: Gone) -> bool:
    """Return whether a record that stays loses more than ids: then its old bytes hold something that is to go."""
    after = without(record, gone)
    columns = [name for name, info in type(record).model_fields.items() if info.annotation != list[str]]
    return any(getattr(record, name) != getattr(after, name) for name in columns)


@singledispatch
def _without(record: Record, gone: Gone) -> Record:
    return record


@_without.register
def _(record: Strategy, gone: Gone) -> Strategy:
    lists = ("episode_ids", "run_ids", "credited_by", "pardoned", "contradicts")
    change: dict[str, Any] = {name: gone.left(getattr(record, name)) for name in lists}
    change["status_reason"] = _without_ids(record.status_reason, gone)
    change["decisions"] = [_decided_without(record, each, gone) for each in record.decisions]
    if gone.scope:  # why a lesson became global names the projects that taught it
        named = rf"^(global: .*)(?<=(?: in|and) ){re.escape(gone.scope)}(?= and |$)"
        change["status_reason"] = re.sub(named, rf"\1{FORGOTTEN}", change["status_reason"])
    change["revisions"] = [
        each.model_copy(update={name: "" for name, id in each if id in gone.ids})
        for each in record.revisions
        if not gone.has(record, each.model_dump_json())
    ]
    change["proposals"] = [
        each
        for each in record.proposals
        if each.proposed_by not in gone.ids and not gone.has(record, each.model_dump_json())
    ]
    if _is_copied(record, gone) or gone.has(record, record.source_task):
        change["source_task"] = ""
    return record.model_copy(update=change)


def _decided_without(record: Strategy, decision: StatusChange, gone: Gone) -> StatusChange:
    """Return what a person decided: the decision stays, without the reason and the words that hold what is to go."""
    proposal = decision.proposal
    lost = proposal and (proposal.proposed_by in gone.ids or gone.has(record, proposal.model_dump_json()))
    reason = FORGOTTEN if gone.has(record, decision.reason) else _without_ids(decision.reason, gone)
    opposite = "" if decision.opposite in gone.ids else decision.opposite
    change = {"reason": reason, "opposite": opposite, "proposal": None if lost else proposal}
    return decision.model_copy(update=change)


def _without_ids(text: str, gone: Gone) -> str:
    return _ID.sub(lambda id: FORGOTTEN if id[0] in gone.ids else id[0], text)


@_without.register
def _(record: Episode, gone: Gone) -> Episode:
    learned = [each for each in record.learned if each.id not in gone.ids and not gone.has(record, each.title)]
    change = {
        "recall_id": "" if record.recall_id in gone.ids else record.recall_id,
        **{name: gone.left(getattr(record, name)) for name in ("used_ids", "helped_ids", "wrong_ids", "unfit_ids")},
        "flagged_ids": gone.left(record.flagged_ids),
        "learned": learned,
        "judgement": _judged(record.judgement, gone, taught=len(learned) < len(record.learned)),
    }
    return record.model_copy(update=change)


@_without.register
def _(record: Run, gone: Gone) -> Run:
    learned = [each for each in record.learned if each.id not in gone.ids and not gone.has(record, each.title)]
    kept = [hit for hit in record.recalled if hit.id not in gone.ids and not gone.has(record, hit.model_dump_json())]
    attempts = gone.attempts.get(record.id, frozenset())
    change = {
        "recall_id": "" if record.recall_id in gone.ids else record.recall_id,
        "recalled": [_hit_without(hit, gone) for hit in kept],
        "learned": learned,
        "best_attempt": 0 if record.best_attempt in attempts else record.best_attempt,
        # a comparison quotes all attempts
        "comparison": "" if attempts else _judged(record.comparison, gone, taught=len(learned) < len(record.learned)),
    }
    return record.model_copy(update=change)


def _hit_without(hit: Hit, gone: Gone) -> Hit:
    proposals = [each for each in hit.proposals if each.proposed_by not in gone.ids]
    return hit.model_copy(update={"contradicts": gone.left(hit.contradicts), "proposals": proposals})


@_without.register
def _(record: Recall, gone: Gone) -> Recall:
    lists = ("strategy_ids", "listed_ids", "opened_ids", "held_out_ids", "sure_ids", "echoed_ids")
    change: dict[str, Any] = {name: gone.left(getattr(record, name)) for name in lists}
    change["answered_by"] = "" if record.answered_by in gone.ids else record.answered_by
    return record.model_copy(update=change)


def _is_copied(strategy: Strategy, gone: Gone) -> bool:
    """Return whether the source task is that of a record that goes, and of none that stays and taught the strategy too."""
    taught_by = [*strategy.episode_ids, *strategy.run_ids]
    left = gone.left(taught_by)
    if strategy.source_task in {gone.kept_tasks[id] for id in left if id in gone.kept_tasks}:
        return False
    return strategy.source_task in gone.tasks or bool(taught_by and not left)


def _judged(judgement: str, gone: Gone, *, taught: bool) -> str:
    """Return a judgement as JSON without the drafts of strategies that go, or and without all if it `taught` one in others."""
    try:
        fields: dict[str, Any] = json.loads(judgement or '{"strategies": []}')
        drafts = list[dict[str, str]](fields["strategies"])
    except (ValueError, LookupError, TypeError):  # it is no judgement, so nothing can be taken out of it
        return "" if taught or any(words in judgement for words in gone.words) else judgement
    kept = [
        {name: said for name, said in draft.items() if name != "amends" or said not in gone.ids}
        for draft in drafts
        if not gone.words & set(draft.values())
    ]
    if not drafts or (kept == drafts and not taught):
        return judgement
    fields["strategies"] = [] if taught and len(kept) == len(drafts) else kept
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
