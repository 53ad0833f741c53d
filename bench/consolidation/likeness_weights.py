"""How the weights of tools/consolidation/likeness.py are found: a logistic regression over the development half of the pairs.

    python -m bench.consolidation.likeness_weights

Prints the weights, and for several biases what cross-validation by groups merges rightly and wrongly. Plain numpy.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.consolidation.pairs import HALVES, Reader, written
from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.tools.consolidation.likeness import likeness_of, signals

FOLDS, ROUNDS = 10, 8
Array = np.ndarray[Any, Any]


def data() -> tuple[Array, Array, Array, Array]:
    """Of each development pair: the six inputs, whether it is the same, whether nothing forbids it, its group."""
    rows: list[list[float]] = []
    same: list[bool] = []
    free: list[bool] = []
    group: list[int] = []
    with TemporaryDirectory() as folder:
        reader = Reader(Embedder(Path(folder)))
        for pair in (pair for pair in written() if pair.half == HALVES[0]):
            a, b = reader.reading(pair.a)[0], reader.reading(pair.b)[0]
            seen = signals(a, b)
            patched = seen.verbatim * seen.unanswered
            rows.append([seen.answered, seen.least, patched, seen.content, seen.contrary, seen.applies])
            same.append(pair.same)
            free.append(not likeness_of(a, b).forbidden)
            group.append(pair.group)
    return np.array(rows), np.array(same), np.array(free), np.array(group)


def fitted(inputs: Array, same: Array) -> Array:
    """Weights and bias; inputs are standardised first and the weights pulled towards 0 (L2, strength 1)."""
    mean, spread = inputs.mean(0), inputs.std(0)
    ones = np.c_[(inputs - mean) / spread, np.ones(len(inputs))]
    weights, pull = np.zeros(ones.shape[1]), np.r_[np.ones(inputs.shape[1]), 1e-6]
    for _ in range(50):
        share = 1 / (1 + np.exp(-ones @ weights))
        slope = ones.T @ (share - same) + pull * np.r_[weights[:-1], 0]
        weights -= np.linalg.solve((ones.T * (share * (1 - share))) @ ones + np.diag(pull), slope)
    return np.r_[weights[:-1] / spread, weights[-1] - (weights[:-1] / spread * mean).sum()]


def cross_validated(inputs: Array, same: Array, free: Array, group: Array) -> Array:
    """Mean score of each pair by models that saw nothing of its group; what is forbidden scores −9."""
    total = np.zeros(len(same))
    for seed in range(ROUNDS):
        names = np.unique(group)
        fold = dict(zip(names, np.random.default_rng(seed).permutation(len(names)) % FOLDS, strict=True))
        of = np.array([fold[each] for each in group])
        for each in range(FOLDS):
            weights = fitted(inputs[(of != each) & free], same[(of != each) & free])
            total[of == each] += inputs[of == each] @ weights[:-1] + weights[-1]
    return np.where(free, total / ROUNDS, -9.0)


def main() -> None:
    inputs, same, free, group = data()
    weights = fitted(inputs[free], same[free])
    print(
        "answered, least, patched, content, contrary, applies:",
        np.round(weights[:-1], 1),
        "bias",
        round(weights[-1], 2),
    )
    scores = cross_validated(inputs, same, free, group)
    for least in (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 1.1):
        found, wrong = (scores[same] > least).sum(), (scores[~same] > least).sum()
        print(f"merge above {least}: finds {found} of {same.sum()}, wrongly {wrong} of {(~same).sum()}")


if __name__ == "__main__":
    main()
