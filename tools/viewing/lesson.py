"""Everything that the bank knows of one lesson, for a person who looks at it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import anyio
from pydantic_core import from_json

from strategy_bank.store.errors import NotFound
from strategy_bank.store.records import Episode, LessonAction, Proposal, Run, Strategy, Verdict
from strategy_bank.tools.consolidation.likeness import NEAR
from strategy_bank.tools.consolidation.merge import merged_into, merged_into_id
from strategy_bank.tools.learning.credit import interval
from strategy_bank.tools.viewing.shown import Shown, shown
from strategy_bank.tools.viewing.states import state_of
from strategy_bank.tools.viewing.wordings import Changes, Former, former_wordings, proposed

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy

WORDINGS = 20  # former wordings that are compared, unless all are asked for
_OF_A_TEACHER = ["task", "verdict", "judge", "client", "session", "scope", "sources", "learned", "run_id"]
_OF_A_RUN = ["task", "scope", "mode", "attempts", "status", "best_attempt", "session", "learned"]


@dataclass(frozen=True)
class Teacher:
    """An episode that taught the lesson, and how: `action` is empty where the episode does not say it any more."""

    id: str
    at: datetime
    task: str
    scope: str
    verdict: Verdict | None
    judge: str
    client: str
    session: str
    sources: Sequence[str]
    run_id: str
    action: LessonAction | None


@dataclass(frozen=True)
class Comparison:
    """A run whose comparison taught the lesson."""

    id: str
    at: datetime
    task: str
    scope: str
    mode: str
    attempts: int
    best_attempt: int
    session: str
    action: LessonAction | None


@dataclass(frozen=True)
class Use:
    """A judged episode that used the lesson and counts; `pardoned`: it counts against the lesson no more."""

    id: str
    at: datetime
    task: str
    verdict: Verdict | None
    session: str
    pardoned: bool


@dataclass(frozen=True)
class Neighbour:
    """Another lesson beside this one. `cosine` says how near the texts are, and is None where nobody compared them."""

    strategy: Strategy
    cosine: float | None = None

    @property
    def state(self) -> str:
        return state_of(self.strategy)


@dataclass(frozen=True)
class Record:
    """How tasks went that used the lesson. `low` and `high` are Wilson's 95 % interval of the share that succeeded."""

    helped: int
    hurt: int
    low: float
    high: float


@dataclass(frozen=True)
class Lesson:
    """A lesson with all that belongs to it.

    `near` has none that were merged into it; `merged_into` is the id of the lesson that says the same in its place.
    """

    strategy: Strategy
    state: str
    record: Record
    teachers: Sequence[Teacher]
    comparisons: Sequence[Comparison]
    uses: Sequence[Use]
    former: Sequence[Former]
    proposals: Sequence[tuple[Proposal, Changes]]
    near: Sequence[Neighbour]
    contrary: Sequence[Neighbour]
    merged: Sequence[Neighbour]
    merged_into: str
    shown: Shown


async def lesson(bank: "Bank", id: str, *, page: int = 1, all_wordings: bool = False) -> Lesson:
    """Return a lesson with a page of the recalls that had it. Raises NotFound."""
    items = await bank.embedded(id=id)
    if not items:
        raise NotFound(f"There is no lesson {id!r} in this bank. It may have been forgotten.")
    item = items[0]
    strategy = item.strategy
    found: dict[str, Any] = {}

    async def read(name: str, what: Any, *given: Any) -> None:
        found[name] = await what(bank, *given)

    async with anyio.create_task_group() as group:  # most of each is waiting
        group.start_soon(read, "shown", shown, id, page)
        group.start_soon(read, "teachers", _teachers, strategy)
        group.start_soon(read, "comparisons", _comparisons, strategy)
        group.start_soon(read, "uses", _uses, strategy)
        group.start_soon(read, "near", _near, item)
        group.start_soon(read, "contrary", _contrary, strategy)
        group.start_soon(read, "merged", _merged, strategy)
    return Lesson(
        strategy=strategy,
        state=state_of(strategy),
        record=record_of(strategy),
        former=former_wordings(strategy, len(strategy.revisions) if all_wordings else WORDINGS),
        proposals=proposed(strategy),
        merged_into=merged_into_id(strategy.status_reason) or "" if strategy.status == "retired" else "",
        **found,
    )


def record_of(strategy: Strategy) -> Record:
    return Record(strategy.helped, strategy.hurt, *interval(strategy.helped, strategy.helped + strategy.hurt))


async def _teachers(bank: "Bank", strategy: Strategy) -> list[Teacher]:
    if not strategy.episode_ids:
        return []
    rows = await bank.cells(Episode, _OF_A_TEACHER, id=strategy.episode_ids)
    return [
        Teacher(
            id=row["id"],
            at=row["created_at"],
            task=row["task"],
            scope=row["scope"],
            verdict=row["verdict"],
            judge=row["judge"] or "",
            client=row["client"] or "",
            session=row["session"] or "",
            sources=row["sources"] or (),
            run_id=row["run_id"] or "",
            action=_action(row, strategy.id),
        )
        for row in rows
    ]


async def _comparisons(bank: "Bank", strategy: Strategy) -> list[Comparison]:
    if not strategy.run_ids:
        return []
    rows = await bank.cells(Run, _OF_A_RUN, id=strategy.run_ids)
    return [
        Comparison(
            id=row["id"],
            at=row["created_at"],
            task=row["task"],
            scope=row["scope"],
            mode=row["mode"],
            attempts=row["attempts"],
            best_attempt=row["best_attempt"] or 0,
            session=row["session"] or "",
            action=_action(row, strategy.id),
        )
        for row in rows
    ]


def _action(row: Mapping[str, Any], id: str) -> LessonAction | None:
    """Return what an episode or a run did to a lesson, as it says itself."""
    learned: list[dict[str, Any]] = from_json(row["learned"] or "[]")
    return next((each["action"] for each in learned if each["id"] == id), None)


async def _uses(bank: "Bank", strategy: Strategy) -> list[Use]:
    """Return what counts for and against a lesson, the newest first."""
    if not strategy.credited_by:
        return []
    rows = await bank.cells(Episode, ["task", "verdict", "session"], id=strategy.credited_by)
    pardoned = set(strategy.pardoned)
    return [
        Use(row["id"], row["created_at"], row["task"], row["verdict"], row["session"] or "", row["id"] in pardoned)
        for row in reversed(rows)
    ]


async def _near(bank: "Bank", item: "EmbeddedStrategy") -> list[Neighbour]:
    from strategy_bank.store.lance.filters import Other  # brings LanceDB, which a server loads late

    found = await bank.nearest(item, id=Other(item.strategy.id))
    into = merged_into(item.strategy.id)
    return [
        Neighbour(each.strategy, cosine)
        for each, cosine in found
        if cosine >= NEAR and each.strategy.status_reason != into
    ]


async def _contrary(bank: "Bank", strategy: Strategy) -> list[Neighbour]:
    ids = strategy.contradicts
    return [Neighbour(each) for each in await bank.all(Strategy, id=ids)] if ids else []


async def _merged(bank: "Bank", strategy: Strategy) -> list[Neighbour]:
    said = await bank.all(Strategy, status="retired", status_reason=merged_into(strategy.id))
    return [Neighbour(each) for each in said]
