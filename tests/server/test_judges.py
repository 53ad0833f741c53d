"""Who judges: the agent or an endpoint; a judge that fails is never a verdict."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from strategy_bank.server.mcp.app import make_judge
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode
from strategy_bank.tools.report_outcome import distill
from tests.support.connecting import Connect
from tests.support.samples import STRATEGY, TASK, call, comparison, judgement, report
from tests.support.scripted_endpoint import ScriptedEndpoint, fails, plausible, says

pytestmark = pytest.mark.anyio
VERDICT = {key: judgement()[key] for key in ("reason", "verdict", "evidence")}
LESSONS = {"analysis": "It looked first.", "strategies": [STRATEGY]}


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint() as server:
        yield server


def configured(endpoint: ScriptedEndpoint) -> dict[str, Any]:
    return {
        "llm_base_url": endpoint.base_url,
        "llm_model": "test-model",
        "llm_api_key": SecretStr("sk-test"),
        "llm_timeout": 5,
    }


async def test_an_endpoint_judges_and_distills_in_the_same_call(connect: Connect, endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(says(VERDICT))
    endpoint.enqueue(says(LESSONS))
    async with connect(change=configured(endpoint)) as client:
        result = await report(client, judgement=None)
    assert (result["status"], result["verdict"]) == ("learned", "success")
    assert endpoint.kinds == ["judge", "extract_success"]
    assert "14 passed in 2.31s" in endpoint.requests[0].data


async def test_an_endpoint_that_believes_the_agents_own_words_is_asked_again(
    connect: Connect, endpoint: ScriptedEndpoint
) -> None:
    trajectory = [{"action": "pytest -q", "observation": "3 skipped"}, {"thought": "So all tests pass."}]
    believing = {**VERDICT, "evidence": ["So all tests pass."]}
    endpoint.enqueue(says(believing), says({**believing, "verdict": "failure"}), says({**LESSONS, "strategies": []}))
    async with connect(change=configured(endpoint)) as client:
        result = await report(client, trajectory=trajectory, judgement=None)
    assert (result["status"], result["verdict"]) == ("recorded", "failure")
    assert endpoint.kinds == ["judge", "judge/repair", "extract_failure"]
    assert "only what the agent said itself" in endpoint.requests[1].last


async def test_a_failing_endpoint_leaves_the_episode_pending_and_distill_finishes_it(
    connect: Connect, settings: Settings, endpoint: ScriptedEndpoint
) -> None:
    endpoint.enqueue(fails(401))
    async with connect(change=configured(endpoint)) as client:
        result = await report(client, judgement=None)
    assert (result["status"], result["verdict"], result["strategies"]) == ("recorded", None, [])
    assert "401" in result["warnings"][0]
    assert "distill" in result["next_step"]
    bank = await Bank.open(settings.location)
    (episode,) = await bank.all(Episode, status="pending")
    assert "401" in episode.reason
    endpoint.enqueue(says(VERDICT))
    endpoint.enqueue(says(LESSONS))
    judge = make_judge(settings.model_copy(update=configured(endpoint)))
    learned = (await distill(bank, judge, episode)).record
    await judge.aclose()
    assert (learned.status, learned.verdict, learned.reason) == ("learned", "success", "")
    assert learned.judge == "endpoint:test-model"
    await bank.close()


async def test_after_a_failing_endpoint_the_agent_may_still_judge(connect: Connect, endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(fails(404))
    async with connect(change=configured(endpoint)) as client:
        result = await report(client, judgement=None)
        finished = await call(client, "report_outcome", episode_id=result["episode_id"], judgement=judgement())
    assert finished["status"] == "learned"


async def test_an_endpoint_judges_attempts_without_extraction_and_compares_them(connect: Connect) -> None:
    with ScriptedEndpoint(plausible) as endpoint:
        async with connect(change=configured(endpoint)) as client:
            run_id = (await call(client, "scale_attempts", task=TASK, attempts=2))["run_id"]
            for number, end in ((1, "AssertionError: failed"), (2, "14 passed")):
                arguments: dict[str, Any] = {
                    "run_id": run_id,
                    "attempt": number,
                    "trajectory": f"ran pytest\nran it again\n{end}",
                }
                told = await call(client, "report_outcome", **arguments)
                assert told["status"] == "recorded"
            assert "keep the result of attempt" in told["next_step"]
            finished = await call(client, "scale_attempts", run_id=run_id)
        assert endpoint.kinds == ["judge", "judge", "contrast", "best_of_n"]
    assert finished["status"] == "finished"
    assert finished["learned"]
    assert [a["verdict"] for a in finished["attempts"]] == ["failure", "success"]


async def test_when_the_endpoint_cannot_compare_the_agent_is_asked(
    connect: Connect, endpoint: ScriptedEndpoint
) -> None:
    async with connect() as client:
        run_id = (await call(client, "scale_attempts", task=TASK, attempts=2))["run_id"]
        for number in (1, 2):
            await call(client, "report_outcome", run_id=run_id, attempt=number, trajectory=f"{number}: ok", outcome="success",
                       judgement=judgement(strategies=[]))  # fmt: skip
    endpoint.enqueue(fails(403))
    async with connect(change=configured(endpoint)) as client:
        asked = await call(client, "scale_attempts", run_id=run_id)
        assert asked["status"] == "comparison_needed"
        assert "403" in asked["warnings"][0]
        finished = await call(client, "scale_attempts", run_id=run_id, comparison=comparison(2))
    assert finished["status"] == "finished"
