"""Which strategies say the same, and how one takes in the other.

Merging adds provenance and support and leaves the kept text as it is: banks that rewrite themselves collapse.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from strategy_bank.store.records import (
    GLOBAL_SCOPE,
    MOST_TAUGHT,
    MOST_USES,
    PROMOTED,
    PROVENANCE_KEPT,
    Episode,
    LearnedStrategy,
    Run,
    Strategy,
    Verdict,
    now,
)
from strategy_bank.tools.consolidation.witnesses import (
    NOTHING_TOLD,
    OF_A_USE,
    OF_A_WITNESS,
    Account,
    Accounts,
    Use,
    counts,
    in_common,
    use_of,
)

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.consolidation.neighbours import Neighbour

Owner = TypeVar("Owner", Episode, Run)
"""The records that teach strategies, and name them in `learned`."""
Rows = Mapping[str, Mapping[str, Any]]
"""Cells of episodes by their ids."""
_MERGED_INTO = "merged into "


def same_lesson(new: Strategy, neighbours: "Iterable[Neighbour]") -> Strategy | None:
    """Return the neighbour that has the new one's id, else the most alike that says the same; None without one.

    A quarantined strategy takes nothing in, since that would hide it, and goes into nothing, since that would support it. One
    that waits for a person takes in only what waits too.
    """
    for near in sorted(neighbours, key=lambda near: (near.strategy.id != new.id, -near.likeness.score)):
        old = near.strategy
        hidden = "quarantined" in (old.status, new.status) or (old.status == "waiting" and new.status == "active")
        if old.id == new.id or (near.likeness.same and not hidden and old.outcome == new.outcome):
            return old
    return None


def opposites(new: Strategy, neighbours: "Iterable[Neighbour]") -> list[Strategy]:
    """Return the active neighbours that seem to advise the opposite of an active new strategy."""
    active = new.status == "active"
    return [
        near.strategy for near in neighbours if active and near.likeness.contrary and near.strategy.status == "active"
    ]


def linked(strategy: Strategy, opposite: Strategy) -> Strategy:
    """Return the strategy with a link to its opposite: the two are recalled together."""
    if opposite.id in strategy.contradicts:
        return strategy
    return strategy.model_copy(update={"contradicts": [*strategy.contradicts, opposite.id][-PROVENANCE_KEPT:]})


def supported(old: Strategy, new: Strategy, told: Accounts = NOTHING_TOLD) -> Strategy:
    """Return the old strategy with the provenance of a draft that says the same.

    Its support grows if the draft's report is a witness beside those that taught the old one, which `told` has by their ids.
    """
    added = [id for id in new.episode_ids if id not in old.episode_ids]
    if not added and set(new.run_ids) <= set(old.run_ids):
        return old
    earlier = [told[id] for id in old.episode_ids if id in told] or [Account.first_of(old)]
    return old.model_copy(
        update={
            "support": old.support + counts(Account.first_of(new), earlier, MOST_TAUGHT),
            "episode_ids": _together(old.episode_ids, added),
            "run_ids": _together(old.run_ids, new.run_ids),
            "updated_at": now(),
        }
    )


async def accounts(bank: "Bank", strategies: Iterable[Strategy]) -> Accounts:
    """Return the reports that taught strategies, as far as they are there."""
    ids = list({id for strategy in strategies for id in strategy.episode_ids})
    rows = await bank.cells(Episode, OF_A_WITNESS, id=ids) if ids else []
    return {row["id"]: Account.of(row) for row in rows}


async def uses(bank: "Bank", strategies: Iterable[Strategy]) -> Rows:
    """Return what the episodes that used strategies say of them, by their ids."""
    ids = list({id for strategy in strategies for id in strategy.credited_by})
    rows = await bank.cells(Episode, OF_A_USE, id=ids) if ids else []
    return {row["id"]: row for row in rows}


def shared(strategy: Strategy, scope: str) -> Strategy:
    """Return the strategy as it stands once this scope taught it too: global, where it was another project's.

    The reason names the project first whose words it has. A fact of one project stays there.
    """
    if strategy.scope in (scope, GLOBAL_SCOPE) or strategy.holds == "here":
        return strategy
    taught = f"{PROMOTED}{strategy.scope} and {scope}"
    reason = strategy.status_reason if scope == GLOBAL_SCOPE else taught
    return strategy.model_copy(update={"scope": GLOBAL_SCOPE, "status_reason": reason})


async def merge(bank: "Bank", pairs: Sequence[tuple[str, str]]) -> dict[str, Strategy]:
    """Merge each pair of ids (kept, other) of which both are active. Call it within a step of `Bank.atomically`.

    The other strategy is retired and can be reinstated. Its opposites, and the episodes and runs that taught it, name the
    kept one from now on. Return the kept strategies by the id of what went into them, now or earlier; doing it again
    finishes what was interrupted and changes nothing more.
    """
    stored = await _by_id(bank, [id for pair in pairs for id in pair])
    told, used = await accounts(bank, stored.values()), await uses(bank, stored.values())
    after, kept_ids = _merged(stored, pairs, told, used)
    others = [stored[id] for id in kept_ids]
    stored |= await _by_id(bank, [id for other in others for id in other.contradicts if id not in stored])
    after = {id: _relinked(strategy, kept_ids) for id, strategy in (stored | after).items()}
    kept = {id: after[kept_id] for id, kept_id in kept_ids.items()}
    # records first: where this is interrupted, the pair is still active, and whoever merges it again does the rest
    await _rename(bank, Episode, [id for other in others for id in other.episode_ids], kept)
    await _rename(bank, Run, [id for other in others for id in other.run_ids], kept)
    await bank.amend([strategy for id, strategy in after.items() if strategy != stored[id]])
    return kept


def naming_kept(record: Owner, kept: Mapping[str, Strategy]) -> Owner:
    """Return an episode or a run that names the kept strategy wherever it named one that was merged away."""
    merged = {id: LearnedStrategy(id=one.id, title=one.title, action="merged") for id, one in kept.items()}
    change: dict[str, object] = {"learned": [merged.get(each.id, each) for each in record.learned]}
    if isinstance(record, Episode):
        change["flagged_ids"] = [id for id in record.flagged_ids if id not in kept]
    return record.model_copy(update=change)


async def survivor(bank: "Bank", strategy: Strategy) -> Strategy:
    """Return the strategy that it was merged into, through any number of merges; itself if it was not, or none is left."""
    passed = {strategy.id}
    while strategy.status == "retired" and strategy.status_reason.startswith(_MERGED_INTO):
        kept = await bank.find(Strategy, strategy.status_reason.removeprefix(_MERGED_INTO))
        if kept is None or kept.id in passed:  # an imported file may say anything
            break
        passed.add(kept.id)
        strategy = kept
    return strategy


def merged_into(id: str) -> str:
    """Return the status reason of a strategy that was merged into another."""
    return f"{_MERGED_INTO}{id}"


def merged_into_id(status_reason: str) -> str | None:
    """Return the id in such a reason; None for any other."""
    return status_reason.removeprefix(_MERGED_INTO) if status_reason.startswith(_MERGED_INTO) else None


async def _by_id(bank: "Bank", ids: Iterable[str]) -> dict[str, Strategy]:
    wanted = sorted(set(ids))
    return {each.id: each for each in await bank.all(Strategy, id=wanted)} if wanted else {}


def _merged(
    strategies: Mapping[str, Strategy], pairs: Sequence[tuple[str, str]], told: Accounts, used: Rows
) -> tuple[dict[str, Strategy], dict[str, str]]:
    """Return the strategies after the merges, and the id of the kept one for each that is merged away."""
    after, kept_ids = dict(strategies), dict[str, str]()
    for kept, other in ((after.get(kept), after.get(other)) for kept, other in pairs):
        if kept is None or other is None:
            continue
        if kept.status == other.status == "active":
            after[kept.id] = _with_all_of(kept, other, told, used)
            after[other.id] = other.retired(merged_into(kept.id))
        elif other.status_reason != merged_into(kept.id):
            continue
        kept_ids = {id: kept.id if last == other.id else last for id, last in kept_ids.items()} | {other.id: kept.id}
    return after, kept_ids


def _with_all_of(kept: Strategy, other: Strategy, told: Accounts, used: Rows) -> Strategy:
    """Return the kept strategy with the counters and the provenance of both; what is a witness of both counts once.

    Lessons of two projects that say the same become global: two projects taught them independently.
    """
    first, second = ([told[id] for id in each.episode_ids if id in told] for each in (kept, other))
    kept_uses, other_uses = (
        [use for id in each.credited_by if id in used and (use := use_of(used[id], kept.id, other.id))]
        for each in (kept, other)
    )
    return shared(kept, other.scope).model_copy(
        update={
            "support": kept.support + other.support - in_common(first, second, MOST_TAUGHT),
            "helped": kept.helped + other.helped - _common_uses(kept_uses, other_uses, "success"),
            "hurt": kept.hurt + other.hurt - _common_uses(kept_uses, other_uses, "failure"),
            "episode_ids": _together(other.episode_ids, kept.episode_ids),
            "run_ids": _together(other.run_ids, kept.run_ids),
            "credited_by": _together(other.credited_by, kept.credited_by),
            "pardoned": _together(other.pardoned, kept.pardoned),
            "contradicts": [
                id for id in _together(other.contradicts, kept.contradicts) if id not in (kept.id, other.id)
            ],
            "updated_at": now(),
        }
    )


def _common_uses(some: Sequence[Use], others: Sequence[Use], verdict: Verdict) -> int:
    first, second = ([use for use in told if use.verdict == verdict] for told in (some, others))
    return in_common(first, second, MOST_USES)


def _relinked(strategy: Strategy, kept_ids: Mapping[str, str]) -> Strategy:
    """Return the strategy with its links led on from what was merged away; one that was merged away itself stays as it is."""
    if strategy.id in kept_ids or not kept_ids.keys() & set(strategy.contradicts):
        return strategy
    now_linked = dict.fromkeys(kept_ids.get(id, id) for id in strategy.contradicts)
    return strategy.model_copy(update={"contradicts": [id for id in now_linked if id != strategy.id]})


async def _rename(bank: "Bank", kind: type[Owner], ids: Sequence[str], kept: Mapping[str, Strategy]) -> None:
    """Have the records that name a merged strategy name the kept one; the others are not read in full."""
    rows = await bank.cells(kind, ["learned"], id=ids) if ids else []
    naming = [row["id"] for row in rows if any(id in row["learned"] for id in kept)]
    if naming:
        await bank.amend([naming_kept(record, kept) for record in await bank.all(kind, id=naming)])


def _together(first: Iterable[str], second: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([*first, *second]))[-PROVENANCE_KEPT:]
