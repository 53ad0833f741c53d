"""Takes secrets out of a text before it is written anywhere.

The rules come from two sources: the formats that `detect-secrets` maintains, and ours (`secret_rules.toml`) for what it lacks.
Of its plugins only the compiled patterns are used: `analyze_string` yields groups such as "ghp" instead of the secret, a line
scan may ask the network, and its settings are global. `left_out` there says what is not used.
"""

import logging
import re
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, cast

from strategy_bank.store.lean_imports import REQUESTS, without
from strategy_bank.tools.safety.rule_file import contents, word
from strategy_bank.tools.safety.secret_rules import Rule, contexts, formats
from strategy_bank.tools.safety.secret_values import ASSIGNED_KINDS, FILE, assigned, is_mixed, keyword_pattern


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


class _Scanner(NamedTuple):
    rules: tuple[Rule, ...]
    keywords: re.Pattern[str]
    kinds: frozenset[str]


_ROUNDS = 5  # a removed secret may uncover the edge of the next one; the last round finds nothing
_REPEATED = 500  # so many different values are looked for in the whole text
_MARKER = re.compile(r"\[redacted: ([^\[\]\n]{1,60})\]")

_ACCEPT: dict[str, Callable[[str], bool]] = {
    "Artifactory Credentials": lambda value: is_mixed(value, 20),  # AP1234567890 is an order
    "Telegram Bot Token": lambda value: value != value.lower(),  # a time and a commit hash
}


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
def _scanner() -> _Scanner:
    """Return all rules, the specific before the general, and the keywords."""
    plugins, keywords = _detect_secrets()
    left_out, cues = (contents(FILE)["detect_secrets"][part] for part in ("left_out", "cues"))
    theirs = [
        Rule(_kind_of(name), _bounded(pattern), (cues.get(name, ""),), _ACCEPT.get(name, bool))
        for name, plugin in sorted(plugins.items())
        if name not in left_out
        for pattern in cast("Iterable[re.Pattern[str]]", getattr(plugin, "denylist", ()))
    ]
    private_key, *others = contexts()
    rules = (private_key, *formats(), *theirs, *others)
    return _Scanner(rules, keyword_pattern(keywords), frozenset(rule.kind for rule in rules) | ASSIGNED_KINDS)


def _detect_secrets() -> tuple[dict[str, Any], Iterable[str]]:
    """Import detect-secrets, which takes 0.2 s, and return its plugins by name and its keywords."""
    show_before = warnings.showwarning
    with without(REQUESTS):  # only needed to ask services whether a secret is valid
        from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
        from detect_secrets.plugins.keyword import DENYLIST

        plugins = cast("dict[str, Any]", get_mapping_from_secret_type_to_class())
    # The import makes a logger of its own and sends the warnings of the whole process to logging. Neither is ours to change.
    logging.getLogger("detect-secrets").disabled = True
    if warnings.showwarning is not show_before:
        logging.captureWarnings(False)
    return plugins, DENYLIST


def _bounded(pattern: re.Pattern[str]) -> re.Pattern[str]:
    """Return one of their patterns with few blanks around an assignment: any number of them takes time with its cube."""
    few = pattern.pattern.replace("(?: *)", "(?: {0,8})").replace("| +|", "| {1,8}|")
    return re.compile(few, pattern.flags)


def _kind_of(plugin: str) -> str:
    """Return the name of a plugin as a kind: 'AWS Access Key' as 'AWS access key'."""
    return re.sub(r"\b(?:Access|Bot|Credentials|Key|Secret|Token)\b", lambda word: word[0].lower(), plugin)


def _find(text: str) -> list[_Span]:
    rules, keywords, _ = _scanner()
    lower = text.replace("\u0130", "i").lower()  # of the same length: only this letter has a longer lower case
    cued = [(rank, rule) for rank, rule in enumerate(rules) if any(cue in lower for cue in rule.cues)]
    spans = [span for rank, rule in cued for span in _matches(rule, rank, text)]
    spans += _headless_keys(text)
    spans += [_Span(start, len(rules), end, kind) for start, end, kind in assigned(text, lower, keywords)]
    spans = _outside_markers(text, spans)
    return spans + _outside_markers(text, _repeated(text, spans))


def _matches(rule: Rule, rank: int, text: str) -> Iterator[_Span]:
    for found in rule.pattern.finditer(text):
        start, end = _value_span(found)
        if rule.accept(text[start:end]):
            yield _Span(start, rank, end, rule.kind)


def _value_span(found: re.Match[str]) -> tuple[int, int]:
    """Return the place of the group `secret`, of a group long enough to be the value, or of all but delimiters."""
    if "secret" in found.re.groupindex:
        return found.span("secret")
    for group in range(1, found.re.groups + 1):
        if len(found[group] or "") >= 20:
            return found.span(group)
    whole = found[0]
    return found.end() - len(whole.lstrip(" \t\r\n\"'=:")), found.start() + len(whole.rstrip(" \t\r\n\"'"))


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
    kinds = _scanner().kinds
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
