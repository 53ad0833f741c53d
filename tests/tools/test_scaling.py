"""scale_attempts: parallel and sequential to the end, by any process, with strategies in every brief."""

from typing import Any

import anyio.to_thread
import pytest
from click.testing import CliRunner
from mcp import Client

from strategy_bank.server.cli.main import cli
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Run, RunMode, Strategy
from strategy_bank.tools.episodes.record import Report
from strategy_bank.tools.judging.judge import AgentJudge
from strategy_bank.tools.report_outcome import report_outcome
from strategy_bank.tools.scale_attempts import ScaleRequest, scale
from strategy_bank.tools.scopes.registry import Scope
from tests.support.connecting import Connect
from tests.support.samples import PREVENTIVE, STRATEGY, TASK, call, comparison, judgement, refusal, report, text_of
from tests.support.watched import Watched

pytestmark = pytest.mark.anyio


async def attempt(client: Client, run_id: str, number: int, verdict: str = "success", **changes: Any) -> dict[str, Any]:
    """Report one attempt, with a trajectory of its own."""
    arguments: dict[str, Any] = {
        "run_id": run_id,
        "attempt": number,
        "trajectory": f"Attempt {number}: looked at the file, changed the reader, {number}4 passed",
        "judgement": judgement(verdict, evidence=[f"{number}4 passed"], strategies=[]),
    }
    return await call(client, "report_outcome", **(arguments | changes))


async def test_a_parallel_run_goes_from_briefs_to_a_comparison(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        started = await call(client, "scale_attempts", task=TASK)
        run_id = started["run_id"]
        assert (started["status"], started["mode"], len(started["attempts"])) == ("running", "parallel", 3)
        briefs = [a["brief"] for a in started["attempts"]]
        assert all(TASK in brief and run_id in brief and f"attempt {n}" in brief for n, brief in enumerate(briefs, 1))
        assert len(set(briefs)) == 3
        for number, verdict in ((1, "failure"), (2, "success"), (3, "failure")):
            told = await attempt(client, run_id, number, verdict)
            assert (told["status"], told["verdict"]) == ("recorded", verdict)
            assert "scale_attempts" in told["next_step"]
        asked = await call(client, "scale_attempts", run_id=run_id)
        assert asked["status"] == "comparison_needed"
        assert [a["verdict"] for a in asked["attempts"]] == ["failure", "success", "failure"]
        assert all(f"Attempt {n}: looked at the file" in asked["comparison_request"]["rubric"] for n in (1, 2, 3))
        finished = await call(client, "scale_attempts", run_id=run_id, comparison=comparison(2))
        recalled = await call(client, "recall_strategies", task=TASK)
    assert (finished["status"], finished["best_attempt"]) == ("finished", 2)
    assert [s["action"] for s in finished["learned"]] == ["added"]
    assert [s["outcome"] for s in recalled["strategies"]] == ["contrast"]
    bank = await Bank.open(settings.location)
    (strategy,) = await bank.all(Strategy)
    assert strategy.run_ids == [run_id]
    assert strategy.episode_ids == [a["episode_id"] for a in asked["attempts"]]
    await bank.close()


async def test_recalled_strategies_stand_in_every_brief(connect: Connect) -> None:
    async with connect() as client:
        await report(client)
        started = await call(client, "scale_attempts", task=TASK, attempts=4)
    assert [s["title"] for s in started["strategies"]] == [STRATEGY["title"]]
    assert all(STRATEGY["content"] in a["brief"] for a in started["attempts"])
    assert all(started["recall_id"] in a["brief"] for a in started["attempts"])


async def test_a_sequential_run_gives_one_brief_at_a_time_with_the_attempt_before(connect: Connect) -> None:
    async with connect() as client:
        started = await call(client, "scale_attempts", task=TASK, mode="sequential", attempts=3)
        run_id = started["run_id"]
        assert [a["status"] for a in started["attempts"]] == ["open", "waiting", "waiting"]
        await attempt(client, run_id, 1, "failure")
        second = await call(client, "scale_attempts", run_id=run_id)
        assert [a["status"] for a in second["attempts"]] == ["reported", "open", "waiting"]
        brief = second["attempts"][1]["brief"]
        assert "Attempt 1: looked at the file" in brief
        assert "verdict: failure" in brief
        await attempt(client, run_id, 2)
        third = await call(client, "scale_attempts", run_id=run_id)
        assert "Attempt 2: looked at the file" in third["attempts"][2]["brief"]
        assert "Check once more" in third["attempts"][2]["brief"]
        await attempt(client, run_id, 3)
        assert (await call(client, "scale_attempts", run_id=run_id))["status"] == "comparison_needed"
        finished = await call(client, "scale_attempts", run_id=run_id, comparison=comparison(3))
    assert (finished["status"], finished["best_attempt"]) == ("finished", 3)


async def test_attempts_may_be_made_by_other_processes(connect: Connect) -> None:
    async with connect() as client:
        run_id = (await call(client, "scale_attempts", task=TASK, attempts=2))["run_id"]
        await attempt(client, run_id, 1)
    async with connect() as client:
        await attempt(client, run_id, 2)
    async with connect() as client:
        asked = await call(client, "scale_attempts", run_id=run_id)
        finished = await call(client, "scale_attempts", run_id=run_id, comparison=comparison(1))
    assert asked["status"] == "comparison_needed"
    assert finished["status"] == "finished"


async def test_asking_twice_changes_nothing(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        first = await call(client, "scale_attempts", task=TASK, attempts=2)
        assert await call(client, "scale_attempts", task=TASK, attempts=2) == first
        run_id = first["run_id"]
        assert await attempt(client, run_id, 1) == await attempt(client, run_id, 1)
        await attempt(client, run_id, 2)
        assert await call(client, "scale_attempts", run_id=run_id) == await call(
            client, "scale_attempts", run_id=run_id
        )
        finished = await call(client, "scale_attempts", run_id=run_id, comparison=comparison(2))
        again = await call(client, "scale_attempts", run_id=run_id, comparison=comparison(1, strategies=[PREVENTIVE]))
        later = await call(client, "scale_attempts", run_id=run_id)
    assert (again["best_attempt"], again["learned"]) == (2, finished["learned"])
    assert "first comparison stands" in again["warnings"][0]
    assert (later["status"], later["best_attempt"]) == ("finished", 2)
    bank = await Bank.open(settings.location)
    assert [s.support for s in await bank.all(Strategy)] == [1]
    assert await bank.count(Run) == 1
    await bank.close()


async def test_a_new_start_after_a_report_is_a_new_run(connect: Connect) -> None:
    async with connect() as client:
        first = await call(client, "scale_attempts", task=TASK, attempts=2)
        await attempt(client, first["run_id"], 1)
        second = await call(client, "scale_attempts", task=TASK, attempts=2)
    assert first["run_id"] != second["run_id"]


async def test_an_abandoned_run_is_finished_with_the_attempts_it_has(connect: Connect) -> None:
    async with connect() as client:
        run_id = (await call(client, "scale_attempts", task=TASK, attempts=4))["run_id"]
        await attempt(client, run_id, 1)
        await attempt(client, run_id, 3)
        running = await call(client, "scale_attempts", run_id=run_id)
        assert running["status"] == "running"
        assert "attempts=2" in running["next_step"]
        closed = await call(client, "scale_attempts", run_id=run_id, attempts=2)
        assert closed["status"] == "comparison_needed"
        finished = await call(client, "scale_attempts", run_id=run_id, comparison=comparison(3))
    assert (finished["status"], finished["best_attempt"]) == ("finished", 3)
    assert "2 of 4 attempts" in finished["warnings"][0]


async def test_strategies_of_a_single_attempt_are_not_lost(connect: Connect) -> None:
    async with connect() as client:
        run_id = (await call(client, "scale_attempts", task=TASK, attempts=2))["run_id"]
        told = await attempt(client, run_id, 1, judgement=judgement(evidence=["14 passed"]))
        assert told["status"] == "learned"
        await attempt(client, run_id, 2)
        finished = await call(client, "scale_attempts", run_id=run_id, comparison=comparison(1))
    assert [s["title"] for s in finished["learned"]] == [STRATEGY["title"]]


async def test_an_unjudged_attempt_is_compared_all_the_same(connect: Connect) -> None:
    async with connect() as client:
        run_id = (await call(client, "scale_attempts", task=TASK, attempts=2))["run_id"]
        assert (await attempt(client, run_id, 1, judgement=None))["status"] == "judgement_needed"
        await attempt(client, run_id, 2)
        asked = await call(client, "scale_attempts", run_id=run_id)
    assert asked["status"] == "comparison_needed"
    assert [a["verdict"] for a in asked["attempts"]] == [None, "success"]


async def test_wrong_uses_are_errors_that_say_what_to_do(connect: Connect) -> None:
    async with connect() as client:
        run_id = (await call(client, "scale_attempts", task=TASK, attempts=2))["run_id"]
        wrong: list[tuple[dict[str, Any], str]] = [
            ({}, "task is missing"),
            ({"comparison": comparison(1)}, "run_id"),
            ({"run_id": "run_none"}, "run_none"),
            ({"task": TASK, "attempts": 1}, "attempts"),
            ({"task": TASK, "attempts": 9}, "attempts"),
            ({"task": TASK, "mode": "both"}, "mode"),
            ({"run_id": run_id, "comparison": comparison(1)}, "no reported attempt"),
            ({"run_id": run_id, "comparison": comparison(1, strategies=[STRATEGY] * 6)}, "comparison.strategies"),
        ]
        for arguments, says in wrong:
            assert says in await refusal(client, "scale_attempts", **arguments)
        await attempt(client, run_id, 1)
        assert "these are: 1" in await refusal(client, "scale_attempts", run_id=run_id, comparison=comparison(2))
        text = await refusal(client, "report_outcome", run_id=run_id, attempt=3, trajectory="x")
        assert "attempts 1 to 2" in text
        text = await refusal(client, "report_outcome", run_id=run_id, attempt=1, trajectory="another one")
        assert "reported already" in text
        await call(client, "scale_attempts", run_id=run_id, comparison=comparison(1))
        text = await refusal(client, "report_outcome", run_id=run_id, attempt=2, trajectory="too late")
        assert "finished" in text


async def test_the_text_form_carries_briefs_request_and_result(connect: Connect) -> None:
    async with connect() as client:
        started = await client.call_tool("scale_attempts", {"task": TASK, "attempts": 2})
        assert started.structured_content is not None
        run_id = started.structured_content["run_id"]
        assert text_of(started).count("<brief>") == 2
        await attempt(client, run_id, 1)
        await attempt(client, run_id, 2)
        asked = text_of(await client.call_tool("scale_attempts", {"run_id": run_id}))
        assert "# Compare the attempts" in asked
        done = text_of(await client.call_tool("scale_attempts", {"run_id": run_id, "comparison": comparison(2)}))
    assert "Best attempt: 2" in done
    assert STRATEGY["title"] in done


async def test_the_last_report_closes_the_run_in_the_bank(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        run_id = (await call(client, "scale_attempts", task=TASK, attempts=2))["run_id"]
        await attempt(client, run_id, 1)
        assert await status(settings, run_id) == "running"
        await attempt(client, run_id, 2, judgement=None)
        assert await status(settings, run_id) == "comparison_needed"
        words = ["--home", str(settings.home), "show", run_id]
        shown = (await anyio.to_thread.run_sync(CliRunner().invoke, cli, words)).output
        assert "comparison_needed, 2 of 2 attempts reported" in shown
        await call(client, "scale_attempts", run_id=run_id, comparison=comparison(2))
    assert await status(settings, run_id) == "finished"


async def test_a_run_that_an_older_version_left_running_is_closed_when_it_is_asked_for(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        run_id = (await call(client, "scale_attempts", task=TASK, attempts=2))["run_id"]
        for number in (1, 2):
            await attempt(client, run_id, number)
        bank = await Bank.open(settings.location)
        reopened = (await bank.get(Run, run_id)).model_copy(update={"status": "running"})
        await bank.atomically(lambda: bank.amend([reopened]))
        await bank.close()
        asked = await call(client, "scale_attempts", run_id=run_id)
    assert asked["status"] == await status(settings, run_id) == "comparison_needed"


async def status(settings: Settings, run_id: str) -> str:
    bank = await Bank.open(settings.location)
    run = await bank.get(Run, run_id)
    await bank.close()
    return run.status


@pytest.mark.parametrize(("mode", "read"), [("parallel", 0), ("sequential", 1)])
async def test_trajectories_are_read_only_for_a_brief_that_shows_one_and_for_the_comparison(
    settings: Settings, mode: RunMode, read: int
) -> None:
    bank = await Bank.open(settings.location)
    started = await scale(bank, AgentJudge(), ScaleRequest(scope=Scope("project"), task=TASK, mode=mode))
    onward = ScaleRequest(scope=Scope("project"), run_id=started.run_id)
    for number in (1, 2):
        await _report(bank, started.run_id, number)
    watched = Watched(bank)
    await scale(bank, AgentJudge(), onward)
    assert watched.trajectories == read
    await _report(bank, started.run_id, 3)
    watched = Watched(bank)
    await scale(bank, AgentJudge(), onward)
    assert watched.trajectories == 3
    await bank.close()


async def test_a_start_among_many_used_runs_reads_only_their_ids(settings: Settings) -> None:
    bank = await Bank.open(settings.location)
    request = ScaleRequest(scope=Scope("project"), task=TASK)
    for _ in range(5):
        await _report(bank, (await scale(bank, AgentJudge(), request)).run_id, 1)
    unused = await scale(bank, AgentJudge(), request)
    watched = Watched(bank)
    assert (await scale(bank, AgentJudge(), request)).run_id == unused.run_id
    assert (watched.trajectories, watched.reads) == (0, 2)  # which runs have attempts, and those of this one
    await bank.close()


async def _report(bank: Bank, run_id: str, number: int) -> None:
    told = Report(scope=Scope("project"), run_id=run_id, attempt=number, trajectory=f"Attempt {number}: gave up")
    await report_outcome(bank, AgentJudge(), told)
