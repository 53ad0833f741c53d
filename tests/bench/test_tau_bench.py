"""Real trajectories through the real server: nothing lost, doubled or leaked, and the judge asked the right things."""

import pytest

from bench.tau.attempts import DATA, load
from bench.tau.lessons import REWORDED
from bench.tau.reports import by_agent, by_endpoint

pytestmark = [
    pytest.mark.slow,
    pytest.mark.anyio,
    pytest.mark.skipif(not DATA.is_file(), reason=f"tau-bench's trajectories are not at {DATA}"),
]


async def test_real_attempts_judged_by_an_endpoint_are_all_kept_and_come_back(environment: dict[str, str]) -> None:
    everything = load()
    attempts = everything[:24]
    assert {attempt.outcome for attempt in attempts} == {"success", "failure"}
    assert any(attempt.secret for attempt in attempts)
    tasks = sorted({attempt.task for attempt in everything[24:60] if not attempt.secret})[:6]
    tally, requests = await by_endpoint(environment | {"STRATEGY_BANK_SCOPE": "airline"}, attempts, tasks)
    assert tally.problems == []
    assert len(tally.episodes) == 24
    assert requests >= 48
    assert tally.right_kind >= len(REWORDED) // 2
    assert tally.far_answered == 0


async def test_real_attempts_judged_by_the_agent_itself_are_all_kept(environment: dict[str, str]) -> None:
    attempts = load()[100:112]
    tally, requests = await by_agent(environment | {"STRATEGY_BANK_SCOPE": "airline"}, attempts, [])
    assert tally.problems == []
    assert (len(tally.episodes), requests) == (12, 0)
