"""Fits how sure it is that a strategy fits.

    python -m bench.recall.fitting                    the weights of `ranking.relevances`, for the packaged model
    python -m bench.recall.fitting --model FOLDER     what makes another model's coverages mean the same; --write keeps it

Fitted on all sets and banks of banks.py but one set, and on all. Whole sets weigh four times as much as smaller banks.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.recall.banks import Asked, banks, read
from bench.recall.menus import ndcg_of, serve
from bench.recall.sets import DATA, drawn, graded, one_project, projects, second
from bench.support.models import add_model, embedder_of
from bench.support.places import ROOT
from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.store.retrieval import ranking

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
KEPT = ROOT / "store" / "embedding" / "measured.json"
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


def calibration(sets: Sequence[Rows]) -> tuple[float, float]:
    """Return scale and offset that make the sums of a model's coverages as telling as the packaged model's.

    With the weights of `ranking.relevances` as they are, the chance that a strategy fits is a logistic function of both.
    """
    weights = np.array([ranking.BY_STANDING, ranking.BY_MARGIN, 0.0])
    linear = [
        (np.column_stack([features @ weights, np.ones(len(fits))]), fits, importance)
        for features, fits, importance in sets
    ]
    scale, offset = fitted(linear)
    return round(float(scale), 3), round(float((offset - ranking.OFFSET) / ranking.BY_STANDING), 3)


def keep(embedder: Embedder, scale: float, offset: float) -> None:
    """Write what was fitted for a model, and how good it is with that, where the product finds it."""
    embedder.yardstick = embedder.yardstick._replace(scale=scale, offset=offset)
    second_set, *held_out = (
        np.mean([ndcg_of(serve(one)) for one in banks(read(embedder, case))["all"] if one.relevant])
        for case in (second(), *projects())
    )
    figures = {"second": round(float(second_set), 3), "projects": round(float(np.mean(held_out)), 3)}
    rows = json.loads(KEPT.read_text("utf-8")) | {embedder.name: {"scale": scale, "offset": offset, **figures}}
    KEPT.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n", "utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.recall.fitting")
    add_model(parser)
    parser.add_argument("--write", action="store_true", help="keep it in the package, with how good the model is")
    given = parser.parse_args()
    if not DATA.is_dir():
        print(f"There are no data at {DATA}: nothing was fitted.")
        return 1
    with TemporaryDirectory() as folder:
        embedder = embedder_of(given.model, Path(folder))
        embedder.yardstick = embedder.yardstick._replace(scale=1.0, offset=0.0)
        sets = {case.name: rows(banks(read(embedder, case))) for case in (graded(), second(), one_project(), drawn())}
    for left_out in (*sets, ""):
        if given.model:
            some = [each for name, each in sets.items() if name != left_out]
            print(
                f"{f'without {left_out}' if left_out else 'all':<20} scale and offset {calibration(some)}", flush=True
            )
            continue
        weights = fitted([each for name, each in sets.items() if name != left_out])
        print(f"{f'without {left_out}' if left_out else 'all':<20} standing {weights[0]:.1f}, margin {weights[1]:.1f}, "
              f"offset {weights[2]:.1f}", flush=True)  # fmt: skip
        if given.write:
            scale, offset = calibration(list(sets.values())) if given.model else (1.0, 0.0)
            keep(embedder, scale, offset)
    return 0


if __name__ == "__main__":
    sys.exit(main())
