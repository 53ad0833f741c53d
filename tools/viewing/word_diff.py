"""Compares two wordings word by word, so that a person sees at a glance what changed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from typing import Literal

Kind = Literal["same", "added", "removed"]

_PUNCTUATION = re.escape("!\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~")
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # words without spaces between them
_PART = rf"[^\s{_PUNCTUATION}{_IDEOGRAPHS}]+"
# after the white space before it; a point or a hyphen inside a word belongs to it: 1.5, config.toml, don't
_WORD = re.compile(rf"(\s*)({_PART}(?:[.,'-]{_PART})*|\S|\Z)")
_COMPARED = 20_000
"""Number of words of both texts beyond which what lies between the first and the last change is not compared."""


@dataclass(frozen=True)
class Span:
    """A piece of text that both wordings have, or only the new one, or only the old one."""

    kind: Kind
    text: str


def word_diff(old: str, new: str) -> list[Span]:
    """Return the spans of two texts in reading order, what was removed before what was added in its place.

    Without the added ones they say the old text exactly, without the removed ones the new one.
    """

    def kind_of(span: Span) -> Kind:
        return span.kind

    parts = groupby((each for each in _pieces(old, new) if each.text), kind_of)
    return [Span(kind, "".join(each.text for each in spans)) for kind, spans in parts]


def _pieces(old: str, new: str) -> Iterator[Span]:
    before, after = _WORD.findall(old), _WORD.findall(new)
    for tag, i, j, k, m in _blocks([word for _, word in before], [word for _, word in after]):
        if tag == "equal":
            for (space, word), (other, _) in zip(before[i:j], after[k:m], strict=True):
                yield from _replaced(space, other)
                yield Span("same", word)
        else:
            yield from _replaced("".join(map("".join, before[i:j])), "".join(map("".join, after[k:m])))


def _replaced(old: str, new: str) -> Iterator[Span]:
    """Yield a text and what stands in its place; white space that both begin with is the same."""
    space = old[: len(old) - len(old.lstrip())]
    if new[: len(new) - len(new.lstrip())] != space:
        space = ""
    yield Span("same", space)
    yield Span("removed", old[len(space) :])
    yield Span("added", new[len(space) :])


def _blocks(before: list[str], after: list[str]) -> list[tuple[str, int, int, int, int]]:
    """Return what is equal and what is not, as `SequenceMatcher.get_opcodes` does, which takes long on long texts."""
    head = _alike(before, after)
    tail = _alike(before[head:][::-1], after[head:][::-1])
    i, k = len(before) - tail, len(after) - tail
    middle: list[tuple[str, int, int, int, int]] = [("replace", head, i, head, k)]
    if i + k - 2 * head <= _COMPARED:
        opcodes = SequenceMatcher(None, before[head:i], after[head:k]).get_opcodes()
        middle = [(tag, head + a, head + b, head + c, head + d) for tag, a, b, c, d in opcodes]
    return [("equal", 0, head, 0, head), *middle, ("equal", i, len(before), k, len(after))]


def _alike(before: Sequence[str], after: Sequence[str]) -> int:
    """Return how many words two texts have in common at their beginning."""
    pairs = enumerate(zip(before, after, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(before), len(after)))
