"""Pairs of lessons that the comparison leaves open: an endpoint decides at once, else the agent is asked and may answer.

    learn.settle ─▶ OpenPair ─▶ decide ─┬▶ the endpoint says that they are one ─────────────────────────▶ unite
                                        └▶ question, in the reply ─▶ report_outcome(same_as) ─▶ answer ─▶ unite

Both lessons are in the bank by then, so nothing is lost when nobody answers.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from strategy_bank.store.errors import InvalidInput, JudgeFailed
from strategy_bank.store.records import Episode, LearnedStrategy, Run, Strategy
from strategy_bank.tools.consolidation.merge import left_open, merged_into, same_lesson, unite
from strategy_bank.tools.judging.judge import Judge
from strategy_bank.tools.prompting import fence, render
from strategy_bank.tools.safety.redact import redact

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

Taught = TypeVar("Taught", Episode, Run)


class OpenPair(NamedTuple):
    """A new strategy, and the known one that may say the same."""

    new: Strategy
    old: Strategy


async def decide(
    bank: "Bank", judge: Judge, taught: Taught, pairs: Sequence[OpenPair]
) -> tuple[Taught, list[OpenPair], list[str]]:
    """What taught them as it stands after the judge's decisions; pairs for the agent; a warning where the judge failed."""
    same, left, warnings = list[OpenPair](), list[OpenPair](), list[str]()
    for pair in pairs:
        try:
            answer = await judge.same(pair.new.wording, pair.old.wording)
        except JudgeFailed as exc:
            why = redact(str(exc)).text
            warnings.append(f"Whether {pair.new.id} says the same as {pair.old.id} was not decided, both stay: {why}")
            continue
        if answer is None:
            left.append(pair)
        elif answer:
            same.append(pair)
    return await _united(bank, taught, same) if same else taught, left, warnings


def question(pairs: Sequence[OpenPair], episode_id: str) -> str:
    """What the agent is asked about them, with the known lessons fenced; empty without pairs."""
    if not pairs:
        return ""
    beside = "\n".join(
        f"Your {pair.new.title!r} ({pair.new.id}) may say the same as {pair.old.id}, which was known:\n"
        f"{fence('known_lesson', pair.old.wording)}"
        for pair in pairs
    )
    answer = json.dumps({pair.new.id: pair.old.id for pair in pairs})
    return render("same_as", pairs=beside, episode_id=episode_id, answer=answer)


async def answer(bank: "Bank", episode: Episode, same_as: Mapping[str, str]) -> tuple[Episode, list[str]]:
    """Unite what the agent says is one; the episode as it then stands, and a warning for each pair that stays two.

    Only lessons of this episode go into others, only where the comparison leaves it open, and only while no other episode
    supports them. Doing it twice changes nothing more. Raises InvalidInput and NotFound for ids that do not belong there.
    """
    pairs, warnings = list[OpenPair](), list[str]()
    for new_id, old_id in same_as.items():
        pair = OpenPair(await bank.get(Strategy, new_id), await bank.get(Strategy, old_id))
        if episode.id not in pair.new.episode_ids:
            raise InvalidInput(f"{new_id} was not learned from {episode.id}; same_as is for what this episode taught.")
        if pair.new.status_reason == merged_into(old_id) or await _may_be_one(bank, pair):
            pairs.append(pair)
        else:
            warnings.append(f"{new_id} and {old_id} stay two: they are not alike enough, or others said {new_id} too.")
    return await _united(bank, episode, pairs) if pairs else episode, warnings


async def _may_be_one(bank: "Bank", pair: OpenPair) -> bool:
    from strategy_bank.tools.consolidation.neighbours import Neighbourhood  # brings numpy

    found = {item.strategy.id: item for item in await bank.embedded(id=[pair.new.id, pair.old.id])}
    free = pair.new.status == pair.old.status == "active" and pair.new.support == 1
    if not free or pair.new.scope != pair.old.scope or len(found) < 2:
        return False
    new, old = found[pair.new.id], found[pair.old.id]
    near = await Neighbourhood(bank).compared(new, [(old, float(new.text @ old.text))])
    return bool(left_open(pair.new, near) or same_lesson(pair.new, near))


async def _united(bank: "Bank", taught: Taught, pairs: Sequence[OpenPair]) -> Taught:
    """What taught them says from now on that they were merged."""

    async def step() -> Taught:
        kept = await unite(bank, [(pair.old.id, pair.new.id) for pair in pairs])
        current = await bank.get(type(taught), taught.id)
        learned = [
            LearnedStrategy(id=kept[each.id].id, title=kept[each.id].title, action="merged")
            if each.id in kept
            else each
            for each in current.learned
        ]
        changed = current.model_copy(update={"learned": learned})
        await bank.amend([changed])
        return changed

    return await bank.atomically(step)
