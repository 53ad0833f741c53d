"""One line for each judge, as soon as it has said what it says."""

import time
from collections.abc import Callable


def content(name: str, judge: Callable[[], str]) -> bool:
    """Whether the judge found no fault. One that breaks is reported like one that does."""
    began = time.monotonic()
    try:
        mark, told = "✓", judge()
    except Exception as exc:  # noqa: BLE001 see above
        mark, told = "✗", f"{type(exc).__name__}: {exc}"
    print(f"{mark} {name:<38}{told} [{time.monotonic() - began:.0f} s]", flush=True)
    return mark == "✓"
