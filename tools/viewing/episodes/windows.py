"""Folds long texts for a page: the beginning, the end, and what somebody wants to see of the middle, with marks on words.

An edge never cuts an escape, a letter and its marks, or an emoji.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

Span = tuple[int, int]
READ_ON = 10_000
"""Characters that are shown from a place on that was asked for."""
_ESCAPE = re.compile(r"(?:\\+u[0-9a-fA-F]{4}){1,2}|\\+u\{[0-9a-f]{1,6}\}|\\+.")
_LONGEST_ESCAPE = 24
_LINE, _WORD = 200, 40  # characters that an edge goes back to the beginning of a line or a word
_LEAST_GAP = 300  # characters that are worth leaving out
_JOINERS = "\u200d\ufe0e\ufe0f" + "".join(map(chr, range(0x1F3FB, 0x1F400)))


@dataclass(frozen=True)
class Mark:
    """Words to be marked: the quote of a number, from 1 on, or what was searched for."""

    start: int
    end: int
    quote: int = 0


@dataclass(frozen=True)
class Stretch:
    """Text under the same marks. `anchors` are names of places that begin here."""

    text: str
    quotes: tuple[int, ...] = ()
    found: bool = False
    anchors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Piece:
    """A piece of a text that is shown, or left out: then it has no stretches."""

    start: int
    end: int
    stretches: tuple[Stretch, ...] = ()

    @property
    def left_out(self) -> int:
        return 0 if self.stretches else self.end - self.start

    @property
    def last(self) -> int:
        """The place from which what is left out is read to its end; its beginning where all of it is."""
        return max(self.start, self.end - READ_ON)


def edge(text: str, place: int, low: int = 0) -> int:
    """Return where a text may be cut, at or a little before a place: at a line, else at a word."""
    if not low < place < len(text):
        return min(max(place, low), len(text))
    line = text.rfind("\n", max(low, place - _LINE), place)
    if line >= 0:
        return line + 1
    word = text.rfind(" ", max(low, place - _WORD), place)
    return word + 1 if word >= 0 else _unbroken(text, place, low)


def _unbroken(text: str, place: int, low: int) -> int:
    begin = max(low, place - _LONGEST_ESCAPE)
    for found in _ESCAPE.finditer(text, begin, place + _LONGEST_ESCAPE):
        if found.start() < place < found.end():
            return found.start()
    while begin < place and (_joins(text[place]) or text[place - 1] == "\u200d"):
        place -= 1
    return place


def _joins(letter: str) -> bool:
    return letter in _JOINERS or unicodedata.combining(letter) > 0 or unicodedata.category(letter) == "Mn"


def folded_around(text: str, whole: Span, wanted: Iterable[Span], head: int, tail: int) -> list[Span]:
    """Return the spans of a part that are shown: so many characters of its head and its tail, and what is wanted of it."""
    start, end = whole
    if end - start <= head + tail + _LEAST_GAP:
        return [whole]
    spans = [(start, start + head), (end - tail, end)]
    spans += [(max(start, low), min(end, high)) for low, high in wanted if low < end and start < high]
    shown = list[Span]()
    for wished, high in sorted(spans):
        low = edge(text, wished, start)
        if shown and low <= shown[-1][1] + _LEAST_GAP:
            shown[-1] = shown[-1][0], max(shown[-1][1], high)
        else:
            shown.append((low, high))
    return [(low, edge(text, high, low) if high < end else end) for low, high in shown]


def pieces(
    text: str, whole: Span, shown: Sequence[Span], marks: Sequence[Mark], anchors: dict[str, int]
) -> list[Piece]:
    """Return a part as what is shown and what is left out between. Anchors are taken out of `anchors` where they begin."""
    made, place = list[Piece](), whole[0]
    for start, end in shown:
        if place < start:
            made.append(Piece(place, start))
        made.append(Piece(start, end, tuple(_stretches(text, start, end, marks, anchors))))
        place = end
    return [*made, Piece(place, whole[1])] if place < whole[1] else made


def _stretches(text: str, start: int, end: int, marks: Sequence[Mark], anchors: dict[str, int]) -> Iterator[Stretch]:
    inside = [mark for mark in marks if mark.start < end and start < mark.end]
    here = {name: max(place, start) for name, place in anchors.items() if place < end}
    edges = {start, end, *here.values(), *(at for mark in inside for at in (mark.start, mark.end) if start < at < end)}
    if start == end:
        yield Stretch("")
    for low, high in pairwise(sorted(edges)):
        over = [mark for mark in inside if mark.start <= low and high <= mark.end]
        own = tuple(name for name, place in here.items() if place == low)
        for name in own:
            del anchors[name]
        quotes = tuple(mark.quote for mark in over if mark.quote)
        yield Stretch(text[low:high], quotes, any(not mark.quote for mark in over), own)


def folded_text(text: str, head: int, tail: int) -> list[Piece]:
    """Return a text with its middle left out where it is long."""
    whole = 0, len(text)
    return pieces(text, whole, folded_around(text, whole, (), head, tail), (), {})
