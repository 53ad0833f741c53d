"""Finds out whether a quote occurs in a trajectory; the rule of evidence rests on it."""

import re
from collections.abc import Callable
from typing import NamedTuple

from strategy_bank.tools.trajectory.text import composed, strip_controls

_ESCAPED_CHARACTER = re.compile(r"(?<!\\)\\++u([0-9a-fA-F]{4})")
_ESCAPE = re.compile(r"\\+[nrtbf]?")
_MARK = re.compile(r"^> ?", re.MULTILINE)
_QUOTATION_MARKS = dict.fromkeys(map(ord, "\"'“”‘’„«»"))
_WRAPPING = "\"'`“”‘’„«»….*"
# Shorter quotes occur everywhere by chance, so they count only as a whole line or value.
_LEAST_QUOTE = 3
# What agents change when they copy: articles, markup, dots for what they left out. Where it is folded, more must agree.
_MARKUP = re.compile(r"[*_`#>|~]|\b(?:a|an|the)\b")
_LEFT_OUT = re.compile(r"\.{3}|…")
_LEAST_PART = 10


Fold = Callable[[str], str]


class Place(NamedTuple):
    """Where a quote stands first, in what a way of folding makes of the text or in the text itself, and how often else."""

    fold: Fold | None
    start: int
    end: int
    others: int


class QuoteFinder:
    """Tells whether quotes occur in a text, and where. It folds the text once in each way, for all quotes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._made: dict[Fold, str] = {}

    def holds(self, quote: str) -> bool:
        """Return whether the quote occurs, whatever its white space, JSON escapes and the quotation marks around it.

        It may have been copied out of a request, where lines are marked and tags escaped (`tools/prompting.py`).
        """
        return bool(self.places(quote))

    def places(self, quote: str) -> list[Place]:
        """Return where the quote stands: several places for one that leaves parts out, none where it does not occur."""
        stored = _as_stored(quote)
        return self._places(quote) or self._places(stored) or self._alike(stored)

    def _places(self, quote: str) -> list[Place]:
        bare = strip_controls(quote).strip().strip(_WRAPPING).strip()
        if not bare:
            return []
        place = (
            self._verbatim(quote.strip())
            or self._place(squeezed, quote)
            or self._place(unescaped, quote)
            or (self._line(bare) if len(bare) < _LEAST_QUOTE else None)
        )
        return [place] if place else []

    def _verbatim(self, quote: str) -> Place | None:
        """Find what `squeezed` finds too, but at once and exactly."""
        at = self._text.find(quote) if len(squeezed(quote)) >= _LEAST_QUOTE else -1
        return Place(None, at, at + len(quote), self._text.count(quote) - 1) if at >= 0 else None

    def _place(self, fold: Fold, quote: str) -> Place | None:
        """Find a folded quote. It may stand in quotation marks or between ellipses that the text does not have."""
        text, whole = self._folded_by(fold), fold(quote)
        for form in (whole, whole.strip(_WRAPPING)):
            at = text.find(form) if len(form) >= _LEAST_QUOTE else -1
            if at >= 0:
                return Place(fold, at, at + len(form), text.count(form) - 1)
        return None

    def _line(self, bare: str) -> Place | None:
        line = rf"^(?:\[[0-9]+\] [a-z][^:\n]*: )?[ \t]*({re.escape(bare)})[ \t]*$"
        lines = [*re.finditer(line, self._text, re.MULTILINE)] if any(map(str.isalnum, bare)) else []
        return Place(None, *lines[0].span(1), len(lines) - 1) if lines else None

    def _alike(self, quote: str) -> list[Place]:
        """Find the parts of a quote one after the other, apart from case, articles and markup."""
        places, after = list[Place](), 0
        for part in filter(None, map(folded, _LEFT_OUT.split(quote))):
            text = self._folded_by(folded)
            found = text.find(part, after) if len(part) >= _LEAST_PART else -1
            if found < 0:
                return []
            after = found + len(part)
            places.append(Place(folded, found, after, text.count(part) - 1))
        return places

    def _folded_by(self, fold: Fold) -> str:
        if fold not in self._made:
            self._made[fold] = fold(self._text)
        return self._made[fold]


def folded(text: str) -> str:
    """Squeeze a text without what agents change when they copy it."""
    return squeezed(_MARKUP.sub("", _unquoted(text.casefold())))


def _unquoted(text: str) -> str:
    return text.translate(_QUOTATION_MARKS)


def _as_stored(quote: str) -> str:
    return _MARK.sub("", quote).replace("&lt;", "<").replace("&amp;", "&")


def squeezed(text: str) -> str:
    """Remove all white space, so that wrapping, indenting and compact JSON make no difference."""
    return "".join(strip_controls(text).split())


def unescaped(text: str) -> str:
    """Squeeze the text, in NFC and without the backslashes of JSON strings, however often they were escaped."""
    if "\\" in text:
        text = _ESCAPED_CHARACTER.sub(lambda match: chr(int(match[1], 16)), text)
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        text = _ESCAPE.sub("", text)
    return squeezed(composed(text))
