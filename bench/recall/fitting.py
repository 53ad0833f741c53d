"""Fits the weights of `ranking.relevances`: the chance that a strategy fits, from its standing and its margin.

    python -m bench.recall.fitting

Fitted on all sets and banks of banks.py but one set, and on all. Whole sets weigh four times as much as smaller banks.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.recall.banks import Asked, banks, read
from bench.recall.sets import DATA, drawn, graded, one_project, second
from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.store.retrieval import ranking

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
WHOLE = 4.0
STEPS = 30
Rows = tuple[Floats, Floats, Floats]


def rows(kinds: dict[str, list[Asked]]) -> Rows:
    """Return of a set's best candidates standing, margin and 1 (n, 3), whether they fit (n,), and their weights (n,)."""
    features: list[list[float]] = []
    fits: list[bool] = []
    importance: list[float] = []
    for kind, some in kinds.items():
        for asked in some:
            best = sorted(asked.candidates, key=lambda each: -ranking.standing(each))[: ranking.SHOWN]
            standings = [ranking.standing(each) for each in best]
            features += [[*pair, 1.0] for pair in zip(standings, ranking.margins(standings), strict=True)]
            fits += [each.row["id"] in asked.relevant for each in best]
            importance += [(WHOLE if kind == "all" else 1.0) / len(some)] * len(best)
    return np.array(features), np.array(fits, float), np.array(importance)


def fitted(sets: Sequence[Rows]) -> Floats:
    """Return the weights of a logistic regression, by Newton's method, with a trace of a penalty."""
    features, fits, importance = (np.concatenate(parts) for parts in zip(*sets, strict=True))
    found = np.zeros(features.shape[1])
    for _ in range(STEPS):
        chances = 1 / (1 + np.exp(-features @ found))
        slope = features.T @ (importance * (fits - chances)) - 1e-4 * found
        bend = (features.T * (importance * chances * (1 - chances))) @ features + 1e-4 * np.eye(len(found))
        found = found + np.linalg.solve(bend, slope)
    return found


def main() -> int:
    if not DATA.is_dir():
        print(f"There are no data at {DATA}: nothing was fitted.")
        return 1
    with TemporaryDirectory() as folder:
        embedder = Embedder(Path(folder))
        sets = {case.name: rows(banks(read(embedder, case))) for case in (graded(), second(), one_project(), drawn())}
    for left_out in (*sets, ""):
        weights = fitted([each for name, each in sets.items() if name != left_out])
        print(f"{f'without {left_out}' if left_out else 'all':<20} standing {weights[0]:.1f}, margin {weights[1]:.1f}, "
              f"offset {weights[2]:.1f}", flush=True)  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
