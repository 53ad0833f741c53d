"""What waits for a person: held lessons, corrections, opposites, lessons that a rule retired, attempts without a verdict.

Of each the oldest come first, and only as many are read as are shown: a bank may hold a hundred thousand lessons.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from strategy_bank.store.records import FOR_A_PERSON, Episode, Proposal, Run, Strategy, Worded
from strategy_bank.tools.curation.decisions import contradictions, look_of
from strategy_bank.tools.curation.words import key_of
from strategy_bank.tools.learning.credit import HURT
from strategy_bank.tools.viewing.causes import Place, causes
from strategy_bank.tools.viewing.sources import Some, Source, first, lessons_of, sources_of
from strategy_bank.tools.viewing.word_diff import Span, word_diff

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

SHOWN = 20
"""Number of items of one kind that are read."""
LONGEST = 4_000
"""Number of characters of each text of a lesson that is shown; a report's is shorter, but a file may bring any."""
_TAUGHT_BY = 3
"""Number of reports that are named for a lesson."""
_EPISODE = re.compile(r"\bep_\w+")
_OF_AN_ATTEMPT = ["created_at", "reason", "client", "run_id", "attempt"]
_OF_A_RUN = ["created_at", "reason", "status"]
_PROPOSALS = TypeAdapter(list[Proposal])


@dataclass(frozen=True)
class Piece:
    """A piece of a text, and whether it is one for which a lesson is held."""

    text: str
    marked: bool


@dataclass(frozen=True)
class Held:
    """A lesson that no agent sees until a person lets it in, its words in pieces, and the reports that taught it first."""

    lesson: Strategy
    look: str
    title: Sequence[Piece]
    description: Sequence[Piece]
    content: Sequence[Piece]
    sources: Sequence[Source]

    @property
    def is_marked(self) -> bool:
        """Whether it is known which words cause it."""
        return any(piece.marked for piece in (*self.title, *self.description, *self.content))

    @property
    def is_whole(self) -> bool:
        """Whether all of its words are here: nobody should let in what he has not seen."""
        return is_whole(self.lesson)


@dataclass(frozen=True)
class Correction:
    """Other words for a lesson, told apart from those it has. `key` names it among the corrections of its lesson."""

    lesson: Strategy
    look: str
    proposal: Proposal
    key: str
    title: Sequence[Span]
    description: Sequence[Span]
    content: Sequence[Span]
    source: Source

    @property
    def is_whole(self) -> bool:
        return is_whole(self.lesson) and is_whole(self.proposal)


@dataclass(frozen=True)
class Opposites:
    """Two lessons in use that seem to advise the opposite, the older first, and their looks."""

    one: Strategy
    other: Strategy
    looks: tuple[str, str]


@dataclass(frozen=True)
class Retired:
    """A lesson that was retired for what came of its uses: why, and the episodes that decided it."""

    lesson: Strategy
    look: str
    why: str
    episodes: Sequence[Source]


@dataclass(frozen=True)
class Waiting:
    """All that waits."""

    held: Some[Held]
    corrections: Some[Correction]
    opposites: Some[Opposites]
    retired: Some[Retired]
    pending: Some[Episode | Run]

    @property
    def total(self) -> int:
        return sum(some.total for some in (self.held, self.corrections, self.opposites, self.retired, self.pending))


async def waiting(bank: "Bank", shown: int = SHOWN) -> Waiting:
    """Return what waits in the bank, `shown` of each kind."""
    return Waiting(
        await held(bank, shown),
        await corrections(bank, shown),
        await opposites(bank, shown),
        await retired(bank, shown),
        await pending(bank, shown),
    )


async def held(bank: "Bank", shown: int = SHOWN) -> Some[Held]:
    """Return the lessons that agents do not see."""
    found = await first(bank, Strategy, shown, status=list(FOR_A_PERSON))
    sources = await sources_of(bank, [id for each in found.items for id in _taught_by(each)])
    return Some([marked(each, [sources[id] for id in _taught_by(each)]) for each in found.items], found.total)


async def corrections(bank: "Bank", shown: int = SHOWN) -> Some[Correction]:
    """Return the corrections of lessons in use: those that a person must let in, then those that wait for a second task."""
    from strategy_bank.store.lance.filters import Other  # brings lancedb

    rows = await bank.cells(Strategy, ["proposals"], status="active", proposals=Other(""))
    found = [(row["id"], each) for row in rows for each in _PROPOSALS.validate_json(row["proposals"])]
    first = sorted(found, key=lambda each: not each[1].waits)[:shown]
    lessons = await lessons_of(bank, [id for id, _ in first])
    sources = await sources_of(bank, [each.proposed_by for _, each in first])
    items = [_correction(lessons[id], each, sources[each.proposed_by]) for id, each in first if id in lessons]
    return Some(items, len(found))


async def opposites(bank: "Bank", shown: int = SHOWN) -> Some[Opposites]:
    """Return the pairs of lessons in use that contradict each other."""
    pairs = await contradictions(bank)
    lessons = await lessons_of(bank, [id for pair in pairs[:shown] for id in pair])
    there = [(lessons[one], lessons[other]) for one, other in pairs[:shown] if {one, other} <= lessons.keys()]
    return Some([Opposites(one, other, (look_of(one), look_of(other))) for one, other in there], len(pairs))


async def retired(bank: "Bank", shown: int = SHOWN) -> Some[Retired]:
    """Return the lessons that the rule retired and on which no person has decided since."""
    from strategy_bank.store.lance.filters import Beginning  # brings lancedb

    found = await first(bank, Strategy, shown, status="retired", status_reason=Beginning(HURT))
    deciding = [list(dict.fromkeys(_EPISODE.findall(each.status_reason))) for each in found.items]
    sources = await sources_of(bank, [id for ids in deciding for id in ids])
    items = [_retired(each, [sources[id] for id in ids]) for each, ids in zip(found.items, deciding, strict=True)]
    return Some(items, found.total)


async def pending(bank: "Bank", shown: int = SHOWN) -> Some[Episode | Run]:
    """Return attempts that nobody has judged, without their trajectories, then runs that nobody has compared."""
    episodes = await first(bank, Episode, shown, _OF_AN_ATTEMPT, status="pending")
    runs = await first(bank, Run, shown - len(episodes.items), _OF_A_RUN, status="comparison_needed")
    return Some([*episodes.items, *runs.items], episodes.total + runs.total)


def is_whole(words: Worded) -> bool:
    """Return whether words are short enough to be shown in full."""
    return max(map(len, (words.title, words.description, words.content))) <= LONGEST


def _taught_by(lesson: Strategy) -> list[str]:
    return [*lesson.episode_ids, *lesson.run_ids][:_TAUGHT_BY]


def marked(lesson: Strategy, sources: Sequence[Source] = ()) -> Held:
    """Return a lesson that waits with the words marked for which it is held."""
    places = causes(lesson.wording, lesson.copied) if is_whole(lesson) else ()
    texts = (lesson.title, lesson.description, lesson.content)
    starts = (0, len(texts[0]) + 1, len(texts[0]) + len(texts[1]) + 2)  # as `wording` puts them together
    title, description, content = (
        _pieces(text[:LONGEST], [(max(0, begin - start), min(len(text), end - start)) for begin, end in places])
        for text, start in zip(texts, starts, strict=True)
    )
    return Held(lesson, look_of(lesson), title, description, content, sources)


def _pieces(text: str, places: Sequence[Place]) -> list[Piece]:
    """Return a text in pieces, those at the places marked, which may lie outside of it."""
    pieces, at = list[Piece](), 0
    for start, end in places:
        pieces += [Piece(text[at : max(at, start)], False), Piece(text[max(at, start) : max(at, end)], True)]
        at = max(at, end)
    return [piece for piece in [*pieces, Piece(text[at:], False)] if piece.text]


def _correction(lesson: Strategy, proposal: Proposal, source: Source) -> Correction:
    title, description, content = (
        word_diff(getattr(lesson, name)[:LONGEST], getattr(proposal, name)[:LONGEST])
        for name in ("title", "description", "content")
    )
    return Correction(lesson, look_of(lesson), proposal, key_of(proposal), title, description, content, source)


def _retired(lesson: Strategy, episodes: Sequence[Source]) -> Retired:
    why = lesson.status_reason.removeprefix(HURT).partition("; it failed in")[0]
    return Retired(lesson, look_of(lesson), why, episodes)
