"""Finds out whether a quote occurs in a trajectory; the rule of evidence rests on it."""

import re
from functools import cached_property

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


class QuoteFinder:
    """Tells whether quotes occur in a text. It folds the text once, for all quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def holds(self, quote: str) -> bool:
        """Return whether the quote occurs, whatever its white space, JSON escapes and the quotation marks around it.

        It may have been copied out of a request, where lines are marked and tags escaped (`tools/prompting.py`).
        """
        return self._holds(quote) or self._holds(_as_stored(quote)) or self._holds_alike(_as_stored(quote))

    def _holds(self, quote: str) -> bool:
        bare = strip_controls(quote).strip().strip(_WRAPPING).strip()
        if not bare:
            return False
        return (
            _occurs(_squeezed(quote), self._squeezed)
            or _occurs(_unescaped(quote), self._unescaped)
            or (len(bare) < _LEAST_QUOTE and self._has_line(bare))
        )

    def _holds_alike(self, quote: str) -> bool:
        """Return whether the parts of a quote occur one after the other, apart from case, articles and markup."""
        parts = [part for part in map(_folded, _LEFT_OUT.split(quote)) if part]
        place = 0
        for part in parts:
            found = self._folded.find(part, place) if len(part) >= _LEAST_PART else -1
            if found < 0:
                return False
            place = found + len(part)
        return bool(parts)

    @cached_property
    def _folded(self) -> str:
        return _folded(self._text)

    @cached_property
    def _squeezed(self) -> str:
        return _squeezed(self._text)

    @cached_property
    def _unescaped(self) -> str:
        return _unescaped(self._text)

    def _has_line(self, bare: str) -> bool:
        line = rf"^(?:\[[0-9]+\] [a-z][^:\n]*: )?[ \t]*{re.escape(bare)}[ \t]*$"
        return any(map(str.isalnum, bare)) and re.search(line, self._text, re.MULTILINE) is not None


def _folded(text: str) -> str:
    """Squeeze a text without what agents change when they copy it."""
    return _squeezed(_MARKUP.sub("", _unquoted(text.casefold())))


def _unquoted(text: str) -> str:
    return text.translate(_QUOTATION_MARKS)


def _as_stored(quote: str) -> str:
    return _MARK.sub("", quote).replace("&lt;", "<").replace("&amp;", "&")


def _occurs(quote: str, text: str) -> bool:
    """Compare folded texts. The quote may stand in quotation marks or between ellipses that the text does not have."""
    return any(len(form) >= _LEAST_QUOTE and form in text for form in (quote, quote.strip(_WRAPPING)))


def _squeezed(text: str) -> str:
    """Remove all white space, so that wrapping, indenting and compact JSON make no difference."""
    return "".join(strip_controls(text).split())


def _unescaped(text: str) -> str:
    """Squeeze the text, in NFC and without the backslashes of JSON strings, however often they were escaped."""
    if "\\" in text:
        text = _ESCAPED_CHARACTER.sub(lambda match: chr(int(match[1], 16)), text)
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        text = _ESCAPE.sub("", text)
    return _squeezed(composed(text))
