"""kill -9 in the middle of reporting, joining, compacting, migrating and re-embedding: what was acknowledged is there."""

from pathlib import Path

import pytest

from bench.load.crashes import MOMENTS_S, crashes

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_two_kills_in_each_phase_lose_nothing_that_was_acknowledged(home: Path) -> None:
    told = await crashes(home, kills=2 * len(MOMENTS_S), seed=1)
    assert told.problems == []
    assert told.kills == dict.fromkeys(MOMENTS_S, 2)
    assert told.acknowledged
