"""What was measured of embedding models (bench/recall/fitting.py writes it), by their names in measured.json."""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Measured(NamedTuple):
    """What was found for a model.

    `scale` and `offset` make its coverages mean what the packaged model's do; nDCG@3 of the second set, and over both projects.
    """

    scale: float
    offset: float
    second: float
    projects: float


def measured(name: str) -> Measured | None:
    """Return what was found for a model; None where nobody has measured it."""
    return _all().get(name)


@cache
def _all() -> dict[str, Measured]:
    rows: dict[str, dict[str, float]] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
    return {name: Measured(**row) for name, row in rows.items()}
