"""From a judgement to strategies in the bank: consolidate, credit, write.

    settle   one episode with its judgement      ─┐
    conclude one run with its comparison         ─┴▶ drafts.py: redact, flag, quarantine ─▶ embed ─▶ [lock] place ─▶ commit
                                                                                         grey_zone.decide on what is open ◀┘

Every step may be done twice with the same result, so a crash in the middle is mended by doing it again.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic

import anyio.to_thread

from strategy_bank.store.records import (
    Episode,
    LearnedStrategy,
    Run,
    Strategy,
    Verdict,
    now,
)
from strategy_bank.tools.consolidation.merge import left_open, linked, merged, opposites, same_lesson, survivor
from strategy_bank.tools.consolidation.undecided import OpenPair, Taught, decide
from strategy_bank.tools.judging.judge import Judge
from strategy_bank.tools.judging.models import Comparison, Judgement
from strategy_bank.tools.learning.credit import Use, credited, evidence, harm, retired
from strategy_bank.tools.learning.drafts import Source, clean
from strategy_bank.tools.safety.redact import redact

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy

_STRATEGY_ID = re.compile(r"\bst_[0-9a-f]{16}\b")
REPLACED = "replaced by a more general wording"


@dataclass(frozen=True)
class Settled(Generic[Taught]):
    """An episode or a run as it now stands, with warnings, and what the connected agent is asked about its lessons."""

    record: Taught
    warnings: list[str]
    left_open: list[OpenPair] = field(default_factory=list[OpenPair])


async def settle(bank: "Bank", episode: Episode, judgement: Judgement, by: str, judge: Judge) -> Settled[Episode]:
    """Write the verdict of a pending episode, which came from `by`, and what it teaches.

    The world's outcome wins over the judge's verdict; both are kept. An episode that somebody else settled meanwhile stays
    as it is. On a settled episode with flagged strategies, the new ones take the place of those.
    """
    if episode.status != "pending" and not episode.flagged_ids:
        return Settled(episode, _second_judgement(episode, judgement))
    verdict = episode.verdict or episode.outcome or judgement.verdict
    source = Source(episode.task, episode.scope, verdict, [episode.id], [], f"{episode.task}\n{episode.trajectory}")
    lessons = await anyio.to_thread.run_sync(clean, judgement.strategies, source)
    embedded = await bank.embed(lessons.strategies)
    warnings = [*lessons.warnings, *_disagreement(episode, judgement)]

    async def step() -> Settled[Episode]:
        current = await bank.get(Episode, episode.id)
        if current.status != "pending" and not current.flagged_ids:
            return Settled(current, _second_judgement(current, judgement))
        current = current.model_copy(update={"used_ids": _used(current, judgement)})
        used = [] if lessons.orders else await _credited(bank, current, verdict)
        learned, left_open = await _place(bank, embedded, used)
        await _retire_flagged(bank, current, learned)
        settled = current.model_copy(
            update={
                "status": "learned" if learned else "recorded",
                "verdict": verdict,
                "self_verdict": judgement.verdict,
                "judge": by,
                "judgement": _stored(judgement),
                "reason": "",
                "learned": learned,
                "flagged_ids": lessons.flagged_ids,
                "updated_at": now(),
            }
        )
        await bank.amend([settled])
        await bank.flush_recalls()
        return Settled(settled, warnings, left_open)

    return await _decided(bank, judge, await bank.atomically(step))


async def conclude(
    bank: "Bank", run: Run, attempts: Sequence[Episode], comparison: Comparison, judge: Judge
) -> Settled[Run]:
    """Write the comparison of a run and what the contrast teaches; a finished run stays as it is."""
    seen = "\n".join([run.task, *(attempt.trajectory for attempt in attempts)])
    source = Source(run.task, run.scope, "contrast", [attempt.id for attempt in attempts], [run.id], seen)
    lessons = await anyio.to_thread.run_sync(clean, comparison.strategies, source)
    embedded = await bank.embed(lessons.strategies)

    async def step() -> Settled[Run]:
        current = await bank.get(Run, run.id)
        if current.status == "finished":
            return Settled(current, ["This run was finished already; the first comparison stands."])
        learned, left_open = await _place(bank, embedded, [])
        finished = current.model_copy(
            update={
                "status": "finished",
                "best_attempt": comparison.best_attempt,
                "comparison": redact(comparison.model_dump_json()).text,
                "reason": "",
                "learned": learned,
                "updated_at": now(),
            }
        )
        await bank.amend([finished])
        await bank.flush_recalls()
        return Settled(finished, lessons.warnings, left_open)

    return await _decided(bank, judge, await bank.atomically(step))


async def _decided(bank: "Bank", judge: Judge, settled: Settled[Taught]) -> Settled[Taught]:
    record, left, warnings = await decide(bank, judge, settled.record, settled.left_open)
    return Settled(record, [*settled.warnings, *warnings], left)


def _used(episode: Episode, judgement: Judgement) -> list[str]:
    """The strategies that the reporter named, and those that the judge cites as followed."""
    return list(dict.fromkeys([*episode.used_ids, *_STRATEGY_ID.findall(judgement.reason)]))


async def _credited(bank: "Bank", episode: Episode, verdict: Verdict) -> list[Strategy]:
    """The strategies that the episode used, with their counters moved, and retired where they keep hurting; not written yet.

    Nobody is a witness for himself: a strategy gets no credit from an episode that taught it.
    """
    named = await bank.all(Strategy, id=episode.used_ids) if episode.used_ids else []
    used = list({kept.id: kept for kept in [await survivor(bank, each) for each in named]}.values())
    used = [strategy for strategy in used if episode.id not in strategy.episode_ids]
    last, earlier = Use(episode.id, episode.task, verdict), await _uses(bank, used)
    moved = [credited(each, last, [earlier[id] for id in each.credited_by if id in earlier]) for each in used]
    if verdict == "success":
        return moved
    return [await _weighed(bank, strategy, earlier | {last.episode_id: last}) for strategy in moved]


async def _uses(bank: "Bank", strategies: Sequence[Strategy]) -> dict[str, Use]:
    """Of the strategies, by the id of the episode."""
    ids = list({id for strategy in strategies for id in strategy.credited_by})
    rows = await bank.cells(Episode, ["task", "verdict"], id=ids) if ids else []
    return {row["id"]: Use(row["id"], row["task"], row["verdict"]) for row in rows if row["verdict"]}


async def _weighed(bank: "Bank", strategy: Strategy, uses: Mapping[str, Use]) -> Strategy:
    """The strategy, retired if its uses say that it hurts."""
    against = [uses[id] for id in evidence(strategy) if id in uses]
    reason = harm(against, await _base_rate(bank)) if against else ""
    return retired(strategy, reason) if reason else strategy


async def _base_rate(bank: "Bank") -> float:
    """The smoothed share of all judged episodes that succeeded."""
    good, bad = await bank.count(Episode, verdict="success"), await bank.count(Episode, verdict="failure")
    return (good + 1) / (good + bad + 2)


async def _place(
    bank: "Bank", embedded: Sequence["EmbeddedStrategy"], changed: Sequence[Strategy]
) -> tuple[list[LearnedStrategy], list[OpenPair]]:
    """Add or merge each strategy; two commits at most, whatever their number. `changed` goes into the second.

    Quarantined ones are kept, but nobody is told that they were learned. With the pairs of which the comparison cannot tell
    whether they are one.
    """
    from strategy_bank.tools.consolidation.neighbours import (
        Neighbourhood,  # brings numpy, and a server answers before that is loaded
    )

    near, changes = Neighbourhood(bank), {strategy.id: strategy for strategy in changed}
    fresh: list[EmbeddedStrategy] = []
    learned, open_pairs = list[LearnedStrategy](), list[OpenPair]()
    for item in embedded:
        new = item.strategy
        beside = await near.of(item, fresh)
        like = same_lesson(new, beside)
        old = await survivor(bank, like) if like else None
        if old is None:
            for other in opposites(new, beside):
                new = linked(new, other)
                fresh = [replace(each, strategy=linked(each.strategy, new)) if each.strategy.id == other.id else each
                         for each in fresh]  # fmt: skip
                if other.id not in {each.strategy.id for each in fresh}:
                    changes[other.id] = linked(changes.get(other.id, other), new)
            known = [each for each in beside if each.strategy not in (other.strategy for other in fresh)]
            if undecided := left_open(new, known):
                open_pairs.append(OpenPair(new, undecided))
            fresh.append(replace(item, strategy=new))
        elif old not in [other.strategy for other in fresh]:
            changes[old.id] = merged(changes.get(old.id, old), new)
        if new.status == "active":
            kept = old or new
            learned.append(LearnedStrategy(id=kept.id, title=kept.title, action="merged" if old else "added"))
    if await bank.add_strategies(fresh) < len(fresh):  # somebody else added the same one at the same moment
        said = {item.strategy.id: item.strategy for item in fresh}
        for old in await bank.all(Strategy, id=list(said)):
            changes[old.id] = merged(changes.get(old.id, old), said[old.id])
    await bank.amend(list(changes.values()))
    return learned, open_pairs


async def _retire_flagged(bank: "Bank", episode: Episode, learned: Sequence[LearnedStrategy]) -> None:
    """A better wording retires the flagged one, unless other episodes said it too."""
    kept = {strategy.id for strategy in learned}
    replaced = [id for id in episode.flagged_ids if id not in kept]
    if not learned or not replaced:
        return
    flagged = await bank.all(Strategy, id=replaced, status="active")
    await bank.amend(
        [
            strategy.model_copy(update={"status": "retired", "status_reason": REPLACED, "updated_at": now()})
            for strategy in flagged
            if strategy.support == 1
        ]
    )


def _second_judgement(episode: Episode, judgement: Judgement) -> list[str]:
    """Nothing to say about a retry with the same words."""
    if episode.judgement == _stored(judgement):
        return []
    return ["This episode was judged already; the first judgement stands."]


def _stored(judgement: Judgement) -> str:
    return redact(judgement.model_dump_json()).text


def _disagreement(episode: Episode, judgement: Judgement) -> list[str]:
    if episode.outcome in (None, judgement.verdict):
        return []
    return [
        f"You judged {judgement.verdict}, the outcome was {episode.outcome}: the outcome stands, and both are recorded. "
        "Check that the strategies fit it."
    ]
