"""Measures how well a task and a strategy cover each other, word piece by word piece (late interaction).

One vector per text blurs what the text is about. The same forward pass of the model gives a vector for every word piece in its
context, and comparing those separates strategies that one vector confuses (MaxSim, after ColBERT, arXiv 2004.12832). They are
stored in two bits a number, which costs no measurable quality (bench/results/recall.md). Pure functions on numpy arrays.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from strategy_bank.store.embedding.embedder import Reading, Vector, Vectors
from strategy_bank.store.embedding.vocabulary import Yardstick

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
Bytes = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]

_LEAST_DISTINCTIVE = 0.02
_SHORT = 2**16
_LEAST = 4  # word pieces on either side of such a word, from which it parts a task
_SAME = 0.15
# added to the cosine of a word piece that both texts have: a shared rare word says more than two similar ones
_LEVELS = np.array([-1.51, -0.4528, 0.4528, 1.51], np.float32)
_BORDERS = np.array([-0.9816, 0.0, 0.9816], np.float32)
# the quantiser of four levels with the least error for a normal distribution (Lloyd 1957, Max 1960)
_SHIFTS = np.array([0, 2, 4, 6], np.uint8)
_FOUR = _LEVELS[(np.arange(256)[:, None] >> _SHIFTS) & 3]  # the numbers in each byte: shape (256, 4)
COMPARED = 24  # strategies whose word pieces are compared, where it is known which are likely
BY_SHARE = 0.3  # weight of the share of the task's words that a strategy has, beside what makes it likely


class Coverage(NamedTuple):
    """Two weighted means of cosines, about −1…1. Words that both texts have raise the second by up to `_SAME`."""

    of_task: float  # how much of the task occurs in the strategy
    of_strategy: float  # how much of the strategy occurs in the task
    text: Vector | None = (
        None  # of the strategy: the direction of the mean of its word pieces, near the vector of its text
    )


def pack(by: Yardstick, text: Reading, task: Reading | None = None) -> bytes:
    """Pack the telling word pieces of a strategy's text and of its source task, two bits for each number of a vector.

    Nothing is packed where the model gives none.
    """
    if not len(text.ids):
        return b""
    parts = [_telling(by, reading) for reading in (text, task) if reading is not None]
    counts = [len(ids) for ids, _ in parts]
    ids = np.concatenate([ids for ids, _ in parts])
    vectors = np.concatenate([vectors for _, vectors in parts])
    levels = np.searchsorted(_BORDERS, vectors * np.float32(vectors.shape[1] ** 0.5)).astype(np.uint8)
    packed = (levels.reshape(len(ids), vectors.shape[1] // 4, 4) << _SHIFTS).sum(axis=2, dtype=np.uint8)
    return join([*counts, 0][:2], ids, packed)


def join(counts: Sequence[int], ids: Ints, rows: Bytes) -> bytes:
    """Join the numbers of word pieces of the text and of the task, all ids, and a row for each.

    Numbers are little-endian uint16; so are ids, or uint32 where one of them is larger.
    """
    kind = "<u2" if not len(ids) or ids.max() < _SHORT else "<u4"
    return np.array(counts, "<u2").tobytes() + ids.astype(kind).tobytes() + rows.tobytes()


def unpack(packed: bytes, width: int) -> Vectors:
    """Return the unit vectors of the telling word pieces of a strategy's text, in their order, shape (n, width)."""
    (first, _), _, rows = split(packed, width // 4)
    vectors, lengths = _unpacked(rows[:first])
    return vectors / lengths


def coverages(
    by: Yardstick,
    query: Reading,
    packed: Sequence[bytes],
    likely: Sequence[float] | None = None,
    apart: Collection[int] = (),
) -> list[Coverage | None]:
    """Return how well the task and each strategy cover each other, or None where nothing is packed.

    Text and source task of a strategy count as one: what one of them has of the task need not be in the other. Words that
    nearly all of these strategies have count little. A task without telling word pieces has coverage 0 both ways. `likely` is a
    number for each strategy, higher for those that may fit: with it only the likeliest are compared, and others have 0 too.
    The strategies at the places `apart` do not say which words all have, and take no other's place among the likeliest: these
    are chosen among them as well.
    """
    wanted, vectors = _asked(by.turns, *_telling(by, query))
    there = [place for place, one in enumerate(packed) if one]
    strategies = [split(packed[place], vectors.shape[1] // 4) for place in there]
    owners, ids = _having([ids for _, ids, _ in strategies], len(by.weights))
    counted = np.array([place not in apart for place in there], bool)
    told = by.weights * _distinctive(ids[counted[owners]], int(counted.sum()), len(by.weights))
    covers: list[Coverage | None] = [Coverage(0.0, 0.0) if one else None for one in packed]
    chosen = [number for number, (_, own, _) in enumerate(strategies) if len(own)]
    if likely is not None and len(chosen) > COMPARED:
        shares = _shares(told, wanted, owners, ids, len(strategies))
        chosen.sort(key=lambda number: -likely[there[number]] - BY_SHARE * shares[number])
        chosen = [n for of in (True, False) for n in [n for n in chosen if counted[n] == of][:COMPARED]]
    if chosen and told[wanted].any():
        compared = _compared(by, told, wanted, vectors, [strategies[number] for number in chosen])
        for number, one in zip(chosen, compared, strict=True):
            covers[there[number]] = one
    return covers


def _having(strategies: Sequence[Ints], vocabulary: int) -> tuple[Ints, Ints]:
    """Return the numbers of the strategies and the ids that they have, each id once for a strategy; both of shape (n,).

    `vocabulary` is the number of all ids.
    """
    numbers = np.repeat(np.arange(len(strategies)), [len(ids) for ids in strategies])
    keys = np.sort(numbers * vocabulary + np.concatenate([np.zeros(0, np.int64), *strategies]))
    return np.divmod(keys[np.flatnonzero(np.diff(keys, prepend=-1))], vocabulary)


def _distinctive(ids: Ints, strategies: int, vocabulary: int) -> Floats:
    """Return for each id of the vocabulary 1 if hardly any of these strategies has it, down to 0 if nearly all of many do.

    The words of a project stand in all its lessons and tasks, so they tell none from another. `ids` are those of `_having`.
    """
    having = np.bincount(ids, minlength=vocabulary).astype(np.float32)
    # never 0: among strategies that all say the same, what they say still counts
    return np.clip(1 - 1.25 * (having - 2) / (strategies + 4), _LEAST_DISTINCTIVE, 1).astype(np.float32)


def _shares(told: Floats, wanted: Ints, owners: Ints, ids: Ints, strategies: int) -> Floats:
    """Return the share of the task's words, by their weights, that each strategy has too, 0–1, shape (strategies,)."""
    asked = np.bincount(wanted, told[wanted], len(told))
    return np.bincount(owners, asked[ids], strategies) / max(asked.sum(), 1e-9)


def _compared(
    by: Yardstick, told: Floats, wanted: Ints, vectors: Floats, strategies: Sequence[tuple[Sequence[int], Ints, Bytes]]
) -> list[Coverage]:
    """Compare a task with strategies that all have word pieces; `told` are the weights of the vocabulary."""
    columns = np.ascontiguousarray(vectors.T)
    cosines, texts = list[Floats](), list[Vector]()
    for counts, _, rows in strategies:  # one at a time, so that what is unpacked stays in the processor's cache
        unpacked, lengths = _unpacked(rows)
        cosines.append(unpacked @ columns / lengths)
        texts.append(unpacked[: counts[0]].sum(axis=0))
    every, ids = np.concatenate(cosines), np.concatenate([ids for _, ids, _ in strategies])
    ends = np.cumsum([len(ids) for _, ids, _ in strategies])
    starts = np.concatenate([[0], ends[:-1]])
    of_task = np.maximum.reduceat(every, starts, axis=0) @ told[wanted] / told[wanted].sum()
    found = every.max(axis=1) + _SAME * np.isin(ids, wanted)
    of_strategy = np.add.reduceat(found * told[ids], starts) / np.add.reduceat(told[ids], starts)
    directions = np.stack(texts)
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-6)
    both = ((by.scale * means + by.offset / 2).tolist() for means in (of_task, of_strategy))
    return [Coverage(*each) for each in zip(*both, directions, strict=True)]


def _asked(words: Sequence[int], ids: Ints, vectors: Floats) -> tuple[Ints, Floats]:
    """Return the word pieces of a task after its last "but", where some stand on either side.

    "The cache key has the hash in it, but nothing is restored": what comes first is known or done already, and lessons about it
    would come before the one that is needed.
    """
    turns = [place + 1 for place in np.flatnonzero(np.isin(ids, words)) if _LEAST <= place < len(ids) - _LEAST]
    start = turns[-1] if turns else 0
    return ids[start:], vectors[start:]


def _unpacked(rows: Bytes) -> tuple[Vectors, Vectors]:
    """Turn rows of bytes (n, width / 4) into vectors (n, width), and return them with their lengths (n, 1)."""
    vectors = np.take(_FOUR, rows, axis=0).reshape(len(rows), 4 * rows.shape[1])
    return vectors, np.sqrt(np.einsum("nd,nd->n", vectors, vectors))[:, None]


def telling(by: Yardstick, ids: Ints) -> Flags:
    """Return which word pieces have a weight, shape (n,): all but the marks around a text and unknown ones."""
    return by.weights[ids] > 0


def _telling(by: Yardstick, reading: Reading) -> tuple[Ints, Floats]:
    kept = telling(by, reading.ids)
    return reading.ids[kept], reading.pieces[kept]


def split(packed: bytes, width: int) -> tuple[list[int], Ints, Bytes]:
    """Undo `join`; `width` is the number of bytes in a row. An empty string gives no rows."""
    first, second = np.frombuffer(packed[:4].ljust(4, b"\0"), "<u2").tolist()
    total = first + second
    kind = "<u4" if len(packed) == 4 + total * (4 + width) and total else "<u2"
    ids_end = 4 + int(kind[2]) * total
    ids = np.frombuffer(packed[4:ids_end], kind).astype(np.int64)
    return [first, second], ids, np.frombuffer(packed[ids_end:], np.uint8).reshape(-1, width)
