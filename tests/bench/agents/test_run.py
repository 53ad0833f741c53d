"""Agents behind an endpoint: the loop of a scripted model over the tiny world and the real server."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.agents.plan import load_plan
from bench.agents.rows import Row, collect
from bench.agents.run import main
from bench.agents.world import MISSING, WorldMissing
from tests.bench.agents.tiny_world import TinyWorld
from tests.support.scripted_endpoint import Reply, Request, ScriptedEndpoint, fails

CALLED = {"prompt_tokens": 1000, "completion_tokens": 20, "total_tokens": 1020}


def calls(name: str, **arguments: Any) -> Reply:
    """A completion that calls one tool."""
    return completes(
        {
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            ]
        }
    )


def completes(message: dict[str, Any]) -> Reply:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": None, **message}}
    whole = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": CALLED}
    return Reply(raw=json.dumps(whole).encode())


def player(request: Request) -> Reply:
    """Recalls where it can, opens the box if it was told how or by itself, reports where it is asked to."""
    names = {tool["function"]["name"] for tool in request.body["tools"]}
    said = request.body["messages"]
    task = said[0]["content"].split("\n")[2]
    done = [call["function"]["name"] for one in said for call in one.get("tool_calls") or []]
    if "recall_strategies" in names and "recall_strategies" not in done:
        return calls("recall_strategies", task=task)
    if "act" not in done:
        return calls("act", actions=["take key", "open box"])
    judgement = {"reason": "It says so.", "verdict": "success", "evidence": ["The box is open."]}
    steps = [{"action": "open box", "observation": "The box is open."}]
    return calls("report_outcome", task=task, trajectory=steps, outcome="success", judgement=judgement)


def played(out: Path, responder: Any, *words: str) -> list[Row]:
    with ScriptedEndpoint(responder) as endpoint:
        given = ["--endpoint", endpoint.base_url, "--model", "m", "--out", str(out), "--tasks", "boil", *words]
        assert main(given, {}, TinyWorld) == 0
    rows, _, problems = collect(out)
    assert problems == []
    return rows


@pytest.mark.slow
def test_a_model_plays_each_arm_through_tool_calls_and_its_endpoint_counts_the_tokens(tmp_path: Path) -> None:
    rows = played(tmp_path, player, "--visits", "2")
    assert [(row.arm, row.visit) for row in rows if row.completed] == [
        (arm, visit) for visit in (1, 2) for arm in ("bank", "no-failures", "none", "raw")
    ]
    assert {row.variation for row in rows} == set(load_plan().chains["boil"][:2])
    by_arm = {row.arm: row for row in rows if row.visit == 2}
    assert (by_arm["none"].read, by_arm["none"].written, by_arm["none"].counted) == (1000, 20, True)
    assert (by_arm["bank"].read, by_arm["bank"].written, by_arm["bank"].outcome) == (3000, 60, "success")
    assert by_arm["raw"].handed_over > 0


def test_what_was_played_is_not_played_again(tmp_path: Path) -> None:
    words = ("--visits", "1", "--arms", "none")
    played(tmp_path, player, *words)
    assert len(played(tmp_path, lambda request: fails(500), *words)) == 1


def test_a_model_that_only_talks_has_given_up_in_the_end(tmp_path: Path) -> None:
    (row,) = played(tmp_path, lambda request: completes({"content": "Hm."}), "--visits", "1", "--arms", "none")
    assert (row.by, row.actions, row.completed) == ("agent", 0, False)


def test_arguments_that_cannot_be_read_are_answered(tmp_path: Path) -> None:
    asked = list[Request]()

    def careless(request: Request) -> Reply:
        asked.append(request)
        return calls("act", actions=5) if len(asked) == 1 else calls("give_up")

    (row,) = played(tmp_path, careless, "--visits", "1", "--arms", "none")
    assert "cannot be read" in asked[1].last
    assert row.by == "agent"


def test_an_endpoint_that_does_not_answer_ends_the_run_with_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ScriptedEndpoint(lambda request: fails(401, "no such key")) as endpoint:
        given = ["--endpoint", endpoint.base_url, "--model", "m", "--out", str(tmp_path), "--arms", "none"]
        assert main(given, {}, TinyWorld) == 1
    assert "no such key" in capsys.readouterr().err


def test_a_missing_world_ends_the_run_with_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def missing(name: str, variation: int) -> TinyWorld:
        raise WorldMissing(MISSING)

    given = ["--endpoint", "http://127.0.0.1:9/v1", "--model", "m", "--out", str(tmp_path), "--arms", "none"]
    assert main(given, {}, missing) == 2
    assert "--group agents" in capsys.readouterr().err
