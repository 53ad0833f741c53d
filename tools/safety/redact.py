"""Takes secrets out of a text before it is written anywhere. What a secret looks like is said in `secret_rules.toml`."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, cast

from strategy_bank.tools.safety.hidden_secrets import in_base64, in_parts, in_percent_signs
from strategy_bank.tools.safety.rule_file import word
from strategy_bank.tools.safety.secret_keys import ASSIGNED_KINDS, assigned
from strategy_bank.tools.safety.secret_rules import Rule, contexts, formats
from strategy_bank.tools.safety.secret_values import FILE, is_mixed


@dataclass(frozen=True)
class Redaction:
    """A text without its secrets, and the sorted kinds (never the values) of what was taken out."""

    text: str
    kinds: tuple[str, ...]


class _Span(NamedTuple):
    """A secret in a text. Of two that start together the lower rank names the kind."""

    start: int
    rank: int
    end: int
    kind: str


class _Rules(NamedTuple):
    """All rules; the private key, which may hold anything, first, and the specific before the general."""

    private_key: Rule
    formats: tuple[Rule, ...]
    contexts: tuple[Rule, ...]
    kinds: frozenset[str]


class _LongWords(NamedTuple):
    """The long words of a text, one a line, and where each of them starts in there and in the text."""

    text: str
    starts: list[int]
    places: list[int]

    def in_text(self, place: int) -> int:
        word = bisect_right(self.starts, place) - 1
        return self.places[word] + place - self.starts[word]


_ROUNDS = 5  # a removed secret may uncover the edge of the next one; the last round finds nothing
_REPEATED = 500  # so many different values are looked for in the whole text
_MARKER = re.compile(r"\[redacted: ([^\[\]\n]{1,60})\]")

# No format is shorter than this or goes over one of these characters, so most of a text need not be searched for formats.
_LONG_WORD = re.compile(r"[^\s\"'`,;()<>\[\]|]{20,}+")
_BLOB = 8192  # so much base64 on end is a file; a secret in it is found by what it says, not by how it begins
_BASE64 = re.compile("[A-Za-z0-9+/=]+")
_ESC = ("\x1b[", "\\u001b[", "\\x1b[", "\\033[", "\\e[")
_COLOUR = re.compile(r"(?:\x1b|\\u001b|\\x1b|\\033|\\e)\[[\d;]{0,16}m")  # of terminals
_ESCAPE = re.compile(r"\\[nrt]|%[0-9A-F]{2}|\\u00[0-9a-f]{2}")  # what follows an escape stands at an edge


def redact(text: str) -> Redaction:
    """Replace every secret by `[redacted: <kind>]`. Doing it twice changes nothing more."""
    kinds: set[str] = set()
    for _ in range(_ROUNDS):
        spans = _disjoint(_find(text))
        if not spans:
            break
        kinds.update(span.kind for span in spans)
        text = _replaced(text, spans)
    return Redaction(text, tuple(sorted(kinds)))


def redact_texts(value: Any) -> Any:
    """Return JSON data with every text in it redacted. What is redacted as JSON text may be JSON no more."""
    if isinstance(value, str):
        return redact(value).text
    if isinstance(value, list):
        return [redact_texts(item) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        return {redact_texts(key): redact_texts(item) for key, item in cast(dict[Any, Any], value).items()}
    return value


@cache
def _rules() -> _Rules:
    private_key, *others = contexts()
    kinds = frozenset(rule.kind for rule in (private_key, *formats(), *others)) | ASSIGNED_KINDS
    return _Rules(private_key, formats(), tuple(others), kinds)


def all_rules() -> tuple[Rule, ...]:
    """Return every rule with a pattern."""
    rules = _rules()
    return (rules.private_key, *rules.formats, *rules.contexts)


def _find(text: str) -> list[_Span]:
    spans = _plain(text)
    hidden = [*in_base64(text, _told), *in_percent_signs(text, _told), *in_parts(text, _told)]
    spans += [_Span(start, 1, end, kind) for start, end, kind in hidden]
    spans = _outside_markers(text, spans)
    return spans + _outside_markers(text, _repeated(text, spans))


def _told(text: str) -> list[tuple[int, int, str]]:
    """Return start, end and kind of the secrets of a text that stand there in plain form."""
    return [(span.start, span.end, span.kind) for span in _disjoint(_plain(text))]


def _plain(text: str) -> list[_Span]:
    private_key, formats, contexts, _ = _rules()
    if any(escape in text for escape in _ESC):
        text = _COLOUR.sub(lambda colour: " " * len(colour[0]), text)
    lower = text.replace("\u0130", "i").lower()  # of the same length: only this letter has a longer lower case
    words = _long_words(text)
    spans = [
        _Span(words.in_text(span.start), span.rank, words.in_text(span.end - 1) + 1, span.kind)
        for span in _matches(formats, 1, words.text, words.text.lower())
    ]
    spans += _matches((private_key,), 0, text, lower)
    spans += _matches(contexts, 1 + len(formats), text, lower)
    spans += _headless_keys(text)
    last = 1 + len(formats) + len(contexts)
    return spans + [_Span(start, last, end, kind) for start, end, kind in assigned(text, lower)]


def _long_words(text: str) -> _LongWords:
    words: list[str] = []
    starts: list[int] = []
    places: list[int] = []
    at = 0
    for found in _LONG_WORD.finditer(text):
        if found.end() - found.start() < _BLOB or not _BASE64.fullmatch(found[0]):
            words.append(found[0])
            starts.append(at)
            places.append(found.start())
            at += len(found[0]) + 1
    return _LongWords(_ESCAPE.sub(lambda escape: "\\" * len(escape[0]), "\n".join(words)), starts, places)


def _matches(rules: tuple[Rule, ...], rank: int, text: str, lower: str) -> Iterator[_Span]:
    """Yield what the rules find in a text, whose first has this rank."""
    for place, rule in enumerate(rules):
        if any(cue in lower for cue in rule.cues):
            for start, end in rule.spans(text):
                yield _Span(start, rank + place, end, rule.kind)


def _headless_keys(text: str) -> Iterator[_Span]:
    """Yield private keys whose BEGIN line was cut off, read backwards from the END line."""
    for end in word(FILE, "PEM_END").finditer(text) if "PRIVATE KEY" in text else ():
        lines = word(FILE, "PEM_LINES_BEFORE_END").match(text[max(0, end.start() - 16384) : end.start()][::-1])
        if lines:
            yield _Span(end.start() - lines.end(), 0, end.end(), "private key")


def _repeated(text: str, spans: list[_Span]) -> Iterator[_Span]:
    """Yield the same values elsewhere, where nothing around them says that they are secret."""
    values = {text[span.start : span.end].rstrip(".,:;!?"): span for span in spans if span.end - span.start <= 512}
    for value, span in [item for item in values.items() if is_mixed(item[0], 8)][:_REPEATED]:
        start = text.find(value)
        while start >= 0:
            yield _Span(start, span.rank, start + len(value), span.kind)
            start = text.find(value, start + len(value))


def _outside_markers(text: str, spans: Iterable[_Span]) -> list[_Span]:
    """Return the spans but those that start or end in what an earlier redaction put there."""
    kinds = _rules().kinds
    markers = [found.span() for found in _MARKER.finditer(text) if found[1] in kinds]

    def is_inside(place: int) -> bool:
        before = bisect_right(markers, (place, len(text)))
        return before > 0 and place < markers[before - 1][1]

    return [span for span in spans if not is_inside(span.start) and not is_inside(span.end - 1)]


def _disjoint(spans: list[_Span]) -> list[_Span]:
    """Return the spans in order; overlapping ones become one, of the kind of the first."""
    apart: list[_Span] = []
    for span in sorted(spans):
        if apart and span.start < apart[-1].end:
            apart[-1] = apart[-1]._replace(end=max(span.end, apart[-1].end))
        else:
            apart.append(span)
    return apart


def _replaced(text: str, spans: list[_Span]) -> str:
    pieces: list[str] = []
    at = 0
    for span in spans:
        pieces += [text[at : span.start], f"[redacted: {span.kind}]"]
        at = span.end
    return "".join([*pieces, text[at:]])
