"""How many secrets are missed and how many look-alikes taken, of a list made by somebody who had not seen the rules.

Half of the kinds, by a hash of their names, were for development. Of the other half, which was looked at last, 28 of 364
secrets were missed and 7 of 355 look-alikes taken when it was first read (docs/privacy.md); the bounds hold what is there now.
The values are made anew by a seed, so the shares are bounds, not counts.
"""

import hashlib
from collections.abc import Iterable

import pytest

from strategy_bank.tools.safety.redact import redact
from tests.support.secrets import cases

SEEDS = (7, 2026)
HALVES = {"development": (0.01, 0.01), "held-out": (0.04, 0.01)}  # the largest shares: missed, taken


def of(half: str, kind: str) -> bool:
    odd = hashlib.sha256(kind.split("/")[0].encode()).digest()[0] % 2
    return half == ("held-out" if odd else "development")


def share(wrong: Iterable[str], rows: int) -> tuple[float, list[str]]:
    told = list(wrong)
    return len(told) / rows, told


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("half", HALVES)
def test_few_secrets_are_missed(half: str, seed: int) -> None:
    rows = [row for row in cases.secrets(seed) if of(half, row[0])]
    assert len(rows) >= 300
    missed, told = share(
        (kind for kind, text, parts in rows if any(part in redact(text).text for part in parts)), len(rows)
    )
    assert missed <= HALVES[half][0], told


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("half", HALVES)
def test_few_look_alikes_are_taken(half: str, seed: int) -> None:
    rows = [row for row in cases.look_alikes(seed) if of(half, row[0])]
    assert len(rows) >= 300
    taken, told = share((kind for kind, text in rows if redact(text).text != text), len(rows))
    assert taken <= HALVES[half][1], told
