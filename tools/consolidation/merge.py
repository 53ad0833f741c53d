"""Where a new strategy goes: beside the old ones, or into one that says the same.

Merging adds provenance and support and leaves the old text as it is: banks that rewrite themselves collapse."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from strategy_bank.store.records import GLOBAL_SCOPE, PROVENANCE_KEPT, Strategy, now

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.consolidation.neighbours import Neighbour

_MERGED_INTO = "merged into "


def same_lesson(new: Strategy, neighbours: "Iterable[Neighbour]") -> Strategy | None:
    """The strategy that says what the new one says, if any. Same words with the opposite advice are not the same.

    A quarantined one takes nothing in, which it would hide, and goes into nothing, which it would support.
    """
    for near in neighbours:
        old = near.strategy
        if old.id == new.id or (
            near.likeness.same and "quarantined" not in (old.status, new.status) and old.outcome == new.outcome
        ):
            return old
    return None


def left_open(new: Strategy, neighbours: "Iterable[Neighbour]") -> Strategy | None:
    """The active one most like an active new one, where the comparison cannot tell whether they say the same."""
    like = [
        near
        for near in neighbours
        if near.likeness.open
        and near.strategy.status == new.status == "active"
        and near.strategy.outcome == new.outcome
    ]
    return min(like, key=lambda near: near.likeness.unanswered).strategy if like else None


def opposites(new: Strategy, neighbours: "Iterable[Neighbour]") -> list[Strategy]:
    """Active ones that seem to advise the opposite of an active new one: kept beside it, and recalled with it."""
    active = new.status == "active"
    return [
        near.strategy for near in neighbours if active and near.likeness.contrary and near.strategy.status == "active"
    ]


def linked(strategy: Strategy, other: Strategy) -> Strategy:
    """The strategy with a link to one that advises the opposite."""
    if other.id in strategy.contradicts:
        return strategy
    return strategy.model_copy(update={"contradicts": [*strategy.contradicts, other.id][-PROVENANCE_KEPT:]})


def merged(old: Strategy, new: Strategy) -> Strategy:
    """The old strategy with the new one's provenance; told twice by the same episodes it counts once."""
    added = [id for id in new.episode_ids if id not in old.episode_ids]
    if not added and set(new.run_ids) <= set(old.run_ids):
        return old
    return old.model_copy(
        update={
            "support": old.support + 1,
            "episode_ids": [*old.episode_ids, *added][-PROVENANCE_KEPT:],
            "run_ids": list(dict.fromkeys([*old.run_ids, *new.run_ids]))[-PROVENANCE_KEPT:],
            "updated_at": now(),
        }
    )


async def unite(bank: "Bank", pairs: Sequence[tuple[str, str]]) -> dict[str, Strategy]:
    """Within a step: of each pair (kept, other) the other goes into the kept one, where both are active now.

    Returns the kept strategies by the id of what went into them, now or when this was done before. The others are retired, and
    can be reinstated.
    """
    current = {each.id: each for each in await bank.all(Strategy, id=sorted({id for pair in pairs for id in pair}))}
    changed, kept_of = dict[str, Strategy](), dict[str, Strategy]()
    for kept, other in ((current.get(kept), current.get(other)) for kept, other in pairs):
        if kept is None or other is None:
            continue
        if other.status_reason == merged_into(kept.id):
            kept_of[other.id] = kept
        elif kept.status == other.status == "active":
            current[kept.id] = changed[kept.id] = kept_of[other.id] = joined(kept, other)
            away = {"status": "retired", "status_reason": merged_into(kept.id), "updated_at": now()}
            current[other.id] = changed[other.id] = other.model_copy(update=away)
    await bank.amend(list(changed.values()))
    return kept_of


async def survivor(bank: "Bank", strategy: Strategy) -> Strategy:
    """The strategy that it went into, however often that went on; itself, where it went into none that is still there."""
    passed = {strategy.id}
    while strategy.status == "retired" and strategy.status_reason.startswith(_MERGED_INTO):
        kept = await bank.find(Strategy, strategy.status_reason.removeprefix(_MERGED_INTO))
        if kept is None or kept.id in passed:  # an imported file may say anything
            break
        passed.add(kept.id)
        strategy = kept
    return strategy


def merged_into(id: str) -> str:
    """Why a strategy is retired that went into another."""
    return f"{_MERGED_INTO}{id}"


def joined(kept: Strategy, other: Strategy) -> Strategy:
    """The kept strategy with all that is known of the other one: counters add up, provenance is put together.

    Lessons of two projects that say the same become global: two projects taught them independently.
    """
    scopes = {kept.scope, other.scope}
    return kept.model_copy(
        update={
            "scope": kept.scope if len(scopes) == 1 else GLOBAL_SCOPE,
            "status_reason": kept.status_reason
            if len(scopes) == 1 or GLOBAL_SCOPE in scopes
            else f"global: taught independently in {' and '.join(sorted(scopes))}",
            "support": kept.support + other.support,
            "helped": kept.helped + other.helped,
            "hurt": kept.hurt + other.hurt,
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


def _together(first: list[str], second: list[str]) -> list[str]:
    return list(dict.fromkeys([*first, *second]))[-PROVENANCE_KEPT:]
