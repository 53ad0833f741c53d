"""Likeness: whether two strategies say the same, as one number from a few signals, and what forbids it despite the number.

Two strategies on one topic share most of their words whether they agree or not, so the cosine of their texts tells little. What
counts is how well the words that they do *not* share answer each other. A paraphrase says in other words what the other says;
a neighbouring strategy differs in words that nothing in the other answers; opposite advice differs in a negation or in one of
a pair such as first and last. The functions are pure.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from strategy_bank.tools.consolidation.words import Words, negations, opposites, stems, verbatim

if TYPE_CHECKING:
    from strategy_bank.store.embedding.embedder import Vectors

_UNLESS = frozenset(("without", "before", "unless", "until", "only", "if", "unseen", "blindly"))
"""With these a negation says how to do something, not to leave it: never without looking means to look first."""
_COPIED = 0.3
"""Verbatim share above which one text is the other with a few changes."""
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


class Signals(NamedTuple):
    """How two strategies compare. Of two directions the worse counts; all are shares, 0–1, except the cosines."""

    answered: float  # mean cosine with which the other answers the unshared words of one
    least: float  # cosine that four fifths of the words of one reach in the other: one unanswered word may be the point
    unanswered: float  # share of the words of one that are unshared, each weighted by what its answer lacks
    verbatim: float  # share of rows of four words that both have
    content: float  # cosine of the two contents
    applies: float  # cosine of the two titles with descriptions
    contrary: float  # share of words of which either the word or its counterpart is negated


@dataclass(frozen=True)
class Likeness:
    """How alike two strategies are: `forbidden` to be one whatever the score, `contrary` if they seem to advise opposites."""

    score: float
    unanswered: float
    forbidden: bool
    contrary: bool

    @property
    def same(self) -> bool:
        """Return whether both measures say that they are the same, and nothing forbids it."""
        return self.score > 0 and self.unanswered < UNANSWERED and not self.forbidden

    @property
    def undecided(self) -> bool:
        """Return whether one of them does or nearly does, so that somebody who understands the texts should decide."""
        return not self.same and not self.contrary and (self.score > UNDECIDED or self.unanswered < UNANSWERED)


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
    denied, numbers = _denied(a, b), _other_numbers(a, b)
    opposed = denied or (not numbers and _opposed(a, b))  # two cases with numbers of their own contradict nothing
    contrary = (opposed or seen.contrary > CONTRARY) and seen.verbatim >= TAKEN_OVER
    return Likeness(score, seen.unanswered, opposed or numbers, contrary)


def signals(a: Words, b: Words) -> Signals:
    if not a.words or not b.words:
        return Signals(0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0)
    cosines = a.vectors @ b.vectors.T
    there, back = _answers(a, b, cosines), _answers(b, a, cosines.T)
    return Signals(
        min(there[0], back[0]),
        min(_least(cosines), _least(cosines.T)),
        max(there[1], back[1]),
        verbatim(a.text, b.text),
        float(a.content @ b.content),
        float(a.applies @ b.applies),
        (_contrary(a, b, cosines) + _contrary(b, a, cosines.T)) / 2,
    )


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


def _denied(a: Words, b: Words) -> bool:
    """Return whether one negates what the other says in the same words, or in its title, unless a title names a condition."""
    if verbatim(a.text, b.text) > _COPIED and negations(a.text) != negations(b.text):
        return True
    if any(_UNLESS & set(title.lower().split()) for title in (a.title, b.title)):
        return False
    one, other = stems(a.title), stems(b.title)
    return any(one[word] != other[word] for word in one.keys() & other.keys())


def _other_numbers(a: Words, b: Words) -> bool:
    one, other = set(re.findall(r"\d+", a.text)), set(re.findall(r"\d+", b.text))
    return bool(one and other) and one.isdisjoint(other)


def _opposed(a: Words, b: Words) -> bool:
    """Return whether an unshared word has its opposite among its two best counterparts in context."""
    cosines = a.vectors @ b.vectors.T
    for matrix, left, right in ((cosines, a.words, b.words), (cosines.T, b.words, a.words)):
        for i, word in enumerate(left):
            against = opposites().get(word, frozenset()) if word not in right else ()
            if against and any(right[j] in against and right[j] not in left for j in np.argsort(-matrix[i])[:2]):
                return True
    return False
