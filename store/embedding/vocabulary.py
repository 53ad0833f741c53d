"""How much each word piece of a model tells, from the model's own tokenizer.

A rare word tells more than a frequent one (Zipf). Vocabularies say which are rare: those of WordPiece and BPE stand in the
order in which they were made, frequent pieces first, and those of Unigram carry log-probabilities. So weights do not depend on
the bank, and its first strategy is found like its ten-thousandth.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

Weights = np.ndarray[tuple[int], np.dtype[np.float32]]
_CHARACTER = 0.15  # weight of a single letter or sign
_TURNS = ("but", "however", "nevertheless", "though")
_BEGINS = "\u2581\u0120"  # signs of pieces that begin a word
_UNUSED = "[unused"


class Yardstick(NamedTuple):
    """How the word pieces of a model are compared.

    The weight of each by its id (n,), 0 for marks around a text; the ids of words like "but"; and what makes the sum of both
    coverages as large as with the packaged model: scale * sum + offset.
    """

    weights: Weights
    turns: Sequence[int]
    scale: float = 1.0
    offset: float = 0.0


@lru_cache(maxsize=4)
def yardstick_of(tokenizer: Any) -> Yardstick:
    """Return the yardstick of a tokenizer of Hugging Face's `tokenizers`. It takes some 50 ms, once for a tokenizer."""
    special = {id for id, piece in tokenizer.get_added_tokens_decoder().items() if piece.special}
    ids: dict[str, int] = tokenizer.get_vocab()
    scores = _scores(tokenizer)
    words, signs, turns = list[int](), list[int](), list[int]()
    for piece, id in ids.items():
        if id in special or piece.startswith(_UNUSED):
            continue
        # letters inside a word (`##x`) are rare: names and codes that the model does not know are spelled out in them
        (signs if len(piece) < 2 and not scores else words).append(id)
        if piece.lstrip(_BEGINS) in _TURNS:
            turns.append(id)
    words.sort(key=lambda id: -scores[id] if scores else id)
    weights = np.zeros(max(ids.values()) + 1, np.float32)
    weights[signs] = _CHARACTER
    weights[words] = np.log1p(np.arange(1, len(words) + 1)) / np.log(len(words) + 1)
    return Yardstick(weights, turns)


def _scores(tokenizer: Any) -> list[float]:
    """Return the log-probabilities of a Unigram vocabulary by id; none for other kinds."""
    if type(tokenizer.model).__name__ != "Unigram":
        return []
    return [score for _, score in json.loads(tokenizer.to_str())["model"]["vocab"]]
