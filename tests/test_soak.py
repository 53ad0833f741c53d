"""Many calls to one server process: open files and threads do not grow, memory hardly does."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench"))

from soak import soak

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts files and threads in /proc"),
]


async def test_four_hundred_mixed_calls_leave_nothing_behind(environment: dict[str, str]) -> None:
    told = await soak(environment, calls=400, every=25)
    assert told.problems == []
    assert max(look.threads for look in told.looks) < 60  # pools fill up to their bounds
    assert max(look.files for look in told.looks[-4:]) <= max(look.files for look in told.looks[:4]) + 5
    assert told.grown(100) < 1.2
