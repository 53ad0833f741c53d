"""Puts the strategies of a judgement in the bank: beside the known ones, or into one that says the same.

place ─▶ what stands near each draft ─▶ plan, which reads and writes nothing ─▶ commit
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Literal

from strategy_bank.store.records import LearnedStrategy, Strategy
from strategy_bank.tools.consolidation.merge import linked, opposites, same_lesson, shared, supported, survivor
from strategy_bank.tools.consolidation.undecided import UndecidedPair, undecided_pairs

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy
    from strategy_bank.tools.consolidation.neighbours import Neighbour


@dataclass(frozen=True)
class Draft:
    """A strategy of a judgement, and what is near it: strategies of its scope, earlier drafts, and those of other scopes."""

    embedded: "EmbeddedStrategy"
    known: "Sequence[Neighbour]" = ()
    earlier: "Sequence[Neighbour]" = ()
    elsewhere: "Sequence[Neighbour]" = ()


@dataclass(frozen=True)
class Plan:
    """The changes that a judgement makes in the bank. `learned` leaves out what is quarantined: nobody is told of it."""

    added: Mapping[str, "EmbeddedStrategy"] = field(default_factory=dict[str, "EmbeddedStrategy"])
    amended: Mapping[str, Strategy] = field(default_factory=dict[str, Strategy])
    learned: Sequence[LearnedStrategy] = ()
    undecided: Sequence[UndecidedPair] = ()

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
        return Plan(added, amended, (*self.learned, *_learned(new, new, "added")), undecided)

    def merging(self, new: Strategy, old: Strategy) -> "Plan":
        """Return the plan with the draft's provenance in the old strategy, which may be an earlier draft."""
        amended = dict(self.amended)
        if old.id not in self.added:
            amended[old.id] = shared(supported(amended.get(old.id, old), new), new.scope)
        return replace(self, amended=amended, learned=(*self.learned, *_learned(new, old, "merged")))


def plan(drafts: Sequence[Draft], survivors: Mapping[str, Strategy], used: Sequence[Strategy] = ()) -> Plan:
    """Decide for each draft whether it is added or merged.

    `survivors` has the strategy that took in a known one, by the id of that one; `used` those whose counters have moved.
    """
    made = Plan(amended={strategy.id: strategy for strategy in used})
    for draft in drafts:
        near = [*draft.known, *(each for each in draft.earlier if each.strategy.id in made.added)]
        new = draft.embedded.strategy
        same = same_lesson(new, near) or same_lesson(new, _general(new, draft.elsewhere))
        made = made.merging(new, survivors.get(same.id, same)) if same else made.adding(draft, near)
    return made


def _general(new: Strategy, elsewhere: "Sequence[Neighbour]") -> "Sequence[Neighbour]":
    """Return what may be the same lesson in another project: a fact of one project is none of another's."""
    return [each for each in elsewhere if new.holds == each.strategy.holds == "generally"]


async def place(bank: "Bank", embedded: "Sequence[EmbeddedStrategy]", used: Sequence[Strategy] = ()) -> Plan:
    """Add or merge each strategy within a step, and write those that were used; return what was done."""
    from strategy_bank.tools.consolidation.neighbours import Neighbourhood  # brings numpy, which a server loads late

    near = Neighbourhood(bank)
    drafts = [
        Draft(item, await near.of(item), await near.among(item, embedded[:number]), await near.elsewhere(item))
        for number, item in enumerate(embedded)
    ]
    known = [each.strategy for draft in drafts for each in (*draft.known, *draft.elsewhere)]
    made = plan(drafts, {strategy.id: await survivor(bank, strategy) for strategy in known}, used)
    await _commit(bank, made)
    return made


async def _commit(bank: "Bank", made: Plan) -> None:
    """Write the plan; two commits at most, whatever the number of strategies."""
    amended = dict(made.amended)
    if await bank.add_strategies(list(made.added.values())) < len(made.added):
        # somebody else added the same one at the same moment
        for old in await bank.all(Strategy, id=list(made.added)):
            amended[old.id] = supported(amended.get(old.id, old), made.added[old.id].strategy)
    await bank.amend(list(amended.values()))


def _learned(new: Strategy, kept: Strategy, action: Literal["added", "merged"]) -> list[LearnedStrategy]:
    return [LearnedStrategy(id=kept.id, title=kept.title, action=action)] if new.status == "active" else []
