"""Reads a strategy word by word: the stems of the words that tell something, which of them are negated, and their vectors."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from strategy_bank.store.embedding.embedder import Vector, Vectors
    from strategy_bank.store.records import Strategy
    from strategy_bank.store.retrieval.strategy_vectors import Pieces

_WORD = re.compile(r"[A-Za-z0-9_'*$?-]+")
_CLAUSE = re.compile(r"[^.;:!?\n]+")
_NEGATIONS = frozenset(
    re.findall(
        r"\S+",
        "not no never avoid without don't doesn't isn't aren't won't cannot can't stop refuse decline ignore nobody neither "
        "nor skip nothing",
    )
)
_REPLACING = ("instead", "rather")
_PREFERRING = ("prefer", "favour", "favor")  # after their `to` stands what not to do
_REACH = 5  # number of words after a negation that are negated at most
_LEAN = frozenset(
    re.findall(
        r"\w+",
        "a an the of to in on at by for from with and or but so that this these those it its is are be was as when if then "
        "than because since which who one each any every all before after first use make",
    )
)
_ENDINGS = ("ing", "edly", "ies", "ed", "es", "s", "ly", "er")
_RUN = 4  # number of words in a row that count as taken over verbatim


@dataclass(frozen=True)
class Words:
    """One strategy, word by word. `vectors` has shape (words, d); all vectors are of unit length."""

    title: str
    text: str
    words: list[str]
    negated: list[bool]
    vectors: "Vectors"
    applies: "Vector"
    content: "Vector"


def read(strategy: "Strategy", pieces: "Pieces") -> Words:
    """Return the words of a strategy; `pieces` are those of its wording."""
    words: list[str] = []
    negated: list[bool] = []
    found: list[Vector] = []
    (starts, ends), vectors = pieces.spans.T, pieces.vectors
    for start, end, stem, negation in _words(strategy.wording):
        inside = (starts >= start) & (ends <= end)
        if stem not in _LEAN and inside.any():
            words.append(stem)
            negated.append(negation)
            found.append(_unit(vectors[inside]))
    head = starts < len(strategy.title) + len(strategy.description) + 2
    content = vectors[~head] if not head.all() else vectors
    stacked = np.stack(found) if found else np.zeros((0, vectors.shape[1]), np.float32)
    return Words(strategy.title, strategy.wording, words, negated, stacked, _unit(vectors[head]), _unit(content))


def stems(text: str) -> dict[str, bool]:
    """Return the stems of a text without words too common to tell strategies apart, and whether each is negated."""
    return {stem: negated for _, _, stem, negated in _words(text) if stem not in _LEAN}


def stems_in_order(text: str) -> list[str]:
    """Return the same stems as often as they stand there."""
    return [stem for _, _, stem, _ in _words(text) if stem not in _LEAN]


def negations(text: str) -> int:
    """Return the number of words that negate or replace."""
    words = _WORD.findall(text.lower())
    return sum(word in _NEGATIONS or word in _REPLACING or word.endswith("n't") for word in words)


def verbatim(a: str, b: str) -> float:
    """Return the share of rows of four words in the shorter text that both have."""
    runs = [_runs(text) for text in (a, b)]
    return len(runs[0] & runs[1]) / max(1, min(map(len, runs)))


@cache
def opposites() -> dict[str, frozenset[str]]:
    """Return the stems of the opposites by stem."""
    file = resources.files("strategy_bank.tools.consolidation") / "opposites.json"
    found: dict[str, set[str]] = {}
    for one, other in json.loads(file.read_text("utf-8")):
        found.setdefault(_stem(one), set()).add(_stem(other))
        found.setdefault(_stem(other), set()).add(_stem(one))
    return {word: frozenset(others) for word, others in found.items()}


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return {tuple(words[i : i + _RUN]) for i in range(len(words) - _RUN + 1)}


def _words(text: str) -> Iterator[tuple[int, int, str, bool]]:
    """Yield (start, end, stem, negated) of each word. A negation reaches over a few words and ends with its clause."""
    for clause in _CLAUSE.finditer(text):
        left, preferring = 0, False
        for found in _WORD.finditer(clause[0]):
            word = found[0].lower()
            preferring |= word in _PREFERRING
            if word in _NEGATIONS or word.endswith("n't"):
                left = _REACH
            elif word in _REPLACING or (preferring and word == "to"):
                left = _REACH + 1
            elif word in ("because", "so", "but", "then"):
                left = 0
            elif word in ("and", "or"):
                left = max(0, left - 2)
            elif word not in ("of", "than"):
                yield clause.start() + found.start(), clause.start() + found.end(), _stem(word), left > 0
                left = max(0, left - 1)


def _stem(word: str) -> str:
    """Return the word without its ending if four letters remain: rough, but the same for both sides."""
    word = word.strip("'-")
    ending = next((end for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= 4), "")
    return word.removesuffix(ending)


def _unit(vectors: "Vectors") -> "Vector":
    """Return the mean with length 1; zeros if there are no vectors."""
    mean = vectors.sum(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)
