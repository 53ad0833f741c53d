"""From a judgement to strategies in the bank.

    settle   one episode with its judgement ─┬▶ drafts.py ─▶ embed ─▶ [lock: credit, place, commit] ─▶ decide undecided pairs
    conclude one run with its comparison    ─┘

Every step may be done twice with the same result, so doing it again mends a crash in the middle.
"""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic

from strategy_bank.store.records import GLOBAL_SCOPE, Episode, LearnedStrategy, Run, Strategy, Verdict, now
from strategy_bank.tools.consolidation.merge import Owner, survivor, uses
from strategy_bank.tools.consolidation.undecided import decide
from strategy_bank.tools.consolidation.witnesses import OF_A_USE, Use, taught_once, use_of
from strategy_bank.tools.judging.judge import Judge
from strategy_bank.tools.judging.judgement import Comparison, Judgement
from strategy_bank.tools.learning.corrections import changed_by, corrections_of, known_wordings
from strategy_bank.tools.learning.credit import HURT, credited, evidence, harm
from strategy_bank.tools.learning.drafts import Drafted, Source, strategies_of
from strategy_bank.tools.learning.placement import Plan, place
from strategy_bank.tools.learning.shown import shown_before
from strategy_bank.tools.own_process import aside
from strategy_bank.tools.safety.admission import admitted
from strategy_bank.tools.safety.redact import redact_texts

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy

_STRATEGY_ID = re.compile(r"\bst_[0-9a-f]{16}\b")
REPLACED = "replaced by a more general wording"


@dataclass(frozen=True)
class Settled(Generic[Owner]):
    """An episode or a run as it now stands, with warnings, and a question to the connected agent about undecided pairs.

    `merged` says which of its lessons went into known ones without a question.
    """

    record: Owner
    warnings: list[str]
    question: str = ""
    merged: str = ""


async def settle(
    bank: "Bank", episode: Episode, judgement: Judgement, by: str, judge: Judge, session: str = ""
) -> Settled[Episode]:
    """Write the verdict of a pending episode, which came from `by`, and what it teaches.

    `session` is the one that the judgement came by, if it is known: whoever judges a report answers for it from then on.
    The world's outcome wins over the judge's verdict; both are kept. An episode that somebody else settled meanwhile stays
    as it is. On a settled episode with flagged strategies, the new ones take the place of those.
    """
    if episode.status != "pending" and not episode.flagged_ids:
        return Settled(episode, _second_judgement(episode, judgement))
    verdict = episode.verdict or episode.outcome or judgement.verdict
    known = await known_wordings(bank, judgement.strategies, episode.scope)
    seen = f"{episode.task}\n{episode.trajectory}"
    session = session or episode.session
    trajectories = [episode.trajectory]
    source = Source(episode.task, episode.scope, verdict, [episode.id], [], seen, known, session, trajectories)
    drafted = await aside(strategies_of, judgement.strategies, source)
    embedded = await _admitted(bank, drafted, judge)
    warnings = [*drafted.warnings, *_disagreement(episode, judgement)]
    # not within the step: it may take a while, and what was shown before the report stays so
    shown = await shown_before(bank, episode, await _used(bank, episode, judgement))

    async def step() -> tuple[Settled[Episode], Plan]:
        current = await _current(bank, episode)
        if current.status != "pending" and not current.flagged_ids:
            return Settled(current, _second_judgement(current, judgement)), Plan()
        named = set(current.used_ids)
        current = current.model_copy(update={"used_ids": await _used(bank, current, judgement), "session": session})
        used = [] if drafted.orders else await _credited(bank, current, verdict, shown)
        decided = current.outcome is not None
        corrections = await corrections_of(bank, current, drafted, session, decided=decided)
        placed = await place(bank, embedded, used, corrections)
        await _retire_flagged(bank, current, placed.learned)
        settled = current.model_copy(
            update={
                "status": "learned" if placed.learned else "recorded",
                "verdict": verdict,
                "self_verdict": judgement.verdict,
                "judge": by,
                "judgement": _stored(judgement),
                "reason": "",
                "learned": _with_earlier(current, placed.learned),
                "flagged_ids": [placed.renamed.get(id, id) for id in drafted.flagged_ids],
                "updated_at": now(),
            }
        )
        await bank.amend([settled])
        await bank.flush_recalls()
        return Settled(settled, [*warnings, *_never_shown(named - shown), *placed.warnings]), placed

    return await _decided(bank, judge, *await bank.atomically(step))


async def conclude(
    bank: "Bank",
    run: Run,
    attempts: Sequence[Episode],
    comparison: Comparison,
    judge: Judge,
    session: str = "",
) -> Settled[Run]:
    """Write the comparison of a run and what the contrast teaches; a finished run stays as it is."""
    trajectories = [attempt.trajectory for attempt in attempts]
    seen = "\n".join([run.task, *trajectories])
    known = await known_wordings(bank, comparison.strategies, run.scope)
    session, taught_by = session or run.session, [attempt.id for attempt in attempts]
    source = Source(run.task, run.scope, "contrast", taught_by, [run.id], seen, known, session, trajectories)
    drafted = await aside(strategies_of, comparison.strategies, source)
    embedded = await _admitted(bank, drafted, judge)

    async def step() -> tuple[Settled[Run], Plan]:
        current = await bank.get(Run, run.id)
        if current.status == "finished":
            return Settled(current, ["This run was finished already; the first comparison stands."]), Plan()
        decided = any(attempt.outcome for attempt in attempts)
        corrections = await corrections_of(bank, current, drafted, session, decided=decided)
        placed = await place(bank, embedded, corrections=corrections)
        finished = current.model_copy(
            update={
                "status": "finished",
                "best_attempt": comparison.best_attempt,
                "comparison": _stored(comparison),
                "reason": "",
                "learned": list(placed.learned),
                "session": session,
                "updated_at": now(),
            }
        )
        await bank.amend([finished])
        await bank.flush_recalls()
        return Settled(finished, [*drafted.warnings, *placed.warnings]), placed

    return await _decided(bank, judge, *await bank.atomically(step))


async def _admitted(bank: "Bank", drafted: Drafted, judge: Judge) -> "list[EmbeddedStrategy]":
    """Return the drafts with their vectors, and those that a person must let in first as waiting."""
    embedded = await bank.embed(drafted.strategies)
    return [replace(item, strategy=admitted(item.strategy, judge.trust)) for item in embedded]


async def _current(bank: "Bank", episode: Episode) -> Episode:
    """Return the episode as it is stored; it is read again, with its trajectory, only if somebody changed it."""
    unchanged = await bank.count(Episode, id=episode.id, revision=episode.revision)
    return episode if unchanged else await bank.get(Episode, episode.id)


async def _decided(bank: "Bank", judge: Judge, settled: Settled[Owner], placed: Plan) -> Settled[Owner]:
    """Return the settled record as it stands after the pairs were decided that placing left open."""
    record, question, merged, warnings = await decide(bank, judge, settled.record, placed.undecided, placed.merged)
    return Settled(record, [*settled.warnings, *warnings], question, merged)


async def _used(bank: "Bank", episode: Episode, judgement: Judgement) -> list[str]:
    """Return the ids that the reporter named, and those of its scope and `global` that the judge cites as followed."""
    cited = _STRATEGY_ID.findall(judgement.reason)
    shown = await bank.cells(Strategy, [], id=cited, scope=[episode.scope, GLOBAL_SCOPE]) if cited else []
    return list(dict.fromkeys([*episode.used_ids, *(row["id"] for row in shown)]))


def _never_shown(ids: Collection[str]) -> list[str]:
    if not ids:
        return []
    return [f"No recall showed {', '.join(sorted(ids))} before this report, so what came of it is not counted."]


async def _credited(bank: "Bank", episode: Episode, verdict: Verdict, shown: Collection[str]) -> list[Strategy]:
    """Return the strategies that the episode used with their counters moved, and retired if they keep hurting.

    Nothing is written. Only what was `shown` is credited, and not by an episode that taught it: nobody is a witness in his own
    case.
    """
    named = await bank.all(Strategy, id=list(shown)) if shown else []
    kept = {each.id: await survivor(bank, each) for each in named}  # by the id that the agent knew
    witness = {name: getattr(episode, name) for name in ("id", "created_at", *OF_A_USE)} | {"verdict": verdict}
    witnesses = await uses(bank, kept.values())
    moved = dict[str, Strategy]()
    for id, strategy in kept.items():
        last = use_of(witness, id)
        if last and episode.id not in strategy.episode_ids and strategy.id not in moved:
            credits = [witnesses[each] for each in strategy.credited_by if each in witnesses]
            earlier = [use for row in credits if (use := use_of(row, strategy.id))]
            after = credited(strategy, last, earlier)
            moved[strategy.id] = after if last.verdict == "success" else await _weighed(bank, after, [*earlier, last])
    return list(moved.values())


async def _weighed(bank: "Bank", strategy: Strategy, told: Sequence[Use]) -> Strategy:
    """Return the strategy, retired if its uses say that it hurts."""
    counting = evidence(strategy)
    against = [use for use in told if use.episode_id in counting]
    reason = harm(against, await _base_rate(bank)) if against else ""
    return strategy.retired(f"{HURT}{reason}") if reason else strategy


async def _base_rate(bank: "Bank") -> float:
    """Return the smoothed share of all judged episodes that succeeded."""
    good, bad = await bank.count(Episode, verdict="success"), await bank.count(Episode, verdict="failure")
    return (good + 1) / (good + bad + 2)


async def _retire_flagged(bank: "Bank", episode: Episode, learned: Sequence[LearnedStrategy]) -> None:
    """Retire the flagged strategies for which a better wording came, unless other episodes taught them too."""
    kept = {strategy.id for strategy in learned}
    replaced = [id for id in episode.flagged_ids if id not in kept]
    if not learned or not replaced:
        return
    flagged = await bank.all(Strategy, id=replaced, status="active")
    await bank.amend([strategy.retired(REPLACED) for strategy in flagged if taught_once(strategy)])


def _with_earlier(episode: Episode, learned: Sequence[LearnedStrategy]) -> list[LearnedStrategy]:
    """Return what a judgement taught, after what an earlier one of the same episode corrected."""
    corrected = set(changed_by(episode.learned)) - {each.id for each in learned}
    return [*(each for each in episode.learned if each.id in corrected), *learned]


def _second_judgement(episode: Episode, judgement: Judgement) -> list[str]:
    """Return a warning for an episode that was judged already; none for a retry in the same words."""
    if episode.judgement == _stored(judgement):
        return []
    return ["This episode was judged already; the first judgement stands."]


def _stored(said: Judgement | Comparison) -> str:
    return json.dumps(redact_texts(said.model_dump(mode="json")), ensure_ascii=False, separators=(",", ":"))


def _disagreement(episode: Episode, judgement: Judgement) -> list[str]:
    if episode.outcome in (None, judgement.verdict):
        return []
    return [
        f"You judged {judgement.verdict}, the outcome was {episode.outcome}: the outcome stands, and both are recorded. "
        "Check that the strategies fit it."
    ]
