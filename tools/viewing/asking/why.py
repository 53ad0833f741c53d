"""Why a recall finds what it finds: each lesson that it looked at, the parts of its score, and the reason in words.

It is what an agent would get for the task, made by the same functions, and nothing is noted of it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from strategy_bank.store.errors import InvalidInput, NotFound
from strategy_bank.store.records import Strategy
from strategy_bank.store.retrieval.explanation import Considered, Explained, Parts, Place
from strategy_bank.store.retrieval.ranking import LISTED
from strategy_bank.tools.named_ids import check_id
from strategy_bank.tools.recall_strategies import (
    CHARS_A_TOKEN,
    SURE_WHEN_STUCK,
    RecallResult,
    is_unread,
    nothing_when_stuck,
    reply,
    reply_when_stuck,
    short,
    sought_when_stuck,
)
from strategy_bank.tools.viewing.asking.reasons import (
    KEPT_BACK,
    Kept,
    Reason,
    kept_in_words,
    reason_in_words,
    summary,
    would_be,
)

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.scopes.registry import Scope

TASK_CHARS = 8_000
MISSED = 20  # of those that just missed, the best
NO_RECALL = "rc_0000000000000000"  # an id of the same length as a real one


@dataclass(frozen=True)
class Looked:
    """A lesson, where a recall of the task puts it, and why."""

    id: str
    title: str
    description: str
    outcome: str
    scope: str
    helped: int
    hurt: int
    place: Place
    reason: Reason
    words: str  # the reason
    parts: Parts

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Why:
    """What an agent would get for a task, and why. `result` has a made-up recall_id where anything is found."""

    task: str
    stuck_on: str
    scope: str
    limit: int
    result: RecallResult
    text: str  # what the agent reads
    summary: str
    looked_at: int  # lessons that the searches found
    full: list[Looked]
    listed: list[Looked]
    missed: list[Looked]  # the best of the others
    kept_back: list[Looked]  # that would be listed by their own scores if they were let in
    about: Looked | None = None  # the lesson that was asked about, wherever it stands

    @property
    def tokens(self) -> int:
        """About how many tokens the agent reads, at four characters each."""
        return -(-len(self.text) // CHARS_A_TOKEN)

    def as_json(self) -> dict[str, Any]:
        lists = ("full", "listed", "missed", "kept_back")
        plain = ("task", "stuck_on", "scope", "limit", "summary", "looked_at", "tokens", "text")
        return (
            {name: getattr(self, name) for name in plain}
            | {name: [each.as_json() for each in getattr(self, name)] for name in lists}
            | {"about": self.about.as_json() if self.about else None, "reply": self.result.model_dump(mode="json")}
        )


async def why(bank: "Bank", task: str, limit: int, scope: "Scope", *, stuck_on: str = "", about: str = "") -> Why:
    """Return what a recall of the task finds, and why; also of the lesson `about`, an id, wherever it stands.

    Somebody who is stuck gets nothing twice; here nothing was shown before. Raises InvalidInput, or NotFound for an unknown id.
    """
    if not (task or stuck_on) or max(len(task), len(stuck_on)) > TASK_CHARS:
        raise InvalidInput(f"A task has 1 to {TASK_CHARS:,} characters, this one has {len(task or stuck_on):,}.")
    if about:
        check_id("about", "st", about)
        if not await bank.count(Strategy, id=about):
            raise NotFound(f"There is no strategy {about!r} in this bank.")
    sought = sought_when_stuck(task, stuck_on) if stuck_on else task
    found = await bank.explained(sought, scope.readable, limit, [about] if about else [])
    if stuck_on:
        result = _when_stuck(found, limit, scope)
    else:
        result = await reply(bank, NO_RECALL, task, scope, short(found.menu))
    looked = [_looked(each, found, result, limit, bool(stuck_on)) for each in found.considered]
    aside = await _aside(bank, found, scope)
    named = next((each for each in [*looked, *aside] if each.id == about), None)
    missed = [each for each in looked if each.place == "missed"]
    unread = not found.can_read and await is_unread(bank, sought, scope)
    return Why(
        task=task,
        stuck_on=stuck_on,
        scope=scope.name,
        limit=limit,
        result=result,
        text=result.as_text(),
        summary=summary(found, result, unread=unread),
        looked_at=len(looked),
        full=_in_order(looked, [hit.id for hit in result.strategies]),
        listed=_in_order(looked, [other.id for other in result.others]),
        missed=missed[:MISSED],
        kept_back=[each for each in aside if each.reason in KEPT_BACK and each.parts.relevance >= LISTED],
        about=named,
    )


def _when_stuck(found: Explained, limit: int, scope: "Scope") -> RecallResult:
    sure = [hit for hit in found.menu.full if hit.relevance >= SURE_WHEN_STUCK][:limit]
    return reply_when_stuck(NO_RECALL, scope, sure) if sure else nothing_when_stuck(scope)


def _in_order(looked: Sequence[Looked], ids: Sequence[str]) -> list[Looked]:
    by_id = {each.id: each for each in looked}
    return [by_id[id] for id in ids]


def _looked(each: Considered, found: Explained, result: RecallResult, limit: int, stuck: bool) -> Looked:
    """Say where a lesson stands in the reply, which may leave out what the bank found."""
    shown = {hit.id for hit in result.strategies} | {other.id for other in result.others}
    place, reason = each.place, each.cause
    if place != "missed" and each.row["id"] not in shown:
        place, reason = "missed", "only_sure" if stuck else "no_room"
    elif stuck and place == "missed" and reason != "nothing_fits":
        reason = "only_sure"
    return _told(each, place, reason, reason_in_words(each, reason, limit))


async def _aside(bank: "Bank", found: Explained, scope: "Scope") -> list[Looked]:
    """Say why lessons were not looked at, and where they would stand."""
    ids = [each.row["id"] for each in found.aside]
    there = {each.id: each for each in await bank.all(Strategy, id=ids)} if ids else {}
    fits = bool(found.menu.full or found.menu.others)
    told = list[Looked]()
    for each in found.aside:
        if strategy := there.get(each.row["id"]):
            reason = _kept_for(strategy, scope, can_read=found.can_read)
            words = f"{kept_in_words(reason, strategy, scope.name, each, found.least)} {would_be(each, fits=fits)}"
            told.append(_told(each, "aside", reason, words))
    return told


def _kept_for(strategy: Strategy, scope: "Scope", *, can_read: bool) -> Kept:
    if strategy.status != "active":
        return strategy.status
    if strategy.scope not in scope.names:
        return "other_scope"
    if not scope.reads(strategy):
        return "not_given"
    return "far" if can_read else "unread"


def _told(each: Considered, place: Place, reason: Reason, words: str) -> Looked:
    row = each.row
    return Looked(
        id=row["id"],
        title=row["title"],
        description=row["description"],
        outcome=row["outcome"],
        scope=row["scope"],
        helped=row["helped"],
        hurt=row["hurt"],
        place=place,
        reason=reason,
        words=words,
        parts=each.parts,
    )
