"""Puts the strategies of a judgement in the bank: beside the known ones, or into one that says the same.

place ─▶ drafts that amend: corrections.py ─▶ what stands near each other one ─▶ plan, which reads and writes nothing ─▶ commit
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import reduce
from typing import TYPE_CHECKING, Literal

from strategy_bank.store.records import GLOBAL_SCOPE, LearnedStrategy, Strategy, now
from strategy_bank.tools.consolidation.amendment import same_words
from strategy_bank.tools.consolidation.merge import (
    accounts,
    linked,
    opposites,
    same_lesson,
    shared,
    supported,
    survivor,
)
from strategy_bank.tools.consolidation.undecided import UndecidedPair, undecided_pairs
from strategy_bank.tools.consolidation.witnesses import Account, Accounts, others_taught
from strategy_bank.tools.learning.corrections import Corrected, Corrections, corrected, free_ids
from strategy_bank.tools.safety.admission import A_DAY, within_a_day
from strategy_bank.tools.scopes.registry import Scope

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy
    from strategy_bank.tools.consolidation.neighbours import Neighbour, Neighbourhood


_MANY = (
    f"This session has taught {A_DAY} lessons within a day: further ones wait until a person lets them in "
    "(`strategy-bank review`)."
)
_KEPT = "Your words are kept as a lesson of their own."
_DROPPED = "Your words nearly say what it says, so they are not kept beside it."


@dataclass(frozen=True)
class Draft:
    """A strategy of a judgement, and what is near it: strategies of its scope, earlier drafts, and those of other scopes."""

    embedded: "EmbeddedStrategy"
    known: "Sequence[Neighbour]" = ()
    earlier: "Sequence[Neighbour]" = ()
    elsewhere: "Sequence[Neighbour]" = ()


@dataclass(frozen=True)
class Plan:
    """The changes that a judgement makes in the bank. `learned` leaves out what is quarantined: nobody is told of it.

    `reworded` has the ids of amended strategies that say something else now, `merged` the drafts that went into a known
    strategy, and `renamed` new ids by those of the drafts, where another strategy has theirs.
    """

    added: Mapping[str, "EmbeddedStrategy"] = field(default_factory=dict[str, "EmbeddedStrategy"])
    amended: Mapping[str, Strategy] = field(default_factory=dict[str, Strategy])
    learned: Sequence[LearnedStrategy] = ()
    undecided: Sequence[UndecidedPair] = ()
    reworded: Collection[str] = ()
    merged: Sequence[UndecidedPair] = ()
    renamed: Mapping[str, str] = field(default_factory=dict[str, str])
    warnings: Sequence[str] = ()
    told: Accounts = field(default_factory=dict[str, Account])  # the reports that taught the known strategies

    def adding(self, draft: Draft, near: "Sequence[Neighbour]") -> "Plan":
        """Return the plan with the draft beside the known strategies, linked with its opposites in both directions."""
        against = opposites(draft.embedded.strategy, near)
        new = reduce(linked, against, draft.embedded.strategy)
        added, amended = dict(self.added), dict(self.amended)
        for each in against:
            if each.id in added:
                added[each.id] = replace(added[each.id], strategy=linked(added[each.id].strategy, new))
            else:
                amended[each.id] = linked(amended.get(each.id, each), new)
        added[new.id] = replace(draft.embedded, strategy=new)
        undecided = (*self.undecided, *undecided_pairs(new, draft.known))
        learned = (*self.learned, *_learned(new, new, "added"))
        return replace(self, added=added, amended=amended, learned=learned, undecided=undecided)

    def merging(self, new: Strategy, old: Strategy) -> "Plan":
        """Return the plan with the draft's provenance in the old strategy, which may be an earlier draft."""
        amended = dict(self.amended)
        if old.id not in self.added:
            amended[old.id] = shared(supported(amended.get(old.id, old), new, self.told), new.scope)
        known = amended.get(old.id, self.added[old.id].strategy if old.id in self.added else old)
        merged = [UndecidedPair(new, known)] if new.status == "active" and not same_words(new, known) else []
        learned = (*self.learned, *_learned(new, old, "merged"))
        return replace(self, amended=amended, learned=learned, merged=(*self.merged, *merged))


def plan(
    drafts: Sequence[Draft],
    survivors: Mapping[str, Strategy],
    used: Sequence[Strategy] = (),
    begun: Plan | None = None,
) -> Plan:
    """Decide for each draft whether it is added or merged.

    `survivors` has the strategy that took in a known one, by the id of that one; `used` those whose counters have moved;
    `begun` is the plan so far.
    """
    made = begun or Plan(amended={strategy.id: strategy for strategy in used})
    for draft in drafts:
        near = [*draft.known, *(each for each in draft.earlier if each.strategy.id in made.added)]
        new = draft.embedded.strategy
        same = same_lesson(new, near) or same_lesson(new, _general(new, draft.elsewhere, made.told))
        made = made.merging(new, survivors.get(same.id, same)) if same else made.adding(draft, near)
    return made


def _general(new: Strategy, elsewhere: "Sequence[Neighbour]", told: Accounts) -> "Sequence[Neighbour]":
    """Return what may be the same lesson in another project: a fact of one project is none of another's.

    Nor is one that the same session taught there: it does not make it global by saying it in two projects.
    """
    general = [each for each in elsewhere if new.holds == each.strategy.holds == "generally"]
    return [each for each in general if each.strategy.scope == GLOBAL_SCOPE or others_taught(each.strategy, new, told)]


async def place(
    bank: "Bank",
    embedded: "Sequence[EmbeddedStrategy]",
    used: Sequence[Strategy] = (),
    corrections: Corrections | None = None,
) -> Plan:
    """Add, merge or amend with each strategy within a step, and write those that were used; return what was done."""
    from strategy_bank.tools.consolidation.neighbours import Neighbourhood  # brings numpy, which a server loads late

    near = Neighbourhood(bank)
    done = await corrected(bank, near, embedded, corrections, used) if corrections else Corrected.of(used)
    left = [item for item in embedded if item.strategy.id not in {*done.learned, *done.dropped}]
    renamed = await free_ids(bank, [item.strategy for item in left])
    left, held = await _within_a_day(bank, [_renamed(item, renamed) for item in left])
    drafts = [
        Draft(item, await near.of(item), await near.among(item, left[:number]), await _elsewhere(bank, near, item))
        for number, item in enumerate(left)
    ]
    known = [each.strategy for draft in drafts for each in (*draft.known, *draft.elsewhere)]
    survivors = {strategy.id: await survivor(bank, strategy) for strategy in known}
    begun = Plan(
        told=await accounts(bank, _likely(drafts, survivors)),
        amended=done.strategies,
        reworded=done.reworded,
        learned=list(done.learned.values()),
        renamed=renamed,
        warnings=[f"{why} {_DROPPED if id in done.dropped else _KEPT}" for id, why in done.refused.items()],
    )
    made = plan(drafts, survivors, begun=begun)
    await _commit(bank, made)
    return replace(made, warnings=[*made.warnings, *([_MANY] if held & made.added.keys() else [])])


async def _within_a_day(
    bank: "Bank", drafts: "Sequence[EmbeddedStrategy]"
) -> "tuple[list[EmbeddedStrategy], set[str]]":
    """Return the drafts, those waiting that are too many of their session within a day, and the ids of these.

    They are counted under the lock: reports that a session sends at once would not see each other's before.
    """
    from strategy_bank.store.lance.filters import Since

    session = drafts[0].strategy.session if drafts else ""
    if not session:
        return list(drafts), set()
    taught = await bank.count(Strategy, session=session, created_at=Since(now() - timedelta(days=1)))
    bounded = within_a_day([item.strategy for item in drafts], taught)
    held = {each.id for each, item in zip(bounded, drafts, strict=True) if each.status != item.strategy.status}
    return [replace(item, strategy=each) for item, each in zip(drafts, bounded, strict=True)], held


def _likely(drafts: Sequence[Draft], survivors: Mapping[str, Strategy]) -> list[Strategy]:
    """Return the known strategies that a draft may go into; who taught the others does not matter."""
    near = [(draft.embedded.strategy.id, each) for draft in drafts for each in (*draft.known, *draft.elsewhere)]
    likely = [each.strategy for id, each in near if each.likeness.same or each.strategy.id == id]
    return [each for known in likely for each in (known, survivors[known.id])]


async def _elsewhere(bank: "Bank", near: "Neighbourhood", item: "EmbeddedStrategy") -> "list[Neighbour]":
    """Return what is near in other scopes; where projects are kept apart, only what this one reads in `global`."""
    found = await near.elsewhere(item)
    own = Scope(item.strategy.scope, apart=True)
    return [each for each in found if own.reads(each.strategy)] if bank.location.apart else found


def _renamed(item: "EmbeddedStrategy", ids: Mapping[str, str]) -> "EmbeddedStrategy":
    strategy = item.strategy
    return replace(item, strategy=strategy.model_copy(update={"id": ids.get(strategy.id, strategy.id)}))


async def _commit(bank: "Bank", made: Plan) -> None:
    """Write the plan; three commits at most, whatever the number of strategies."""
    amended = dict(made.amended)
    if await bank.add_strategies(list(made.added.values())) < len(made.added):
        # somebody else added the same one at the same moment
        there = await bank.all(Strategy, id=list(made.added))
        told = await accounts(bank, there)
        for old in there:
            amended[old.id] = supported(amended.get(old.id, old), made.added[old.id].strategy, told)
    reworded = [amended.pop(id) for id in sorted(made.reworded)]
    await bank.amend(list(amended.values()))
    if reworded:
        await bank.amend_embedded(await bank.embed(reworded))


def _learned(new: Strategy, kept: Strategy, action: Literal["added", "merged"]) -> list[LearnedStrategy]:
    if new.status == "quarantined":
        return []
    waits = new.status == kept.status == "waiting"
    return [LearnedStrategy(id=kept.id, title=kept.title, action="waiting" if waits else action)]
