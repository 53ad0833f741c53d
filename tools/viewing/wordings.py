"""What changed from one wording of a lesson to another, part by part."""

from dataclasses import dataclass

from strategy_bank.store.records import Proposal, Revision, Strategy, Worded
from strategy_bank.tools.viewing.word_diff import Span, word_diff

LONGEST = 20_000
"""Characters of a lesson's text that a person is shown. A report's lessons have 2,000; only what was imported may have more."""


@dataclass(frozen=True)
class Changes:
    """The parts of a lesson's words as spans; a part that did not change is one span."""

    title: list[Span]
    description: list[Span]
    content: list[Span]


@dataclass(frozen=True)
class Former:
    """A former wording: its number, as `revert` takes it, and what changed from it to the wording that came next."""

    number: int
    revision: Revision
    changes: Changes


def changes(old: Worded, new: Worded) -> Changes:
    texts = ((old.title, new.title), (old.description, new.description), (old.content, new.content))
    return Changes(*(word_diff(before[:LONGEST], after[:LONGEST]) for before, after in texts))


def former_wordings(strategy: Strategy, limit: int) -> list[Former]:
    """Return the former wordings of a lesson, the newest first, at most `limit` of them."""
    wordings: list[Worded] = [*strategy.revisions, strategy]
    numbered = list(enumerate(zip(strategy.revisions, wordings[1:], strict=True), 1))[-limit:]
    return [Former(number, old, changes(old, new)) for number, (old, new) in reversed(numbered)]


def proposed(strategy: Strategy) -> list[tuple[Proposal, Changes]]:
    """Return the corrections that wait, the oldest first, each with what it would change."""
    return [(each, changes(strategy, each)) for each in strategy.proposals]
