"""Undecided pairs: two strategies of which likeness cannot tell whether they say the same.

    placement.py ─▶ undecided_pairs ─▶ decide ─┬▶ the endpoint says that they do ───────────────────────────────▶ merge
                                               └▶ question, in the reply ─▶ report_outcome(same_as) ─▶ learning/answers.py

Their owner is the episode or the run that taught the new one. Both strategies are in the bank before anybody is asked, so
nothing is lost when nobody answers.
"""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from strategy_bank.store.errors import JudgeFailed
from strategy_bank.store.records import Episode, Run, Strategy
from strategy_bank.tools.consolidation.merge import Owner, merge, naming_kept
from strategy_bank.tools.judging.judge import Judge
from strategy_bank.tools.prompting import fence, plain_id, render
from strategy_bank.tools.safety.redact import redact

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
    bank: "Bank", judge: Judge, owner: Owner, pairs: Sequence[UndecidedPair], merged: Sequence[UndecidedPair] = ()
) -> tuple[Owner, str, str, list[str]]:
    """Have the judge decide the pairs, and merge those that are one.

    Return their owner as it then stands, the question for the connected agent about pairs that the judge leaves to it, what
    went into known lessons without a question, these and those `merged` before, and a warning for each pair on which the
    judge failed.
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
    owner = naming_kept(owner, await merge_pairs(bank, same))
    merged = [*merged, *same]
    episode_id = await _episode_id(bank, owner) if left or merged else ""
    return owner, question(left, episode_id) if left else "", unasked(merged, episode_id) if merged else "", warnings


def question(pairs: Sequence[UndecidedPair], episode_id: str) -> str:
    """Return what the agent is asked about the pairs, with the known lessons fenced."""
    beside = "\n".join(
        f"Your {pair.new.title!r} ({pair.new.id}) may say the same as {pair.known.id}, which was known:\n"
        f"{fence('known_lesson', pair.known.wording)}"
        for pair in pairs
    )
    same_as = json.dumps({pair.new.id: pair.known.id for pair in pairs})
    return render("same_as", pairs=beside, episode_id=episode_id, answer=same_as)


def unasked(pairs: Sequence[UndecidedPair], episode_id: str) -> str:
    """Return what the agent is told about new lessons whose words were not kept, with those that were."""
    told = "\n".join(
        f"Your {pair.new.title!r} says the same as {plain_id(pair.known.id)} and went into it:\n"
        f"{fence('known_lesson', pair.known.wording)}"
        for pair in pairs
    )
    words = {"title": "…", "description": "…", "content": "…"}
    same_as = json.dumps({pair.known.id: words for pair in pairs}, ensure_ascii=False)
    return render("merged", merged=told, episode_id=episode_id, answer=same_as)


async def _episode_id(bank: "Bank", owner: Episode | Run) -> str:
    """Return the id with which the agent answers: of the episode, or of the best attempt of the run."""
    if isinstance(owner, Episode):
        return owner.id
    return (await bank.cells(Episode, [], run_id=owner.id, attempt=owner.best_attempt))[0]["id"]


async def merge_pairs(bank: "Bank", pairs: Sequence[UndecidedPair]) -> dict[str, Strategy]:
    """Merge each new strategy into the known one; return the kept ones by the id of what went into them."""
    ids = [(pair.known.id, pair.new.id) for pair in pairs]
    return await bank.atomically(lambda: merge(bank, ids)) if ids else {}
