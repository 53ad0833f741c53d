"""Makes strategies of a judgement's drafts: without secrets, flagged for literals, quarantined for orders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from strategy_bank.store.records import LessonOutcome, Strategy, content_id
from strategy_bank.tools.judging.judgement import DraftWords, StrategyDraft
from strategy_bank.tools.safety.admission import QUARANTINED, held, quarantined
from strategy_bank.tools.safety.copied_words import copied_share
from strategy_bank.tools.safety.literals import find_literals
from strategy_bank.tools.safety.prompt_injection import carries_orders
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.trajectory.text import strip_controls

CARRIED = "was drawn from a task or trajectory that carries orders"


@dataclass(frozen=True)
class Source:
    """The source of strategies: one episode, or all attempts of a run. `seen` is the text that they must not quote."""

    task: str
    scope: str
    outcome: LessonOutcome
    episode_ids: list[str] = field(default_factory=list[str])
    run_ids: list[str] = field(default_factory=list[str])
    seen: str = ""
    known: Mapping[str, str] = field(default_factory=dict[str, str])  # wordings of lessons that drafts amend, by id
    session: str = ""  # the connection that it came by
    trajectories: Sequence[str] = ()  # in normal form


@dataclass(frozen=True)
class Drafted:
    """Strategies made of drafts, with warnings for the reporter. `orders` says what in their source reads as orders.

    `amends` has the ids of known lessons that drafts are to amend, by the ids of the drafts, flagged ones included.
    """

    strategies: list[Strategy]
    orders: str | None = None
    flagged_ids: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])
    amends: dict[str, str] = field(default_factory=dict[str, str])


def strategies_of(drafts: Sequence[StrategyDraft], source: Source) -> Drafted:
    """Return the drafts as strategies without secrets. Those with literals are flagged.

    Those that read as orders are quarantined, and so is everything that was drawn from a trajectory with orders in it. These
    amend nothing.
    """
    drafted = Drafted([], carries_orders(source.seen))
    for draft in drafts:
        strategy = strategy_of(draft, source, drafted.orders)
        if strategy.id in (known.id for known in drafted.strategies):
            continue
        drafted.strategies.append(strategy)
        if strategy.status == "quarantined":
            drafted.warnings.append(
                f"{strategy.title!r} {strategy.status_reason.removeprefix(QUARANTINED)}; it is kept for a person to "
                "review and is not shown to agents."
            )
            continue
        if draft.amends:
            drafted.amends[strategy.id] = draft.amends
        known = source.known.get(draft.amends, "")
        if draft.holds == "generally" and (literals := _literals(strategy, source, known)):
            drafted.flagged_ids.append(strategy.id)
            drafted.warnings.append(
                f"{strategy.title!r} carries literals of this task: {', '.join(map(repr, literals))}. Say it in general "
                "words, so that it helps with other tasks, or mark it as a fact that holds here."
            )
    return drafted


def _literals(strategy: Strategy, source: Source, known: str) -> list[str]:
    """Return the literals of the task; what stands in the known lesson too belongs to more than this task."""
    return [each for each in find_literals(strategy.wording, source.seen) if each.casefold() not in known.casefold()]


def strategy_of(draft: DraftWords, source: Source, carried: str | None = None) -> Strategy:
    """Return the draft redacted, and quarantined where it, or what `carried` names in its source, reads as orders."""
    title, description, content = (
        redact(text).text for text in clean_words(draft.title, draft.description, draft.content)
    )
    strategy = Strategy(
        id=content_id("st", source.scope, title, description, content),
        title=title,
        description=description,
        content=content,
        outcome=source.outcome,
        holds=draft.holds,
        scope=source.scope,
        source_task=source.task,
        episode_ids=source.episode_ids,
        run_ids=source.run_ids,
        session=source.session,
    )
    copied = max((copied_share(strategy.wording, each, source.task) for each in source.trajectories), default=0.0)
    strategy = strategy.model_copy(update={"copied": round(copied, 3)})
    # a judge that a trajectory with orders deceived words the order as advice, so that waits for a person too
    found = held(strategy)
    return quarantined(strategy, f"{CARRIED} ({carried})") if carried and found.status == "active" else found


def clean_words(title: str, description: str, content: str) -> tuple[str, str, str]:
    """Return title and description as one line each, and the content as lines, all without control characters."""
    title, description = (strip_controls(" ".join(text.split())) for text in (title, description))
    return title, description, strip_controls("\n".join(content.splitlines())).strip()
