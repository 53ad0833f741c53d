"""A page of a trajectory: some of its parts, the long ones folded, with quotes and found words marked where they stand."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice

from strategy_bank.tools.viewing.episodes.quotes import QuotePlace
from strategy_bank.tools.viewing.episodes.steps import Part, Trail, in_pairs
from strategy_bank.tools.viewing.episodes.windows import READ_ON, Mark, Piece, edge, folded_around, pieces

PAGE_PARTS, PAGE_CHARS = 60, 20_000
HEAD, TAIL = 1_600, 800  # characters that are shown of a long part
_BEFORE, _AROUND = 200, 300  # characters before a place that was asked for, and around a quote
_MARKED = 500  # found words that are marked on a page
SEARCHED, LISTED, COUNTED = 200, 100, 5_000  # characters that are searched for; places that are listed, and counted
_BESIDE = 50  # characters beside found words in the list
_LEADING = 6
"""Parts of a step before the one that is asked for."""


@dataclass(frozen=True)
class ShownPart:
    part: Part
    pieces: Sequence[Piece]


@dataclass(frozen=True)
class ShownStep:
    """What a page shows of a step: all of its parts, or the first or last of many."""

    number: int
    parts: Sequence[ShownPart]


@dataclass(frozen=True)
class Match:
    """Words that were found at an offset, with what stands beside them."""

    at: int
    step: int
    before: str
    words: str
    after: str


@dataclass(frozen=True)
class Matches:
    """What a search found. `number` stops at COUNTED."""

    words: str
    number: int
    listed: Sequence[Match]


@dataclass(frozen=True)
class TrajectoryPage:
    """Steps, and the offsets from which the pages before and after it begin; None at the ends.

    `quoted` are the numbers of the quotes that are on this page.
    """

    steps: Sequence[ShownStep]
    before: int | None
    after: int | None
    quoted: frozenset[int]
    length: int


def page(trail: Trail, at: int, quotes: Sequence[QuotePlace] = (), found: Sequence[Mark] = ()) -> TrajectoryPage:
    """Return the page that begins with the part in which the offset `at` stands, and shows that place."""
    at = min(max(at, 0), max(len(trail.text) - 1, 0))
    quoted = [Mark(*span, number) for number, quote in enumerate(quotes, 1) for span in quote.spans]
    anchors = {f"quote-{mark.quote}": mark.start for mark in reversed(quoted)}
    there = trail.at(at)
    first = place = _with_its_call(trail, there) if at > trail[there].label else there
    anchors["at"] = at
    anchors = {name: start for name, start in anchors.items() if start >= trail[first].label}
    shown, chars = list[ShownPart](), 0
    while place < len(trail) and place - first < PAGE_PARTS and chars < PAGE_CHARS:
        shown.append(_shown(trail, trail[place], at if place == there else None, [*quoted, *found], anchors))
        chars += sum(each.end - each.start for each in shown[-1].pieces if each.stretches)
        place += 1
    steps = [ShownStep(number, _in_pairs([*parts])) for number, parts in groupby(shown, lambda each: each.part.number)]
    seen = frozenset(
        number for each in shown for piece in each.pieces for part in piece.stretches for number in part.quotes
    )
    after = trail[place].label if place < len(trail) else None
    return TrajectoryPage(steps, _before(trail, first), after, seen, len(trail.text))


def _with_its_call(trail: Trail, place: int) -> int:
    """Return the place of the first part of a step, if it is near: a result says little without its call."""
    begin = place
    while begin > 0 and place - begin < _LEADING and trail[begin - 1].number == trail[place].number:
        begin -= 1
    return begin if begin == 0 or trail[begin - 1].number != trail[place].number else place


def _shown(trail: Trail, part: Part, at: int | None, marks: Sequence[Mark], anchors: dict[str, int]) -> ShownPart:
    whole = part.start, part.end
    wanted = [(mark.start - _AROUND, mark.end + _AROUND) for mark in marks if mark.quote]
    if at is not None and at > part.start:
        wanted.append((at - _BEFORE, at + READ_ON))
    spans = folded_around(trail.text, whole, wanted, HEAD, TAIL)
    return ShownPart(part, pieces(trail.text, whole, spans, marks, anchors))


def _in_pairs(parts: Sequence[ShownPart]) -> list[ShownPart]:
    by_part = {each.part: each for each in parts}
    return [by_part[part] for part in in_pairs(by_part)]


def _before(trail: Trail, first: int) -> int | None:
    """Return where the page begins that ends before a part."""
    place, chars = first, 0
    while place > 0 and first - place < PAGE_PARTS and chars < PAGE_CHARS:
        place -= 1
        part = trail[place]
        chars += min(part.end - part.start, HEAD + TAIL)
    return trail[place].label if place < first else None


def ending(trail: Trail, parts: int, head: int, tail: int) -> list[ShownPart]:
    """Return the last parts of a trajectory, shorter than on its own page."""
    last = [trail[place] for place in range(max(0, len(trail) - parts), len(trail))]
    folds = [(part, folded_around(trail.text, (part.start, part.end), (), head, tail)) for part in last]
    return [ShownPart(part, pieces(trail.text, (part.start, part.end), spans, (), {})) for part, spans in folds]


def search(trail: Trail, words: str) -> Matches:
    """Find words in any case and with any white space between them; labels are not searched."""
    number, listed = 0, list[Match]()
    for part, start, end in _found(trail, words, 0):
        number += 1
        if number <= LISTED:
            listed.append(_match(trail, part, start, end))
        if number == COUNTED:
            break
    return Matches(_sought(words), number, listed)


def found_from(trail: Trail, words: str, at: int) -> list[Mark]:
    """Return the found words that are marked on the page of an offset."""
    begin = trail[trail.at(at)].label
    return [Mark(start, end) for _, start, end in islice(_found(trail, words, begin), _MARKED)]


def _sought(words: str) -> str:
    return " ".join(words[:SEARCHED].split())


def _found(trail: Trail, words: str, begin: int) -> Iterator[tuple[Part, int, int]]:
    pattern = re.compile(r"\s++".join(map(re.escape, _sought(words).split())), re.IGNORECASE)
    part = trail[trail.at(begin)]
    for found in pattern.finditer(trail.text, begin) if pattern.pattern else ():
        if found.start() >= part.end:
            part = trail[trail.at(found.start())]
        if found.start() >= part.start:
            yield part, *found.span()


def _match(trail: Trail, part: Part, start: int, end: int) -> Match:
    text = trail.text
    low, high = max(part.start, start - _BESIDE), min(part.end, end + _BESIDE)
    before = text[edge(text, low, part.start) : start]
    after = text[end : edge(text, high, end) if high < part.end else high]
    return Match(start, part.number, before, text[start:end], after)
