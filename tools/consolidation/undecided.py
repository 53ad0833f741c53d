"""Undecided pairs: two strategies of which likeness cannot tell whether they say the same.

    placement.py ─▶ undecided_pairs ─▶ decide ─┬▶ the endpoint says that they do ───────────────────────────────▶ merge
                                               └▶ question, in the reply ─▶ report_outcome(same_as) ─▶ answer ─▶ merge

Their owner is the episode or the run that taught the new one. Both strategies are in the bank before anybody is asked, so
nothing is lost when nobody answers.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from strategy_bank.store.errors import InvalidInput, JudgeFailed
from strategy_bank.store.records import Episode, LearnedStrategy, Run, Strategy
from strategy_bank.tools.consolidation.merge import Owner, merge, merged_into, naming_kept, same_lesson
from strategy_bank.tools.judging.judge import Judge
from strategy_bank.tools.prompting import fence, render
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.scopes.registry import Scope, visible_strategy

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.consolidation.neighbours import Neighbour


class UndecidedPair(NamedTuple):
    """A new strategy, and the known one that may say the same."""

    new: Strategy
    known: Strategy


def undecided_pairs(new: Strategy, neighbours: "Iterable[Neighbour]") -> list[UndecidedPair]:
    """Pair an active new strategy with the most alike of the active neighbours that likeness leaves open; empty without one."""
    like = [
        near
        for near in neighbours
        if near.likeness.undecided
        and near.strategy.status == new.status == "active"
        and near.strategy.outcome == new.outcome
    ]
    return [UndecidedPair(new, min(like, key=lambda near: near.likeness.unanswered).strategy)] if like else []


async def decide(
    bank: "Bank", judge: Judge, owner: Owner, pairs: Sequence[UndecidedPair]
) -> tuple[Owner, str, list[str]]:
    """Have the judge decide the pairs, and merge those that are one.

    Return their owner as it then stands, the question for the connected agent about pairs that the judge leaves to it, and
    a warning for each pair on which the judge failed.
    """
    same, left, warnings = list[UndecidedPair](), list[UndecidedPair](), list[str]()
    for pair in pairs:
        try:
            is_same = await judge.same(pair.new.wording, pair.known.wording)
        except JudgeFailed as exc:
            why = redact(str(exc)).text
            warnings.append(f"Whether {pair.new.id} says the same as {pair.known.id} was not decided, both stay: {why}")
            continue
        if is_same is None:
            left.append(pair)
        elif is_same:
            same.append(pair)
    owner = naming_kept(owner, await _merged(bank, same))
    return owner, question(left, await _episode_id(bank, owner)) if left else "", warnings


def question(pairs: Sequence[UndecidedPair], episode_id: str) -> str:
    """Return what the agent is asked about the pairs, with the known lessons fenced."""
    beside = "\n".join(
        f"Your {pair.new.title!r} ({pair.new.id}) may say the same as {pair.known.id}, which was known:\n"
        f"{fence('known_lesson', pair.known.wording)}"
        for pair in pairs
    )
    same_as = json.dumps({pair.new.id: pair.known.id for pair in pairs})
    return render("same_as", pairs=beside, episode_id=episode_id, answer=same_as)


async def answer(
    bank: "Bank", episode: Episode, same_as: Mapping[str, str], scope: Scope
) -> tuple[Episode, list[LearnedStrategy], list[str]]:
    """Merge what the agent says is one: id of the new strategy → id of the known one.

    Only what this episode or its run taught is merged, only where likeness leaves it open, and only while no other episode
    supports it. Return the episode as it then stands, what the owners of the pairs have learned, and a warning for each
    pair that stays two. Doing it again changes nothing more. Raises InvalidInput and NotFound for ids that do not belong
    there.
    """
    pairs, warnings = list[UndecidedPair](), list[str]()
    for new_id, known_id in same_as.items():
        pair = UndecidedPair(*[await visible_strategy(bank, id, scope) for id in (new_id, known_id)])
        if episode.id not in pair.new.episode_ids:
            raise InvalidInput(f"{new_id} was not learned from {episode.id}; same_as is for what this episode taught.")
        if pair.new.status_reason == merged_into(known_id) or await _may_be_one(bank, pair):
            pairs.append(pair)
        else:
            warnings.append(
                f"{new_id} and {known_id} stay two: they are not alike enough, or others said {new_id} too."
            )
    episode = naming_kept(episode, await _merged(bank, pairs))
    taught_by_run = any(episode.run_id in pair.new.run_ids for pair in pairs)
    run = await bank.find(Run, episode.run_id) if taught_by_run else None
    return episode, [*episode.learned, *(run.learned if run else [])], warnings


async def _episode_id(bank: "Bank", owner: Episode | Run) -> str:
    """Return the id with which the agent answers: of the episode, or of the best attempt of the run."""
    if isinstance(owner, Episode):
        return owner.id
    return (await bank.cells(Episode, [], run_id=owner.id, attempt=owner.best_attempt))[0]["id"]


async def _may_be_one(bank: "Bank", pair: UndecidedPair) -> bool:
    from strategy_bank.tools.consolidation.neighbours import Neighbourhood  # brings numpy

    found = {item.strategy.id: item for item in await bank.embedded(id=[pair.new.id, pair.known.id])}
    free = pair.new.status == pair.known.status == "active" and pair.new.support == 1
    if not free or pair.new.scope != pair.known.scope or len(found) < 2:
        return False
    new, known = found[pair.new.id], found[pair.known.id]
    near = await Neighbourhood(bank).compared(new, [(known, float(new.text @ known.text))])
    return bool(undecided_pairs(pair.new, near) or same_lesson(pair.new, near))


async def _merged(bank: "Bank", pairs: Sequence[UndecidedPair]) -> dict[str, Strategy]:
    ids = [(pair.known.id, pair.new.id) for pair in pairs]
    return await bank.atomically(lambda: merge(bank, ids)) if ids else {}
