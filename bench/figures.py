"""Figures as the benches print them."""

from collections.abc import Sequence


def percentile_ms(seconds: Sequence[float], share: float) -> float:
    """The value below which this share of the times lies, in ms; nan of none."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def p50_p95(seconds: Sequence[float]) -> str:
    return f"p50 {percentile_ms(seconds, 0.5):.0f} ms, p95 {percentile_ms(seconds, 0.95):.0f} ms"


def show_problems(problems: Sequence[str], most: int = 50) -> None:
    for problem in problems[:most]:
        print(f"  ! {problem}")
