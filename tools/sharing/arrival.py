"""Records that arrive from a file: cleaned like a report, and believed in what only this bank can know if they are its own.

    a line ─▶ accept: secrets, orders, counters, ids ─▶ all lines are good ─▶ linked: ids that lead somewhere ─▶ the bank

An export of one's own bank is trusted with its counters, statuses, revisions and ids. Of anybody else's, a strategy begins as
one that was told once and used never; ids that are made of content are made anew, so that none can stand for other words.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from strategy_bank.store.records import (
    CLIENT_CHARS,
    SOURCES_KEPT,
    Episode,
    Hit,
    LearnedStrategy,
    Proposal,
    Recall,
    Record,
    Revision,
    Run,
    StatusChange,
    Strategy,
    Trust,
    Worded,
    content_id,
    wording,
)
from strategy_bank.store.transfer.line_bounds import is_id
from strategy_bank.tools.consolidation.merge import merged_into, merged_into_id
from strategy_bank.tools.judging.judgement import Comparison, Judgement
from strategy_bank.tools.learning.drafts import clean_words
from strategy_bank.tools.safety.admission import admitted, held
from strategy_bank.tools.safety.prompt_injection import read_as_orders
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.scopes.workspace import printable_name
from strategy_bank.tools.trajectory.text import strip_controls

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_MADE_OF_CONTENT = re.compile(r"(?:st|ep)_[0-9a-f]{16}")
_MERGED_ELSEWHERE = "was merged into one that did not come along"
# a correction that waits needs its witnesses, who are in the other bank
_FRESH: dict[str, object] = {
    "proposals": [],
    "support": 1,
    "helped": 0,
    "hurt": 0,
    "credited_by": [],
    "pardoned": [],
    "decisions": [],
    "revision": 0,
}
_BATCH = 100
R = TypeVar("R", Strategy, Episode)
W = TypeVar("W", Revision, Proposal)
L = TypeVar("L", Revision, Proposal, StatusChange)


@dataclass
class Arrival:
    """What has arrived so far. `scope`, if given, is that of every record; `trusted`: they come from this bank's own export.

    `trust` says what of anybody else's is recalled before a person has let it in.
    """

    scope: str = ""
    trusted: bool = False
    trust: Trust = "flagged"
    total: int = 0
    _orders: list[str] = field(default_factory=list[str])  # ids of strategies that read as orders, or are quarantined
    _renamed: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])  # old id → new id, scope
    _kept: dict[str, str] = field(
        default_factory=dict[str, str]
    )  # new id → the id that the bank has for the same words
    _known: set[str] = field(default_factory=set[str])  # ids of strategies that arrived or are there

    def accept(self, record: Record) -> Record:
        """Return the record as it may enter the bank. Raises ValueError."""
        self.total += 1
        if isinstance(record, Strategy):
            return self._strategy(record)
        if isinstance(record, Episode):
            return self._episode(record)
        return self._run(record) if isinstance(record, Run) else self._recall(record)

    @property
    def orders(self) -> list[str]:
        """The ids of the strategies that read as orders to the agent, or are quarantined."""
        return [self._id(id) for id in self._orders]

    async def look_around(self, bank: "Bank") -> None:
        """Learn which strategies there are, and keep the old id of what the bank holds in the same words."""
        self._known |= {row["id"] for row in await bank.cells(Strategy, [])}
        old = list(self._renamed)
        for start in range(0, len(old), _BATCH):
            for kind in (Strategy, Episode):
                for there in await bank.all(kind, id=old[start : start + _BATCH]):
                    self._keep_if_same(there)

    def linked(self, record: Record) -> Record:
        """Return the record with all its ids as the bank knows them, and without links that lead nowhere."""
        fields = type(record).model_fields.items()
        lists = [name for name, info in fields if info.annotation == list[str] and name != "sources"]
        ids = {name: self._ids(getattr(record, name)) for name in lists}
        named: dict[str, object] = {"id": self._id(record.id), **ids}
        if isinstance(record, Strategy):
            links = [id for id in ids["contradicts"] if id in self._known and id != named["id"]]
            named |= {"contradicts": links, "status_reason": self._reason(record, str(named["id"]))}
            named |= {"revisions": [self._linked(each, "replaced_by", "proposed_by") for each in record.revisions]}
            named |= {"proposals": [self._linked(each, "proposed_by") for each in record.proposals]}
            named |= {"decisions": [self._linked(each, "opposite") for each in record.decisions]}
        if isinstance(record, Episode | Run):
            named["learned"] = [each.model_copy(update={"id": self._id(each.id)}) for each in record.learned]
        if isinstance(record, Run):
            named["recalled"] = [each.model_copy(update={"id": self._id(each.id)}) for each in record.recalled]
        return record.model_copy(update=named)

    def _strategy(self, record: Strategy) -> Strategy:
        about = {"source_task": _lines(record.source_task), "status_reason": _one_line(record.status_reason)}
        former = {
            "revisions": self._cleaned(record.revisions),
            "proposals": self._cleaned(record.proposals),
            "decisions": [self._decision(each) for each in record.decisions],
        }
        change = {**_words(record), **about, **former, "scope": self._scope_of(record.scope), "session": ""}
        cleaned = record.model_copy(update=change)
        cleaned = self._with_own_id(cleaned if self.trusted else admitted(_unused(cleaned), self.trust))
        believed = self.trusted and cleaned.status == "active"
        if cleaned.status == "quarantined" or (believed and read_as_orders(cleaned.wording)):
            self._orders.append(cleaned.id)
        self._known.add(cleaned.id)
        return cleaned

    def _episode(self, record: Episode) -> Episode:
        cleaned = record.model_copy(
            update={
                "scope": self._scope_of(record.scope),
                "task": _lines(record.task),
                "trajectory": _lines(record.trajectory),
                "judgement": _valid(Judgement, record.judgement),
                "judge": _one_line(record.judge),
                "reason": _one_line(record.reason),
                "learned": _learned(record.learned),
                "run_id": record.run_id if is_id(record.run_id) else "",
                "recall_id": record.recall_id if is_id(record.recall_id) else "",
                "client": _one_line(record.client)[:CLIENT_CHARS],
                "session": "",
                "sources": list(dict.fromkeys(map(_one_line, record.sources)))[:SOURCES_KEPT],
                "revision": record.revision if self.trusted else 0,
            }
        )
        if not cleaned.task:
            raise ValueError("task: it is empty")
        return self._with_own_id(cleaned)

    def _run(self, record: Run) -> Run:
        return record.model_copy(
            update={
                "scope": self._scope_of(record.scope),
                "task": _lines(record.task),
                "comparison": _valid(Comparison, record.comparison),
                "reason": _one_line(record.reason),
                "learned": _learned(record.learned),
                "recalled": [hit for each in record.recalled for hit in self._hits(each)],
                "recall_id": record.recall_id if is_id(record.recall_id) else "",
                "session": "",
                "revision": record.revision if self.trusted else 0,
            }
        )

    def _recall(self, record: Record) -> Record:
        if not isinstance(record, Recall):
            raise ValueError("this kind of record cannot be added")
        changes = {"scope": self._scope_of(record.scope), "task": _lines(record.task)}
        return record.model_copy(update=changes | ({} if self.trusted else {"revision": 0}))

    def _hits(self, hit: Hit) -> list[Hit]:
        """Return what a brief may show of a recalled strategy: nothing of one that reads as orders, unless it is trusted."""
        words = _words(hit)
        if not self.trusted and read_as_orders("\n".join(words.values())):
            return []
        counters: dict[str, object] = {} if self.trusted else {"helped": 0, "hurt": 0, "proposals": []}
        return [hit.model_copy(update={**words, **counters, "scope": self._scope_of(hit.scope)})]

    def _cleaned(self, lessons: Sequence[W]) -> list[W]:
        """Return former or proposed words as a report would have them; none that read as orders, unless they are trusted."""
        cleaned = [each.model_copy(update=_words(each)) for each in lessons]
        return [each for each in cleaned if self.trusted or not read_as_orders(wording(*_words(each).values()))]

    def _decision(self, decision: StatusChange) -> StatusChange:
        """Return what a person decided with the words of a correction as a report would have them."""
        words = self._cleaned([decision.proposal] if decision.proposal else [])
        return decision.model_copy(update={"proposal": words[0] if words else None})

    def _linked(self, record: L, *names: str) -> L:
        """Return former or proposed words, or a decision, with the ids in these fields as the bank knows them."""
        ids = {name: getattr(record, name) for name in names}
        return record.model_copy(update={name: self._id(id) if is_id(id) else "" for name, id in ids.items()})

    def _scope_of(self, named: str) -> str:
        """Return a name that can be shown and stands for no path. Raises ValueError."""
        name = printable_name(self.scope or " ".join(named.split()))
        if not name or {".", ".."} & set(re.split(r"[/\\]", name)) or name.startswith(("/", "\\")):
            raise ValueError("scope: it is no name of a project")
        return name

    def _with_own_id(self, record: R) -> R:
        """Return the record with the id that its words have, where it has another one of that form."""
        own = _own_id(record)
        if record.id == own or not _MADE_OF_CONTENT.fullmatch(record.id) or (self.trusted and not self.scope):
            return record
        self._renamed.setdefault(record.id, (own, record.scope))
        return record.model_copy(update={"id": own})

    def _keep_if_same(self, there: Strategy | Episode) -> None:
        own, scope = self._renamed[there.id]
        if self.scope and there.scope != scope:  # the same words of another project
            return
        if _own_id(there.model_copy(update={"scope": scope})) == own:
            self._kept[own] = there.id

    def _id(self, id: str) -> str:
        own = self._renamed[id][0] if id in self._renamed else id
        return self._kept.get(own, own)

    def _ids(self, ids: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(self._id(id) for id in ids if is_id(id)))

    def _reason(self, strategy: Strategy, own_id: str) -> str:
        """Return why a strategy has its status, without a merge into itself or into one that is not there."""
        kept = merged_into_id(strategy.status_reason)
        if kept is None:
            return strategy.status_reason
        there = self._id(kept) in self._known and self._id(kept) != own_id
        return merged_into(self._id(kept)) if there else _MERGED_ELSEWHERE


def _unused(strategy: Strategy) -> Strategy:
    """Return a strategy of somebody else as one that was told once; quarantined where agents must not see it."""
    return held(strategy.model_copy(update=_FRESH))


def _words(lesson: Worded | Hit) -> dict[str, str]:
    """Return the words of a lesson as a report would have them. Raises ValueError where there are none."""
    cleaned = (redact(text).text for text in clean_words(lesson.title, lesson.description, lesson.content))
    words: dict[str, str] = dict(zip(("title", "description", "content"), cleaned, strict=True))
    if empty := [name for name, text in words.items() if not text]:
        raise ValueError(f"{empty[0]}: it is empty")
    return words


def _own_id(record: Strategy | Episode) -> str:
    """Return the id that follows from a record's words."""
    if isinstance(record, Strategy):
        return content_id("st", record.scope, record.title, record.description, record.content)
    parts = (record.scope, record.task, record.trajectory, record.run_id, str(record.attempt))
    return content_id("ep", *parts)


def _lines(text: str) -> str:
    return redact(strip_controls(text)).text


def _one_line(text: str) -> str:
    return _lines(" ".join(text.split()))


def _learned(items: Sequence[LearnedStrategy]) -> list[LearnedStrategy]:
    return [each.model_copy(update={"title": _one_line(each.title)}) for each in items]


def _valid(form: type[BaseModel], text: str) -> str:
    """Return stored JSON without secrets; empty where it is not of the form, which is what `show` and others rely on."""
    redacted = redact(text).text
    try:
        form.model_validate_json(redacted)
    except ValidationError:
        return ""
    return redacted
