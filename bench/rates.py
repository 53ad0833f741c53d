"""Shares with their uncertainty, as the benches print them."""

from math import sqrt


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """The Wilson score interval of a share (Wilson 1927), 0–1; by default 95 %. (0, 1) of nothing."""
    if not of:
        return 0.0, 1.0
    share, extra = hits / of, z * z / of
    middle = (share + extra / 2) / (1 + extra)
    half = z * sqrt(share * (1 - share) / of + extra / (4 * of)) / (1 + extra)
    return max(0.0, middle - half), min(1.0, middle + half)


def told(hits: int, of: int) -> str:
    """`3 of 69 (4.3 %, 1.5–12.0)`"""
    low, high = wilson(hits, of)
    return f"{hits} of {of} ({100 * hits / max(of, 1):.1f} %, {100 * low:.1f}–{100 * high:.1f})"
