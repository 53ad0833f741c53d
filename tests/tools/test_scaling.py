"""scale_attempts: parallel and sequential to the end, by any process, with strategies in every brief."""

from typing import Any

import anyio.to_thread
import pytest
from click.testing import CliRunner
from mcp import Client

from strategy_bank.server.cli.main import cli
from strategy_bank.server.demo.examples import episode_examples
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Run, RunMode, Strategy
from strategy_bank.tools.episodes.record import Report
from strategy_bank.tools.judging.judge import AgentJudge
from strategy_bank.tools.report_outcome import report_outcome
from strategy_bank.tools.scale_attempts import LEAST_CHANCE, ScaleRequest, scale
from strategy_bank.tools.scopes.registry import Scope
from tests.support.connecting import Connect
from tests.support.processes.watched import Watched
from tests.support.records import lesson, put
from tests.support.samples import (
    PREVENTIVE,
    STRATEGY,
    TASK,
    call,
    comparison,
    judgement,
    refusal,
    report,
    text_of,
)

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


async def test_lessons_stand_once_in_the_start_and_briefs_name_them(connect: Connect) -> None:
    async with connect() as client:
        await report(client)
        result = await client.call_tool("scale_attempts", {"task": TASK, "attempts": 4})
        started = result.structured_content or {}
        (lesson,) = started["strategies"]
        opened = await call(client, "recall_strategies", ids=[lesson["id"]])
    assert lesson["title"] == STRATEGY["title"]
    assert text_of(result).count(STRATEGY["content"]) == 1
    assert all(lesson["id"] in a["brief"] and STRATEGY["content"] not in a["brief"] for a in started["attempts"])
    assert [each["content"] for each in opened["strategies"]] == [STRATEGY["content"]]


async def test_a_start_lists_the_others_of_its_recall_and_so_does_whoever_goes_on(settings: Settings) -> None:
    bank = await Bank.open(settings.location)
    examples = episode_examples()
    taught = [(each.task, draft) for each in examples.values() for draft in each.judgement.strategies]
    lessons = [
        lesson(number, id=f"st_{number:016x}", source_task=of, **draft.model_dump(exclude={"amends", "holds"}))
        for number, (of, draft) in enumerate(taught)
    ]
    await put(bank, *lessons)
    task = examples["episode_flaky_polling"].reworded
    request = ScaleRequest(scope=Scope("project"), task=task)
    started = await scale(bank, AgentJudge(), request)
    again = await scale(bank, AgentJudge(), ScaleRequest(scope=Scope("project"), run_id=started.run_id))
    text = started.as_text()
    assert started.others
    assert (started.strategies, started.others) == (again.strategies, again.others)
    assert all(text.count(each.title) == 1 for each in [*started.strategies, *started.others])
    menu = await bank.menu(task, ["project"], 3)
    likely = [hit.id for hit in menu.others if hit.relevance >= LEAST_CHANCE]
    assert [each.id for each in started.others] == likely != [hit.id for hit in menu.others]
    await bank.close()


async def test_each_report_of_a_sequential_run_is_answered_with_the_next_brief(connect: Connect) -> None:
    async with connect() as client:
        started = await call(client, "scale_attempts", task=TASK, mode="sequential", attempts=3)
        run_id = started["run_id"]
        assert [a["status"] for a in started["attempts"]] == ["open", "waiting", "waiting"]
        first = await attempt(client, run_id, 1, "failure")
        assert "Attempt 2 of 3" in first["brief"]
        assert "Attempt 1: looked at the file" not in first["brief"]
        assert first == await attempt(client, run_id, 1, "failure")
        second = await attempt(client, run_id, 2, "failure")
        assert "Attempt 3 of 3" in second["brief"]
        assert "Check once more" in second["brief"]
        third = await attempt(client, run_id, 3)
        assert third["brief"] == ""
        rubric = third["comparison_request"]["rubric"]
        assert [f"Attempt {n}, {verdict}" in rubric for n, verdict in ((1, "failure"), (2, "failure"), (3, "success"))]
        assert "looked at the file" not in rubric
        assert "The suite ran and passed" in rubric
        finished = await call(client, "scale_attempts", run_id=run_id, comparison=comparison(3))
    assert (finished["status"], finished["best_attempt"]) == ("finished", 3)


async def test_whoever_asks_is_told_the_attempts_and_the_next_brief_in_full(connect: Connect) -> None:
    async with connect() as client:
        await report(client)
        run_id = (await call(client, "scale_attempts", task=TASK, mode="sequential", attempts=3))["run_id"]
        await attempt(client, run_id, 1, "failure")
    async with connect() as client:
        second = await call(client, "scale_attempts", run_id=run_id)
        assert [a["status"] for a in second["attempts"]] == ["reported", "open", "waiting"]
        assert [s["title"] for s in second["strategies"]] == [STRATEGY["title"]]
        brief = second["attempts"][1]["brief"]
        assert all(told in brief for told in (TASK, "Attempt 1: looked at the file", "verdict: failure"))
        await attempt(client, run_id, 2)
        third = await call(client, "scale_attempts", run_id=run_id)
        assert "Attempt 2: looked at the file" in third["attempts"][2]["brief"]
        assert "Check once more" in third["attempts"][2]["brief"]
        last = await attempt(client, run_id, 3)
        rubric = last["comparison_request"]["rubric"]
        assert [f"Attempt {n}: looked at the file" in rubric for n in (1, 2, 3)] == [True, False, False]
        asked = await call(client, "scale_attempts", run_id=run_id)
    assert all(f"Attempt {n}: looked at the file" in asked["comparison_request"]["rubric"] for n in (1, 2, 3))


async def test_parallel_attempts_of_one_connection_may_be_those_of_sub_agents_and_are_told(connect: Connect) -> None:
    async with connect() as client:
        run_id = (await call(client, "scale_attempts", task=TASK, attempts=3))["run_id"]
        assert "Still open: 1, 3" in (await attempt(client, run_id, 2, "failure"))["next_step"]
        assert (await attempt(client, run_id, 1, "failure"))["brief"] == ""
        last = await attempt(client, run_id, 3)
    rubric = last["comparison_request"]["rubric"]
    assert [f"Attempt {n}: looked at the file" in rubric for n in (1, 2, 3)] == [True, True, False]


async def test_after_a_success_the_reply_offers_to_finish_in_one_call(connect: Connect) -> None:
    async with connect() as client:
        for mode, changes in (("sequential", {}), ("parallel", {}), ("sequential", {"outcome": "success"})):
            run_id = (await call(client, "scale_attempts", task=f"{TASK} {mode}", mode=mode))["run_id"]
            failed = await attempt(client, run_id, 1, "failure")
            assert "finish now" not in failed["next_step"]
            told = await attempt(client, run_id, 2, **changes)
            assert f"scale_attempts(run_id={run_id!r}, comparison={{analysis, best_attempt: 2" in told["next_step"]
            finished = await call(client, "scale_attempts", run_id=run_id, comparison=comparison(2))
            assert (finished["status"], finished["best_attempt"], finished["warnings"]) == ("finished", 2, [])
            assert "2 of 3 attempts" in finished["next_step"]


async def test_an_attempt_that_is_judged_in_a_second_call_is_told_what_comes_next_there(connect: Connect) -> None:
    async with connect() as client:
        run_id = (await call(client, "scale_attempts", task=TASK, mode="sequential"))["run_id"]
        asked = await attempt(client, run_id, 1, judgement=None)
        assert (asked["status"], asked["brief"]) == ("judgement_needed", "")
        verdict = judgement(evidence=["14 passed"], strategies=[])
        told = await call(client, "report_outcome", episode_id=asked["episode_id"], judgement=verdict)
        assert "Attempt 2 of 3" in told["brief"]
        waiting = await attempt(client, run_id, 2, judgement=None)
    async with connect() as client:  # somebody who judges what earlier sessions left is not sent to work on their runs
        told = await call(
            client,
            "report_outcome",
            episode_id=waiting["episode_id"],
            judgement=judgement("failure", evidence=["24 passed"]),
        )
        assert (told["brief"], told["next_step"]) == ("", f"Go on with scale_attempts, run_id {run_id!r}.")


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
    assert "2 of 4 attempts" in finished["next_step"]


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
