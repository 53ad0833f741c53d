"""The drafts of a report that amend known lessons: which of them may, and what becomes of those lessons.

A draft that may not amend what it names is a lesson of its own if it says something else. One that nearly says the same is
dropped: it would stand beside that lesson as a copy, whoever sends it and however often. It is kept in the episode's judgement.

All of this happens within the step that settles the report, so that two reports cannot both find a lesson fresh.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from strategy_bank.store.records import (
    GLOBAL_SCOPE,
    Episode,
    LearnedStrategy,
    Proposal,
    Run,
    Strategy,
    content_id,
    wording,
)
from strategy_bank.tools.consolidation.amendment import CLOSE, Amendment, Around, Witness, amended, same_words
from strategy_bank.tools.consolidation.merge import accounts, survivor
from strategy_bank.tools.judging.judgement import StrategyDraft
from strategy_bank.tools.learning.drafts import Drafted
from strategy_bank.tools.learning.shown import shown_to
from strategy_bank.tools.scopes.registry import Scope

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy
    from strategy_bank.tools.consolidation.neighbours import Neighbourhood

MOST = 3
"""Lessons that one report may change."""
ANOTHER_TASK = 0.95
"""Cosine of two tasks from which the second is the first in other words. Two held-out projects' 170 tasks are all below .68;
tasks of one kind, such as boiling tin and boiling lead in the same words, are at .77 to .97 (bench/agents)."""
_WORDS = ("title", "description", "content")
_CHANGES = ("amended", "proposed", "waiting")


@dataclass(frozen=True)
class Corrections:
    """What a report wants to amend: the ids of known lessons by those of its drafts, and which lessons it may name."""

    by: Witness
    amends: Mapping[str, str] = field(default_factory=dict[str, str])
    shown: Collection[str] = ()
    changed: Collection[str] = ()  # ids of lessons that the same report changed earlier
    flagged: Collection[str] = ()  # ids of drafts that carry literals of the task


@dataclass
class Corrected:
    """What became of it: known strategies as they now stand, by their ids, and which of them have other words."""

    strategies: dict[str, Strategy] = field(default_factory=dict[str, Strategy])
    reworded: set[str] = field(default_factory=set[str])
    learned: dict[str, LearnedStrategy] = field(default_factory=dict[str, LearnedStrategy])  # by the id of the draft
    refused: dict[str, str] = field(default_factory=dict[str, str])  # what the reporter is told, by the id of the draft
    dropped: set[str] = field(default_factory=set[str])  # ids of refused drafts that nearly say what they would amend

    @classmethod
    def of(cls, used: Sequence[Strategy]) -> "Corrected":
        return cls({strategy.id: strategy for strategy in used})


async def corrected(
    bank: "Bank",
    near: "Neighbourhood",
    drafts: "Sequence[EmbeddedStrategy]",
    asked: Corrections,
    used: Sequence[Strategy] = (),
) -> Corrected:
    """Decide on each draft that amends something; `used` are strategies whose counters have moved. Writes nothing."""
    made = Corrected.of(used)
    changed = set(asked.changed)
    for draft in drafts:
        if not (named := asked.amends.get(draft.strategy.id)):
            continue
        known = await _known(bank, named, draft.strategy.scope)
        if known is None or named not in asked.shown:
            _refuse(made, named, draft, known, _NOT_SHOWN)
            continue
        id = known.strategy.id
        if bank.location.apart and known.strategy.scope == GLOBAL_SCOPE:
            _refuse(made, id, draft, known, "other projects read it, and projects are kept apart")
            continue
        stands = made.strategies.get(id, known.strategy)
        result = await _amended(bank, near, known, stands, draft, asked)
        if isinstance(result, str):
            _refuse(made, id, draft, known, result)
        elif result.action in _CHANGES and len(changed | {id}) > MOST:
            _refuse(made, id, draft, known, f"one report corrects at most {MOST}")
        else:
            made.strategies[id] = result.strategy
            made.reworded |= {id} if result.reworded else set()
            changed |= {id} if result.action in _CHANGES else set()
            title = result.strategy.title
            made.learned[draft.strategy.id] = LearnedStrategy(id=id, title=title, action=result.action)
    return made


_NOT_SHOWN = "no recall for this task has shown it; open it first another time, and give that recall_id"


def _refuse(made: Corrected, id: str, draft: "EmbeddedStrategy", known: "EmbeddedStrategy | None", why: str) -> None:
    made.refused[draft.strategy.id] = f"{id} was not amended: {why}."
    if known is not None and float(known.text @ draft.text) >= CLOSE:
        made.dropped.add(draft.strategy.id)


async def known_wordings(bank: "Bank", drafts: Sequence[StrategyDraft], scope: str) -> dict[str, str]:
    """Return the wordings of the lessons that drafts amend, by their ids; of no other scope."""
    ids = list({draft.amends for draft in drafts if draft.amends})
    known = await bank.all(Strategy, id=ids, scope=[scope, GLOBAL_SCOPE]) if ids else []
    return {each.id: each.wording for each in known}


async def corrections_of(
    bank: "Bank", owner: Episode | Run, drafted: Drafted, session: str, *, decided: bool
) -> Corrections | None:
    """Return what the drafts of an episode or a run amend, of what its recall has shown; None if they amend nothing."""
    if not drafted.amends:
        return None
    by = Witness(owner.id, owner.task, session, decided)
    shown = await shown_to(bank, owner)
    return Corrections(by, drafted.amends, shown, changed_by(owner.learned), drafted.flagged_ids)


def changed_by(learned: Sequence[LearnedStrategy]) -> list[str]:
    """Return the ids of the lessons that a report with these fates has corrected."""
    return [each.id for each in learned if each.action in _CHANGES]


async def free_ids(bank: "Bank", drafts: "Sequence[Strategy]") -> dict[str, str]:
    """Return other ids for the drafts whose own id belongs to a strategy that says something else by now."""
    rows = await bank.cells(Strategy, _WORDS, id=[draft.id for draft in drafts]) if drafts else []
    stored = {row["id"]: wording(*(row[name] for name in _WORDS)) for row in rows}
    taken = [draft for draft in drafts if stored.get(draft.id, draft.wording) != draft.wording]
    return {draft.id: await _free_id(bank, draft) for draft in taken}


async def _free_id(bank: "Bank", draft: Strategy) -> str:
    number = 1
    while True:
        number += 1
        words = (draft.title, draft.description, draft.content)
        id = content_id("st", draft.scope, *words, str(number))
        there = await bank.find(Strategy, id)
        if there is None or there.wording == draft.wording:
            return id


async def _known(bank: "Bank", id: str, scope: str) -> "EmbeddedStrategy | None":
    """Return the active strategy that a scope knows by this id, or the one that it went into; None without one."""
    named = await bank.find(Strategy, id)
    if named is None:
        return None
    kept = await survivor(bank, named)
    readable = Scope(scope, apart=bank.location.apart).readable
    found = await bank.embedded(id=kept.id, status="active", scope=readable)
    return found[0] if found else None


async def _amended(
    bank: "Bank",
    near: "Neighbourhood",
    known: "EmbeddedStrategy",
    stands: Strategy,
    draft: "EmbeddedStrategy",
    asked: Corrections,
) -> Amendment | str:
    """Return what becomes of a known strategy, which `stands` as an earlier draft of the same report has left it."""
    if draft.strategy.id in asked.flagged:
        return "your words carry literals of this task"
    by, cosine, told = asked.by, float(known.text @ draft.text), await accounts(bank, [stands])
    if not stands.proposals:
        return amended(stands, draft.strategy, by, Around(cosine, told=told))
    by_id = {f"{stands.id} {number}": each for number, each in enumerate(stands.proposals)}
    embedded = await bank.embed([_as_strategy(each, stands, id) for id, each in by_id.items()])
    alike = [by_id[each.strategy.id] for each in await near.among(draft, embedded) if each.likeness.same]
    # the model runs here under the write lock, so only for those that could be confirmed
    same = [each for each in stands.proposals if each in alike or same_words(each, draft.strategy)]
    return amended(stands, draft.strategy, by, Around(cosine, alike, await _independent(bank, by, same), told))


def _as_strategy(proposal: Proposal, of: Strategy, id: str) -> Strategy:
    words = {name: getattr(proposal, name) for name in ("title", "description", "content")}
    return of.model_copy(update={**words, "id": id, "source_task": ""})


async def _independent(bank: "Bank", by: Witness, proposals: Sequence[Proposal]) -> list[str]:
    """Return the ids of the episodes and runs that proposed something in another task than this one's, and in another session.

    Nobody confirms himself with a task that he invents. Where the world reported the outcome, the session may be the same.
    """
    ids = [each.proposed_by for each in proposals]
    kinds: tuple[type[Episode | Run], ...] = (Episode, Run)
    rows = [row for kind in kinds for row in await bank.cells(kind, ["task", "session"], id=ids)] if ids else []
    tasks = {row["id"]: row["task"] for row in rows if by.decided or not by.session or row["session"] != by.session}
    if not tasks:
        return []
    own, *others = await bank.vectors([by.task, *tasks.values()])
    return [id for id, other in zip(tasks, others, strict=True) if float(own @ other) < ANOTHER_TASK]
