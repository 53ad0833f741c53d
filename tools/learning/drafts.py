"""Drafts of a judgement as strategies: no secrets in them, flagged for literals, quarantined for orders."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from strategy_bank.store.records import LessonOutcome, Strategy, content_id
from strategy_bank.tools.judging.models import StrategyDraft
from strategy_bank.tools.safety.literals import find_literals
from strategy_bank.tools.safety.order_detection import carries_orders, read_as_orders
from strategy_bank.tools.safety.redact import redact

QUARANTINED = "quarantined: "
CARRIED = "was drawn from a task or trajectory that carries orders"


@dataclass(frozen=True)
class Source:
    """What a lesson was drawn from: one episode, or all attempts of a run. `seen` is the text it must not quote."""

    task: str
    scope: str
    outcome: LessonOutcome
    episode_ids: list[str]
    run_ids: list[str]
    seen: str


@dataclass(frozen=True)
class Lessons:
    """Drafts as strategies, cleaned; with what the reporter must be told. `orders`: what in their source reads as orders."""

    strategies: list[Strategy]
    orders: str | None = None
    flagged_ids: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])


def strategies_of(drafts: Sequence[StrategyDraft], source: Source) -> Lessons:
    """Drafts without secrets; those that carry literals are flagged, those that read as orders are quarantined.

    So is everything that was drawn from a trajectory with orders in it.
    """
    lessons = Lessons([], carries_orders(source.seen))
    for draft in drafts:
        strategy = _strategy(draft, source, lessons.orders)
        if strategy.id in (known.id for known in lessons.strategies):
            continue
        lessons.strategies.append(strategy)
        if strategy.status == "quarantined":
            lessons.warnings.append(
                f"{strategy.title!r} {strategy.status_reason.removeprefix(QUARANTINED)}; it is kept for a person to "
                "review and is not shown to agents."
            )
        elif literals := find_literals(strategy.wording, source.seen):
            lessons.flagged_ids.append(strategy.id)
            lessons.warnings.append(
                f"{strategy.title!r} carries literals of this task: {', '.join(map(repr, literals))}. Say it in general "
                "words, so that it helps with other tasks."
            )
    return lessons


def _strategy(draft: StrategyDraft, source: Source, carried: str | None) -> Strategy:
    """What a trajectory with orders in it taught waits for a person too: a deceived judge words the order as advice."""
    title, description, content = (redact(text).text for text in (draft.title, draft.description, draft.content))
    strategy = Strategy(
        id=content_id("st", source.scope, title, description, content),
        title=title,
        description=description,
        content=content,
        outcome=source.outcome,
        scope=source.scope,
        source_task=source.task,
        episode_ids=source.episode_ids,
        run_ids=source.run_ids,
    )
    if orders := read_as_orders(strategy.wording) or (carried and f"{CARRIED} ({carried})"):
        return strategy.model_copy(update={"status": "quarantined", "status_reason": QUARANTINED + orders})
    return strategy
