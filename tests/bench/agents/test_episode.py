"""An episode: its budget, what each arm is given, and that all are told the same of the end."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.agents.episode import ARMS, BUDGET, Arm, Episode, Offer, Refused, Visit, open_episode
from bench.agents.guide import page
from bench.agents.raw import MOST_TOKENS, RawMemory
from bench.agents.record import Record, events, tokens
from bench.agents.rows import collect
from tests.bench.agents.tiny_world import TinyWorld

pytestmark = pytest.mark.anyio
LESSON = {
    "title": "Take the key before opening a box",
    "description": "When a box of this world is locked.",
    "content": "Look for the key first and take it. Breaking the box ends the task.",
}


@asynccontextmanager
async def playing(folder: Path, arm: Arm, number: int = 1) -> AsyncGenerator[Episode, None]:
    visit = Visit(arm, "box", number, number, folder / arm / "memory")
    async with open_episode(visit, folder / arm / str(number), TinyWorld) as episode:
        yield episode


def report(episode: Episode, outcome: str, **more: Any) -> dict[str, Any]:
    judgement = {
        "reason": "The world says so.",
        "verdict": outcome,
        "evidence": [episode.closing],
        "strategies": [LESSON],
    }
    steps = [*episode.steps, {"action": "look", "observation": episode.closing}]
    return {"task": episode.world.task, "trajectory": steps, "outcome": outcome, "judgement": judgement, **more}


async def test_after_thirty_actions_the_world_takes_no_more(tmp_path: Path) -> None:
    async with playing(tmp_path, "none") as episode:
        told = await episode.act(["wait"] * (BUDGET + 5))
        assert told.count("Nothing happens.") == BUDGET
        assert "Task not completed: 0 of 100 points." in told
        with pytest.raises(Refused, match="no more actions"):
            await episode.act(["take key"])


async def test_actions_stop_at_one_that_is_not_understood_which_counts_too(tmp_path: Path) -> None:
    async with playing(tmp_path, "none") as episode:
        told = await episode.act(["wait", "dance", "take key", "open box"])
        assert "The 2 actions after it were not done." in told
        assert episode.left == BUDGET - 2
        assert not episode.closing


@pytest.mark.parametrize(
    ("actions", "closing"),
    [
        (["take key", "open box"], "Task completed."),
        (["take key", "break box"], "Task not completed: 0 of 100 points."),
        (["take key", *["wait"] * BUDGET], "Task not completed: 50 of 100 points."),
    ],
)
async def test_every_arm_is_told_the_same_of_the_end(tmp_path: Path, actions: list[str], closing: str) -> None:
    for arm in ARMS:  # without its memory, which has no part in this
        episode = Episode(Visit(arm, "box", 1, 1), TinyWorld(), Record(tmp_path / arm), None, Offer())
        assert closing in await episode.act(actions)
        assert episode.closing == closing


@pytest.mark.slow
async def test_the_arms_differ_in_what_they_are_given_only(tmp_path: Path) -> None:
    pages = dict[str, str]()
    for arm in ARMS:
        async with playing(tmp_path, arm) as episode:
            pages[arm] = page(episode, "PLAY")
    assert pages["none"] == pages["raw"]  # there is no earlier attempt yet
    assert pages["bank"] == pages["no-failures"]
    assert all(line in pages["bank"].splitlines() for line in pages["none"].splitlines())
    assert "recall_strategies" in pages["bank"]
    assert "recall_strategies" not in pages["none"]
    assert '"scale_attempts"' not in pages["bank"]


@pytest.mark.slow
async def test_a_lesson_of_one_visit_reaches_the_next_through_the_server(tmp_path: Path) -> None:
    async with playing(tmp_path, "bank") as episode:
        with pytest.raises(Refused, match="Report when the work has ended"):
            await episode.tool("report_outcome", {})
        assert "Report it now" in await episode.act(["break box"])
        await episode.tool("report_outcome", {"outcome": "failure"})
        assert episode.report_is_due  # the server refused that one
        assert "learned" in await episode.tool("report_outcome", report(episode, "failure"))
        assert not episode.report_is_due
        episode.end()
    async with playing(tmp_path, "bank", 2) as episode:
        assert LESSON["content"] in await episode.tool("recall_strategies", {"task": episode.world.task})
    rows, reports, problems = collect(tmp_path)
    assert [(row.visit, row.reported, row.outcome) for row in rows] == [(1, True, "failure")]
    assert [report["task"] for report in reports] == ["open box 1 of the kind box"]
    assert problems == ["bank/2 was not played to its end"]


@pytest.mark.slow
async def test_without_failures_only_a_success_is_reported(tmp_path: Path) -> None:
    async with playing(tmp_path, "no-failures") as episode:
        assert "This episode is not reported." in await episode.act(["break box"])
        with pytest.raises(Refused, match="not reported"):
            await episode.tool("report_outcome", report(episode, "failure"))
    async with playing(tmp_path, "no-failures", 2) as episode:
        assert "Report it now" in await episode.act(["take key", "open box"])
        assert "learned" in await episode.tool("report_outcome", report(episode, "success"))


async def test_raw_hands_over_the_attempt_whose_task_is_most_similar(tmp_path: Path) -> None:
    memory = RawMemory(tmp_path / "raw" / "memory")
    memory.keep("boil water in the kitchen", [{"action": "heat water", "observation": "It boils."}])
    async with playing(tmp_path, "raw") as episode:
        assert "heat water" in episode.handed_over
        await episode.act(["take key", "open box"])
    async with playing(tmp_path, "raw", 2) as episode:
        assert "action: take key" in episode.handed_over
        assert "Task completed." in episode.handed_over
        assert episode.handed_over in page(episode, "PLAY")


async def test_raw_hands_over_no_more_than_its_cap(tmp_path: Path) -> None:
    steps = [{"action": f"step {number}", "observation": f"{number} things. " * 100} for number in range(BUDGET)]
    RawMemory(tmp_path).keep("open box", steps)
    assert MOST_TOKENS // 2 < tokens(RawMemory(tmp_path).recall("open box")) <= MOST_TOKENS


async def test_the_record_holds_what_was_done_and_how_it_ended(tmp_path: Path) -> None:
    async with playing(tmp_path, "none") as episode:
        await episode.act(["take key", "open box"])
        episode.end()
    seen = list(events(tmp_path / "none" / "1"))
    assert [event["kind"] for event in seen] == ["begin", "action", "action", "closed", "end"]
    assert (seen[3]["completed"], seen[3]["score"], seen[3]["actions"]) == (True, 100, 2)
