"""Likeness: whether two strategies say the same, as one number from a few signals, and what forbids it despite the number.

Two strategies on one topic share most of their words whether they agree or not, so the cosine of their texts tells little. What
counts is how well the words that they do *not* share answer each other. A paraphrase says in other words what the other says;
a neighbouring strategy differs in words that nothing in the other answers; opposite advice differs in a negation or in one of
a pair such as first and last. The functions are pure; they take texts and word vectors.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

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
_PREFERRING = ("prefer", "favour", "favor")
"""After their `to` stands what not to do."""
_UNLESS = frozenset(("without", "before", "unless", "until", "only", "if", "unseen", "blindly"))
"""With these a negation says how to do something, not to leave it: never without looking means to look first."""
_REACH = 5
"""Number of words after a negation that are negated at most."""
_LEAN = frozenset(
    re.findall(
        r"\w+",
        "a an the of to in on at by for from with and or but so that this these those it its is are be was as when if then "
        "than because since which who one each any every all before after first use make",
    )
)
"""Words too common to tell strategies apart."""
_ENDINGS = ("ing", "edly", "ies", "ed", "es", "s", "ly", "er")
_RUN = 4
"""Number of words in a row that count as taken over verbatim."""
_COPIED = 0.3
"""Share of such rows above which one text is the other with a few changes."""


class Signals(NamedTuple):
    """How two strategies compare. Of two directions the worse counts; all are shares, 0–1, except the cosines."""

    answered: float
    """Mean cosine with which the other answers the unshared words of one."""
    least: float
    """Cosine that four fifths of the words of one reach in the other: a single word that nothing answers may be the point."""
    unanswered: float
    """Share of the words of one that are unshared, each weighted by what its answer lacks."""
    verbatim: float
    """Share of rows of four words that both have."""
    content: float
    """Cosine of the two contents."""
    applies: float
    """Cosine of the two titles with descriptions."""
    contrary: float
    """Share of words of which either the word or its counterpart is negated."""


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


@dataclass(frozen=True)
class Likeness:
    """How alike two strategies are. They are `contrary` if they seem to advise opposite things."""

    score: float
    unanswered: float
    conflict: str
    contrary: bool

    @property
    def same(self) -> bool:
        """Return whether both measures say that they are the same, and nothing is in conflict."""
        return self.score > 0 and self.unanswered < UNANSWERED and not self.conflict

    @property
    def undecided(self) -> bool:
        """Return whether one of them does or nearly does, so that somebody who understands the texts should decide."""
        return not self.same and not self.contrary and (self.score > UNDECIDED or self.unanswered < UNANSWERED)


NEAR = 0.5
"""Least cosine of the texts at which a comparison word by word is worth it: below, hardly a pair of the corpus would merge."""
UNANSWERED = 0.4
"""Share of its words from which a strategy says something that the other does not. Of strategies that two agents drew from the
same work (bench/consolidation/drawn), four fifths of those that say the same lie below, and one in thirty of the others."""
UNDECIDED = -0.5
CONTRARY = 0.3
TAKEN_OVER = 0.1
"""Verbatim share from which a negation or an opposite word is a contradiction. Below, it mostly belongs to another thought."""
_ANSWERED, _LEAST, _PATCHED, _CONTENT, _CONTRARY, _APPLIES, _BIAS = 12.7, 10.6, -68.2, 2.4, -2.1, -7.7, -5.4
"""A logistic regression over half of the pairs (bench/consolidation/likeness_weights.py); the bias is lowered by
0.3, so that cross-validation by groups merges 7 of 434 wrong pairs. `_PATCHED` weighs verbatim × unanswered: sentences taken
over with a few words put in that nothing answers are what a different lesson on the same topic looks like."""


def likeness_of(a: Words, b: Words) -> Likeness:
    """Return the likeness of two strategies, whichever comes first."""
    seen = signals(a, b)
    score = (
        _ANSWERED * seen.answered
        + _LEAST * seen.least
        + _PATCHED * seen.verbatim * seen.unanswered
        + _CONTENT * seen.content
        + _CONTRARY * seen.contrary
        + _APPLIES * seen.applies
        + _BIAS
    )
    against = conflict(a, b)
    opposed = seen.contrary > CONTRARY or against.startswith("one ")
    return Likeness(score, seen.unanswered, against, opposed and seen.verbatim >= TAKEN_OVER)


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


def signals(a: Words, b: Words) -> Signals:
    if not a.words or not b.words:
        return Signals(0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0)
    cosines = a.vectors @ b.vectors.T
    there, back = _answers(a, b, cosines), _answers(b, a, cosines.T)
    return Signals(
        min(there[0], back[0]),
        min(_least(cosines), _least(cosines.T)),
        max(there[1], back[1]),
        _verbatim(a.text, b.text),
        float(a.content @ b.content),
        float(a.applies @ b.applies),
        (_contrary(a, b, cosines) + _contrary(b, a, cosines.T)) / 2,
    )


def conflict(a: Words, b: Words) -> str:
    """Return what forbids that two strategies are one: an added negation, other numbers, opposite words; empty if nothing."""
    if _verbatim(a.text, b.text) > _COPIED and _negations(a.text) != _negations(b.text):
        return "one negates what the other says in the same words"
    for word in _denied(a.title, b.title):
        return f"one title denies {word!r} and the other does not"
    numbers = set(re.findall(r"\d+", a.text)), set(re.findall(r"\d+", b.text))
    if all(numbers) and not numbers[0] & numbers[1]:
        return "they name different numbers"
    if a.words and b.words:
        for first, second in _opposed(a, b):
            return f"one says {first!r} where the other says {second!r}"
    return ""


def _answers(a: Words, b: Words, cosines: "Vectors") -> tuple[float, float]:
    best, known = cosines.max(axis=1), set(b.words)
    unshared = np.array([word not in known for word in a.words])
    if not unshared.any():
        return 1.0, 0.0
    return float(best[unshared].mean()), float((1 - best[unshared]).sum() / len(best))


def _least(cosines: "Vectors") -> float:
    return float(np.quantile(cosines.max(axis=1), 0.2))


def _contrary(a: Words, b: Words, cosines: "Vectors") -> float:
    """Return the contrary share of the words, each weighted by the square of how well it is answered."""
    nearest = cosines.argmax(axis=1)
    weights = np.maximum(cosines.max(axis=1), 0) ** 2
    differs = np.array(a.negated) != np.array(b.negated)[nearest]
    return float((weights * differs).sum() / max(weights.sum(), 1e-9))


def _opposed(a: Words, b: Words) -> Iterator[tuple[str, str]]:
    """Yield unshared words that are each other's opposites, and among the best two counterparts in context."""
    pairs, mine, other = _opposites(), set(a.words), set(b.words)
    cosines = a.vectors @ b.vectors.T
    for matrix, left, right, known in ((cosines, a.words, b.words, other), (cosines.T, b.words, a.words, mine)):
        for i, word in enumerate(left):
            if word in known or word not in pairs:
                continue
            for j in np.argsort(-matrix[i])[:2]:
                if right[j] in pairs[word] and right[j] not in left:
                    yield word, right[j]


def _denied(a: str, b: str) -> Iterator[str]:
    """Yield words of both titles that only one of them negates, unless one names a condition."""
    if any(_UNLESS & set(title.lower().split()) for title in (a, b)):
        return
    one, other = ({stem: negated for _, _, stem, negated in _words(title)} for title in (a, b))
    yield from (word for word in one if word in other and word not in _LEAN and one[word] != other[word])


def _negations(text: str) -> int:
    words = _WORD.findall(text.lower())
    return sum(word in _NEGATIONS or word in _REPLACING or word.endswith("n't") for word in words)


def _verbatim(a: str, b: str) -> float:
    runs = [_runs(text) for text in (a, b)]
    return len(runs[0] & runs[1]) / max(1, min(map(len, runs)))


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


@cache
def _opposites() -> dict[str, frozenset[str]]:
    """Return the stems of the opposites by stem."""
    file = resources.files("strategy_bank.tools.consolidation") / "opposites.json"
    found: dict[str, set[str]] = {}
    for one, other in json.loads(file.read_text("utf-8")):
        found.setdefault(_stem(one), set()).add(_stem(other))
        found.setdefault(_stem(other), set()).add(_stem(one))
    return {word: frozenset(others) for word, others in found.items()}


def _stem(word: str) -> str:
    """Return the word without its ending if four letters remain: rough, but the same for both sides."""
    word = word.strip("'-")
    ending = next((end for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= 4), "")
    return word.removesuffix(ending)


def _unit(vectors: "Vectors") -> "Vector":
    """Return the mean with length 1; zeros if there are no vectors."""
    mean = vectors.sum(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)
