"""Figures as the benches print them."""

from collections.abc import Sequence
from math import comb, sqrt
from random import Random
from statistics import fmean


def percentile_ms(seconds: Sequence[float], share: float) -> float:
    """The value below which this share of the times lies, in ms; nan of none."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def p50_p95(seconds: Sequence[float]) -> str:
    return f"p50 {percentile_ms(seconds, 0.5):.0f} ms, p95 {percentile_ms(seconds, 0.95):.0f} ms"


def show_problems(problems: Sequence[str], most: int = 50) -> None:
    for problem in problems[:most]:
        print(f"  ! {problem}")


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """The interval of a share, 95 % by default (E. B. Wilson 1927); of nothing it is 0 to 1."""
    if not of:
        return 0.0, 1.0
    rate, spread = hits / of, z * z / of
    half = z * sqrt(rate * (1 - rate) / of + spread / (4 * of))
    low, high = ((rate + spread / 2 + sign * half) / (1 + spread) for sign in (-1, 1))
    return max(0.0, low), min(1.0, high)


def share(hits: int, of: int) -> str:
    """As `41 of 50, 82 % (69–90)`, the interval being Wilson's."""
    low, high = wilson(hits, of)
    return f"{hits} of {of}, {100 * hits / of:.0f} % ({100 * low:.0f}–{100 * high:.0f})" if of else "none"


def told(hits: int, of: int) -> str:
    """Of small shares, as `3 of 69 (4.3 %, 1.5–12.0)`, the interval being Wilson's."""
    low, high = wilson(hits, of)
    return f"{hits} of {of} ({100 * hits / max(of, 1):.1f} %, {100 * low:.1f}–{100 * high:.1f})"


def bootstrap(values: Sequence[float], draws: int = 10_000, seed: int = 1) -> tuple[float, float]:
    """The 95 % interval of a mean, by drawing the values anew (percentiles); nan of none."""
    if not values:
        return float("nan"), float("nan")
    dice = Random(seed)
    means = sorted(fmean(dice.choices(values, k=len(values))) for _ in range(draws))
    return means[round(0.025 * (draws - 1))], means[round(0.975 * (draws - 1))]


def sign_test(better: int, worse: int) -> float:
    """The two-sided p of so many pairs in favour and against, ties left out (exact binomial, McNemar's exact test)."""
    pairs = better + worse
    tail = sum(comb(pairs, hits) for hits in range(min(better, worse) + 1)) / 2**pairs
    return min(1.0, 2 * tail)
