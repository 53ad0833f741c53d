"""Finds the quotes of a judgement where they stand in a trajectory, by the same rules as the rule of evidence.

The rules compare texts without their white space, escapes or markup. A place in such a text is led back to the trajectory by
folding small pieces of it, cut where folding the pieces and folding the whole give the same.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from strategy_bank.tools.judging.quotes import Fold, Place, QuoteFinder

Span = tuple[int, int]  # offsets in a trajectory
_PIECE, _LEAST = 4096, 6
# Around white space; behind a sign before other ASCII, neither of them a backslash or a quotation mark; inside a long run of
# ASCII letters and digits; between letters of scripts without spaces. There no escape, article or composed letter is cut.
_UNSPACED = "\u0e01-\u0e2e\u1000-\u1020\u1780-\u17a2\u3041-\u3096\u30a1-\u30fa\u3400-\u9fff\U00020000-\U0003ffff"
_CUT = re.compile(
    r"(?<=[ \t\n])|(?=[ \t\n])|(?<=[!#$%&()*+,./:;<=>?@\[\]^{|}~-])(?=[\x20-\x5b\x5d-\x7e])"
    rf"|(?<=[0-9A-Za-z]{{6}})(?=[0-9A-Za-z]{{6}})|(?<=[{_UNSPACED}])(?=[{_UNSPACED}])"
)
_ATOM = re.compile(r"(?:\\+u[0-9a-fA-F]{4})+|\\+[nrtbf]?|[0-9A-Za-z]+|.", re.DOTALL)


@dataclass(frozen=True)
class QuotePlace:
    """A quote and where it stands first: several spans where it leaves parts out, none where it is not found.

    `others` counts the further places where the same stands.
    """

    text: str
    spans: Sequence[Span]
    others: int


def located(trajectory: str, quotes: Sequence[str]) -> list[QuotePlace]:
    """Return the quotes with their places, in the order that they came in."""
    finder, unfolded = QuoteFinder(trajectory), _Unfolded(trajectory)
    return [_located(quote, finder.places(quote), unfolded) for quote in quotes]


def _located(quote: str, places: Sequence[Place], unfolded: "_Unfolded") -> QuotePlace:
    spans = [(each.start, each.end) if each.fold is None else unfolded.span(each.fold, each) for each in places]
    return QuotePlace(quote, spans, min((each.others for each in places), default=0))


class _Unfolded:
    """Leads places in a folded text back to the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._cuts = list[int]()
        self._lengths: dict[Fold, list[int]] = {}  # of the folded pieces up to the end of each

    def span(self, fold: Fold, place: Place) -> Span:
        """Return what a place in the folded text stands for."""
        return self._character(fold, place.start)[0], self._character(fold, place.end - 1)[1]

    def _character(self, fold: Fold, at: int) -> Span:
        """Return what one character of the folded text was made of."""
        self._cuts = self._cuts or list(_cuts(self._text, 0, len(self._text), _PIECE))
        if fold not in self._lengths:
            self._lengths[fold] = _lengths(self._text, self._cuts, fold)
        return _within(self._text, self._cuts, self._lengths[fold], fold, at)


def _within(text: str, cuts: Sequence[int], lengths: Sequence[int], fold: Fold, at: int) -> Span:
    """Narrow a place down: to a piece, to a piece as small as can be cut, to a character."""
    piece = min(bisect_right(lengths, at), len(lengths) - 1)
    start, end = cuts[piece], cuts[piece + 1]
    at -= lengths[piece - 1] if piece else 0
    finer = list(_cuts(text, start, end, _LEAST))
    if len(finer) == 2:
        finer = [start, *(start + found.end() for found in _ATOM.finditer(text[start:end]))]
    lengths = _lengths(text, finer, fold)
    if len(fold(text[start:end])) == end - start:
        return start + at, start + at + 1
    if len(finer) == 2 or lengths[-1] != len(fold(text[start:end])):  # letters that only together make another
        return start, end
    return _within(text, finer, lengths, fold, at)


def _cuts(text: str, start: int, end: int, size: int) -> Iterator[int]:
    """Yield where a stretch of the text is cut into pieces of at least `size` characters, with its own start and end."""
    yield start
    while found := _CUT.search(text, start + size, end):
        if found.start() >= end:
            break
        start = found.start()
        yield start
    yield end


def _lengths(text: str, cuts: Sequence[int], fold: Fold) -> list[int]:
    return [*accumulate(len(fold(text[start:end])) for start, end in pairwise(cuts))]
