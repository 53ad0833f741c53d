"""What the agent answers about lessons that may be one: keep the known words, or put both into better ones.

same_as {new: known}             the known words stay, and take in the new lesson
same_as {new: {amends: known …}} the same, and these words correct the known ones (consolidation/amendment.py)
same_as {known: {…}}             these words correct a lesson that took in one of this report without a question
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Episode, LearnedStrategy, Run, Trust
from strategy_bank.tools.consolidation.amendment import Witness
from strategy_bank.tools.consolidation.merge import merge, merged_into, naming_kept, same_lesson
from strategy_bank.tools.consolidation.undecided import UndecidedPair, merge_pairs, undecided_pairs
from strategy_bank.tools.consolidation.witnesses import taught_once
from strategy_bank.tools.judging.judgement import StrategyDraft
from strategy_bank.tools.learning.corrections import Corrected, Corrections, changed_by, corrected, known_wordings
from strategy_bank.tools.learning.drafts import Source, strategies_of
from strategy_bank.tools.own_process import aside
from strategy_bank.tools.safety.admission import admitted
from strategy_bank.tools.scopes.registry import Scope, visible_strategy

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy

Answers = Mapping[str, str | StrategyDraft]
"""Id of a new strategy → id of the known one, or better words for both."""


@dataclass(frozen=True)
class Answered:
    """The episode as it then stands, what the owners of the lessons have learned, and what was not done."""

    episode: Episode
    learned: list[LearnedStrategy]
    warnings: list[str]


@dataclass(frozen=True)
class _Joint:
    """Better words for a known strategy, and the new one that goes into it, if that has not happened yet."""

    known_id: str
    words: StrategyDraft
    pair: UndecidedPair | None


async def answer(
    bank: "Bank",
    episode: Episode,
    same_as: Answers,
    scope: Scope,
    trust: Trust = "flagged",
    session: str = "",
) -> Answered:
    """Merge what the agent says is one, and put better words in the place of the known ones where it gives them.

    Only what this episode or its run taught is merged, only where likeness leaves it open, and only while no other episode
    supports it. Doing it again changes nothing more. Raises InvalidInput and NotFound for ids that do not belong there.
    """
    run = await bank.find(Run, episode.run_id) if episode.run_id else None
    own = {each.id for owner in (episode, run) if owner for each in owner.learned}
    pairs, joints, warnings = list[UndecidedPair](), list[_Joint](), list[str]()
    for id, said in same_as.items():
        known_id = said if isinstance(said, str) else said.amends or id
        pair = await _pair(bank, episode, id, known_id, scope) if id != known_id else None
        if pair is None and (isinstance(said, str) or known_id not in own):
            raise InvalidInput(f"{id} was not learned from {episode.id}; same_as is for what this episode taught.")
        if pair and not (pair.new.status_reason == merged_into(known_id) or await _may_be_one(bank, pair)):
            warnings.append(f"{id} and {known_id} stay two: they are not alike enough, or others said {id} too.")
        elif isinstance(said, str):
            pairs += [pair] if pair else []
        else:
            joints.append(_Joint(known_id, said, pair))
    episode = naming_kept(episode, await merge_pairs(bank, pairs))
    for joint in joints:
        episode, why = await _put_together(bank, episode, joint, trust, session)
        warnings += why
    taught_by_run = run and any(
        run.id in pair.new.run_ids for pair in (*pairs, *(each.pair for each in joints)) if pair
    )
    run = await bank.get(Run, run.id) if run and taught_by_run else None
    return Answered(episode, [*episode.learned, *(run.learned if run else [])], warnings)


async def _pair(bank: "Bank", episode: Episode, new_id: str, known_id: str, scope: Scope) -> UndecidedPair:
    pair = UndecidedPair(*[await visible_strategy(bank, id, scope) for id in (new_id, known_id)])
    if episode.id not in pair.new.episode_ids:
        raise InvalidInput(f"{new_id} was not learned from {episode.id}; same_as is for what this episode taught.")
    return pair


async def _may_be_one(bank: "Bank", pair: UndecidedPair) -> bool:
    from strategy_bank.tools.consolidation.neighbours import Neighbourhood  # brings numpy

    found = {item.strategy.id: item for item in await bank.embedded(id=[pair.new.id, pair.known.id])}
    free = pair.new.status == pair.known.status == "active" and taught_once(pair.new)
    if not free or pair.new.scope != pair.known.scope or len(found) < 2:
        return False
    new, known = found[pair.new.id], found[pair.known.id]
    near = await Neighbourhood(bank).compared(new, [(known, float(new.text @ known.text))])
    return bool(undecided_pairs(pair.new, near) or same_lesson(pair.new, near))


async def _put_together(
    bank: "Bank", episode: Episode, joint: _Joint, trust: Trust, session: str
) -> tuple[Episode, list[str]]:
    """Merge the pair and correct the known strategy, or leave both as they are and say why."""
    words = joint.words.model_copy(update={"amends": joint.known_id})
    known = await known_wordings(bank, [words], episode.scope)
    seen = f"{episode.task}\n{episode.trajectory}"
    source = Source(
        episode.task,
        episode.scope,
        episode.verdict or "success",
        [episode.id],
        seen=seen,
        known=known,
        session=session or episode.session,
        trajectories=[episode.trajectory],
    )
    drafted = await aside(strategies_of, [words], source)
    if not drafted.amends or drafted.flagged_ids:
        why = "carry literals of this task or read as orders; say it in general words"
        return episode, [f"{joint.known_id} stays as it was: the words for both {why}."]
    (draft,) = await bank.embed(drafted.strategies)
    draft = replace(draft, strategy=admitted(draft.strategy, trust))
    return await bank.atomically(partial(_put_together_now, bank, episode, joint, draft, session))


async def _put_together_now(
    bank: "Bank", episode: Episode, joint: _Joint, draft: "EmbeddedStrategy", session: str
) -> tuple[Episode, list[str]]:
    by = Witness(episode.id, episode.task, session or episode.session, episode.outcome is not None)
    done = await _corrected(bank, by, joint.known_id, draft)
    if done.refused:
        return episode, [f"{each} Nothing was merged or changed." for each in done.refused.values()]
    if joint.pair:
        await merge(bank, [(joint.known_id, joint.pair.new.id)])
        done = await _corrected(bank, by, joint.known_id, draft)
    (fate,) = done.learned.values()
    changed = done.strategies[fate.id]
    if done.reworded:
        await bank.amend_embedded(await bank.embed([changed]))
    else:
        await bank.amend([changed])
    await _tell(bank, await bank.all(Run, id=episode.run_id) if episode.run_id else [], fate)
    await _tell(bank, [await bank.get(Episode, episode.id)], fate)
    return await bank.get(Episode, episode.id), []


async def _corrected(bank: "Bank", by: Witness, known_id: str, draft: "EmbeddedStrategy") -> Corrected:
    from strategy_bank.tools.consolidation.neighbours import Neighbourhood

    changed = changed_by((await bank.get(Episode, by.id)).learned)
    asked = Corrections(by, {draft.strategy.id: known_id}, shown=[known_id], changed=changed)
    return await corrected(bank, Neighbourhood(bank), [draft], asked)


async def _tell(bank: "Bank", records: Sequence[Episode | Run], fate: LearnedStrategy) -> None:
    """Have the records that name a strategy in what they taught say what became of it."""
    for record in records:
        learned = [fate if each.id == fate.id else each for each in record.learned]
        if learned != record.learned:
            await bank.amend([record.model_copy(update={"learned": learned})])
