"""Tells whether the packaged English model can read a text, by how its vocabulary spells the words.

The vocabulary is sorted by frequency, so the place of a word piece says how many bits an English text needs for it: few for
`the`, most for single letters and unknown characters. English takes some two bits a letter. Another language falls into rare
pieces and takes four or more, in Latin letters too (bench/results/recall.md). No list of languages is needed. Other models sort
their vocabularies in other ways, and many of them read more languages, so nothing is said about them.
"""

import re

import numpy as np

from strategy_bank.store.embedding.embedder import DEFAULT_MODEL, Embedder, Ids
from strategy_bank.store.retrieval import ranking

_FIRST_WORD, _FIRST_FRAGMENT_CHARACTER, _VOCABULARY = 1996, 29612, 30522
# BERT's vocabulary: marks and single characters, words and pieces from frequent to rare, then single characters inside words
_ENGLISH = 3.1  # bits a letter; what is above it speaks against English, what is below it for it
_MOST = 4.5  # bits a letter that a word counts at most: a Japanese name in an English sentence must not outweigh it
_SURPLUS = 16.0  # bits above `_ENGLISH` that a text needs: a rare word or two are no other language
_WORD = re.compile(r"[^\W\d_]+")
_LATIN = r"[\x21-\u024f]"
_NO_PROSE = re.compile(
    # what is quoted
    r"`[^`]*`|(?<!\w)'[^'\n]{1,60}'(?!\w)|\"[^\"\n]{1,60}\"|“[^”\n]{1,60}”"
    # paths, calls, options, identifiers, acronyms: whatever has such a sign in it, from blank to blank
    rf"|(?<!{_LATIN})(?={_LATIN}*(?:[0-9_/\\@=<>{{}}\[\]#$&*|~^%+]|\w[.:]\w|\w\(|[a-z][A-Z]|[A-Z]{{2}})){_LATIN}+"
    # names of files in any script
    r"|[\w/\\.-]{1,40}\.[A-Za-z][A-Za-z0-9]{0,4}(?![A-Za-z0-9])"
)


def readable(embedder: Embedder, text: str) -> bool:
    """Tell whether the model can read a task or the wording of a strategy; True for all models but the packaged one.

    Where a text has hardly any prose, as a stack trace or a few names, it is True. Raises ModelUnavailable.
    """
    return embedder.name != DEFAULT_MODEL or _surplus(embedder, ranking.gist(text)) <= _SURPLUS


def _surplus(embedder: Embedder, text: str) -> float:
    """Return how many bits the distinct words of a text take more than English words of that length, or less."""
    prose = _NO_PROSE.sub(" ", text)
    ids, spans = embedder.pieces(prose)
    bits = _bits(ids)
    surpluses: dict[str, float] = {}
    for word in _WORD.finditer(prose):
        letters = len(word[0])
        inside = (spans[:, 0] >= word.start()) & (spans[:, 1] <= word.end()) & (spans[:, 1] > spans[:, 0])
        if inside.any() and (letters > 1 or not word[0].isascii()):  # a single letter may be a name in any language
            surpluses[word[0].lower()] = min(float(bits[inside].sum()), _MOST * letters) - _ENGLISH * letters
    return sum(surpluses.values())


def _bits(ids: Ids) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the bits that each word piece takes, shape (n,): the logarithm of its rank (Zipf)."""
    single = (ids < _FIRST_WORD) | (ids >= _FIRST_FRAGMENT_CHARACTER)
    return np.log2(np.where(single, _VOCABULARY, np.maximum(ids - _FIRST_WORD + 2, 2)))
