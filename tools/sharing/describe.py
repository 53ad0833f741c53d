"""Says what a strategy is, as Markdown for a person who looks at it, and what became of one, as a line for an agent."""

import re
from collections.abc import Sequence
from difflib import ndiff

from strategy_bank.store.records import LearnedStrategy, LessonAction, Revision, StatusChange, Strategy, Worded
from strategy_bank.store.visible_text import folded
from strategy_bank.tools.prompting import plain_id, quoted

ORIGINS = {"success": "a success", "failure": "a failure", "contrast": "comparing attempts"}
_MEANINGS: dict[LessonAction, str] = {
    "added": "",
    "merged": " (known; it keeps its words)",
    "amended": " (it has the new words now, the former ones are kept as a revision)",
    "proposed": " (it has a record: your words are shown under it until another task's report, of another session or with an "
    "outcome from the world, proposes the same)",
    "confirmed": " (in the words it had)",
    "waiting": " (agents see it once a person has let it in)",
}


def describe(strategy: Strategy, client: str = "", sources: Sequence[str] = ()) -> str:
    """Return the strategy as Markdown, with what the bank knows of it; client and sources are those of its first episode."""
    reason = f" ({folded(strategy.status_reason)})" if strategy.status_reason else ""
    lines = [
        f"# {plain_id(strategy.id)}\n",
        quoted(f"**{folded(strategy.title)}**\n\n*{folded(strategy.description)}*\n\n{strategy.content}"),
        "",
        f"- from: {ORIGINS[strategy.outcome]}, scope {folded(strategy.scope)}, {strategy.created_at:%Y-%m-%d}"
        f"{_told(client, sources, strategy.copied)}",
        f"- status: {strategy.status}{reason}",
        *([f"- caution: {folded(strategy.caution)}"] if strategy.caution else []),
        f"- told by {strategy.support}, helped {strategy.helped}, hurt {strategy.hurt}",
        f"- episodes: {_ids(strategy.episode_ids) or 'none'}",
    ]
    lines += [f"- runs: {_ids(strategy.run_ids)}"] if strategy.run_ids else []
    lines += [f"- advises the opposite of: {_ids(strategy.contradicts)}"] if strategy.contradicts else []
    lines += [f"- {_decided(each)}" for each in strategy.decisions]
    return "\n".join(lines)


def _told(client: str, sources: Sequence[str], copied: float) -> str:
    read = f"read {', '.join(sources)}" if sources else ""
    words = f"{100 * copied:.0f} % of its words stand in what was read" if copied else ""
    return "".join(f"; {folded(each)}" for each in (client, read, words) if each)


def _decided(decision: StatusChange) -> str:
    return f"decided {decision.changed_at:%Y-%m-%d %H:%M} UTC: {said(decision)}"


def said(decision: StatusChange) -> str:
    """Return what a person decided about a strategy, in words."""
    title = f": {folded(decision.proposal.title)}" if decision.proposal else ""
    match decision.what:
        case "status":
            reason = f" ({folded(decision.reason)})" if decision.reason else ""
            return f"{decision.before}{reason} → {decision.after}"
        case "parted":
            return f"stands beside its opposite {plain_id(decision.opposite)}"
        case "joined":
            return f"contradicts {plain_id(decision.opposite)} again"
        case "dropped":
            return f"a correction was dropped{title}"
        case "restored":
            return f"a correction waits again{title}"


def learned_line(learned: LearnedStrategy) -> str:
    """Return what became of a lesson as one line, in words that an agent understands."""
    return f"- {learned.action} {plain_id(learned.id)}: {folded(learned.title)}{_MEANINGS[learned.action]}"


def history(strategy: Strategy) -> str:
    """Return the former words of a strategy as differences to those that came next, and what waits to be confirmed."""
    wordings: list[Worded] = [*strategy.revisions, strategy]
    parts = [
        f"## Wording {number}, until {old.replaced_at:%Y-%m-%d %H:%M} UTC, {_hand(old)}\n\n{difference(old, new)}"
        for number, (old, new) in enumerate(zip(strategy.revisions, wordings[1:], strict=True), 1)
    ]
    parts += [
        f"## Proposed by {plain_id(each.proposed_by)}, {each.proposed_at:%Y-%m-%d %H:%M} UTC, not confirmed by another task\n\n"
        f"{difference(strategy, each)}"
        for each in strategy.proposals
    ]
    return "\n\n".join(parts)


def difference(old: Worded, new: Worded) -> str:
    """Return two wordings as one text: what only the old one says with -, what only the new one says with +."""
    lines = ndiff(_sentences(old), _sentences(new))
    return "\n".join(quoted(line) for line in lines if not line.startswith("?"))


def _sentences(lesson: Worded) -> list[str]:
    return [folded(lesson.title), folded(lesson.description), *re.split(r"(?<=[.!?])\s+|\n", lesson.content)]


def _hand(revision: Revision) -> str:
    """Return who replaced a wording, in words."""
    by_hand = {"edit": "edited by hand", "revert": "reverted by hand", "": "amended by what was forgotten"}
    proposed = f", as {plain_id(revision.proposed_by)} had proposed" if revision.proposed_by else ""
    return by_hand.get(revision.replaced_by, f"amended by {plain_id(revision.replaced_by)}{proposed}")


def _ids(ids: list[str]) -> str:
    return ", ".join(map(plain_id, ids))
