"""Whether new words may take the place of a known lesson's, and the lesson with them.

    far from it ─────────────────────────────▶ refused
    the same words ──────────────────────────▶ confirmed: its support grows
    fresh: told once, never used ────────────▶ amended: the new words stand, the former ones are a revision
    with a record, or of another project ─┬──▶ proposed: shown under it, not in its place
                                          └──▶ amended, once somebody independent proposes what says the same
    words that a person must let in ─────────▶ proposed: shown to nobody else, and confirmed by no report

The id, the counters and the origin stay whatever the words are. The functions are pure.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from strategy_bank.store.records import (
    GLOBAL_SCOPE,
    MOST_TAUGHT,
    REVISIONS_KEPT,
    LessonAction,
    Proposal,
    Revision,
    Strategy,
    Worded,
    now,
    wording,
)
from strategy_bank.tools.consolidation.merge import supported
from strategy_bank.tools.consolidation.witnesses import Account, Accounts, independent

CLOSE = 0.7
"""Least cosine of the texts at which new words correct a lesson and are no other one. Of 18 corrections of lessons that agents
drew (bench/consolidation/drawn) all lie above, of the pairs of its lessons that say different things one in twenty does."""
PROPOSALS_KEPT = 3
"""Corrections of one lesson that wait at the same time. More are refused, so that none pushes out another."""


@dataclass(frozen=True)
class Witness:
    """Who amends: an episode or a run by its id, and the task that it worked on.

    `session` is the connection that it came by, empty where nobody knows; `decided` says that the world reported the outcome.
    """

    id: str
    task: str
    session: str = ""
    decided: bool = False


@dataclass(frozen=True)
class Amendment:
    """What became of new words. `strategy` is the known one as it then stands, `reworded` whether it says something else."""

    strategy: Strategy
    action: LessonAction
    reworded: bool = False


@dataclass(frozen=True)
class Around:
    """What is known when a lesson is amended: the cosine of both texts, and what was proposed earlier."""

    cosine: float
    alike: Sequence[Proposal] = ()  # those that say what the new words say
    independent: Collection[str] = ()  # ids of who proposed something, and is a witness beside this one
    told: Accounts = field(default_factory=dict[str, Account])  # of those who taught the known one


def amended(known: Strategy, new: Strategy, by: Witness, around: Around) -> Amendment | str:
    """Return what becomes of the known strategy when a report gives it the words of a new one, or why it may not.

    Doing it again changes nothing more.
    """
    done = [each for each in known.revisions if each.replaced_by == by.id]
    if done and (same_words(known, new) or done[-1].proposed_by):
        return Amendment(known, "amended")
    if done:
        return "this report has corrected it already"
    if same_words(known, new):
        return Amendment(supported(known, new, around.told), "confirmed")
    if around.cosine < CLOSE:
        return "these words say something else"
    if new.holds == "here" and known.scope == GLOBAL_SCOPE:
        return "it is read by other projects, and this holds here only"
    new = new.model_copy(update={"holds": "here" if "here" in (known.holds, new.holds) else "generally"})
    if new.status == "active" and not _has_record(known, by, around.told) and known.scope == new.scope:
        return Amendment(
            reworded(supported(known, new, around.told), new, by.id, copied=new.copied), "amended", reworded=True
        )
    return _proposed(known, new, by, around)


def reworded(strategy: Strategy, words: Worded, by: str, proposed_by: str = "", copied: float = 0.0) -> Strategy:
    """Return the strategy with other words, `copied` of which were only read; the former ones become its newest revision."""
    former = Revision(
        title=strategy.title,
        description=strategy.description,
        content=strategy.content,
        holds=strategy.holds,
        replaced_by=by,
        proposed_by=proposed_by,
    )
    change = {
        "title": words.title,
        "description": words.description,
        "content": words.content,
        "holds": words.holds,
        "copied": copied,
        "revisions": [*strategy.revisions, former][-REVISIONS_KEPT:],
        "proposals": [each for each in strategy.proposals if not same_words(each, words)],
        "updated_at": former.replaced_at,
    }
    return strategy.model_copy(update=change)


def same_words(one: Worded, other: Worded) -> bool:
    """Return whether two lessons have the same words, whatever their case and spaces."""
    return _words(one) == _words(other)


def _words(lesson: Worded) -> list[str]:
    return wording(lesson.title, lesson.description, lesson.content).casefold().split()


def _has_record(known: Strategy, by: Witness, told: Accounts) -> bool:
    """Return whether others than this reporter have used the strategy, or two of them have told it."""
    others = independent([told[id] for id in known.episode_ids if id in told and id != by.id], MOST_TAUGHT)
    support = known.support - (by.id in known.episode_ids or by.id in known.run_ids)
    return max(support, len(others)) >= 2 or (known.helped + known.hurt >= 1 and known.credited_by != [by.id])


def _proposed(known: Strategy, new: Strategy, by: Witness, around: Around) -> Amendment | str:
    """Return the strategy in the words of a proposal that this one confirms, else with one more proposal.

    The first proposal's words stand: whoever confirms it has seen them, and nobody has seen those of the second.
    """
    others = [each for each in known.proposals if each.proposed_by != by.id]
    waits = new.status == "waiting"
    alike = [each for each in others if each.waits == waits and (same_words(each, new) or each in around.alike)]
    for each in alike:
        if not waits and each.proposed_by in around.independent:
            confirmed = reworded(supported(known, new, around.told), each, by.id, each.proposed_by, new.copied)
            return Amendment(confirmed, "amended", reworded=True)
    action: LessonAction = "waiting" if waits else "proposed"
    if alike:
        return Amendment(known, action)
    if len(others) >= PROPOSALS_KEPT:
        return f"{PROPOSALS_KEPT} other corrections of it wait for a second task already"
    own = Proposal(
        title=new.title,
        description=new.description,
        content=new.content,
        holds=new.holds,
        proposed_by=by.id,
        waits=waits,
    )
    if any(same_words(each, own) for each in known.proposals):
        return Amendment(known, action)
    return Amendment(known.model_copy(update={"proposals": [*others, own], "updated_at": now()}), action)
