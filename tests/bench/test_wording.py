"""The situations of bench/wording: true to the tools there are, solvable, and the bench that puts them to an endpoint."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import pytest
from jsonschema import Draft202012Validator

from bench.support.figures import share
from bench.wording.situations import Call, Situation, load_situations, mistakes, value_at
from bench.wording.tool_choice import KINDS, main, offered
from strategy_bank.tools.prompting import render
from tests.support.scripted_endpoint import Reply, Request, ScriptedEndpoint, fails

SITUATIONS = load_situations()
OFFER = anyio.run(offered)
NAMES = [situation.name for situation in SITUATIONS]
JUDGEMENT = {"reason": "The output decides it.", "verdict": "success", "evidence": ["40 1 passed"]}


def test_there_are_enough_situations_of_each_kind() -> None:
    kinds = Counter(situation.kind for situation in SITUATIONS)
    assert len(SITUATIONS) >= 36
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 3
    assert kinds["nothing"] >= 10


def test_what_is_expected_and_what_was_called_exist_in_the_servers_schemas() -> None:
    for situation in SITUATIONS:
        expect = situation.expect
        assert (expect.tool is None) == (situation.kind == "nothing")
        for path in [*expect.has, *expect.lacks, *expect.equals]:
            assert expect.tool, situation.name
            assert schema_at(OFFER.schemas[expect.tool], path), (situation.name, path)
        for turn in situation.so_far:
            assert turn.call in {"", "shell", *OFFER.schemas}
            if turn.call in OFFER.schemas and "Nothing was stored" not in turn.result:
                Draft202012Validator(OFFER.schemas[turn.call]).validate(turn.arguments)


@pytest.mark.parametrize("situation", SITUATIONS, ids=NAMES)
def test_a_situation_has_an_answer_and_refuses_silence_noise_and_the_wrong_fields(situation: Situation) -> None:
    right, expect = answer_to(situation), situation.expect
    assert mistakes(expect, right, OFFER.schemas) == []
    assert mistakes(expect, [Call(tool="shell", arguments={"command": "ls"}), *right], OFFER.schemas) == []
    if not right:
        assert mistakes(expect, [Call(tool="recall_strategies", arguments={"task": "x"})], OFFER.schemas)
        return
    assert mistakes(expect, [], OFFER.schemas)
    assert mistakes(expect, [*right, *right], OFFER.schemas)
    assert mistakes(expect, [Call(tool=right[0].tool, arguments=None)], OFFER.schemas)
    arguments = right[0].arguments or {}
    for path in [*expect.has, *expect.equals]:
        name = path.partition(".")[0]
        without = {key: value for key, value in arguments.items() if key != name}
        assert mistakes(expect, [Call(tool=right[0].tool, arguments=without)], OFFER.schemas), path
    for path in expect.lacks:
        more = with_value(arguments, path, ["st_0"] if path == "judgement.strategies" else "more")
        assert mistakes(expect, [Call(tool=right[0].tool, arguments=more)], OFFER.schemas), path


@pytest.mark.parametrize("situation", SITUATIONS, ids=NAMES)
def test_a_situation_is_shown_with_todays_wording_and_as_a_chat_that_endpoints_take(situation: Situation) -> None:
    messages = situation.messages()
    assert messages[0]["role"] == "user"
    assert messages[-1]["role"] in ("user", "tool", "assistant")
    shown = json.dumps(messages)
    assert not [
        name for name in ("$recalled", "$nothing", "$judgement", "$comparison", "$own", "$brief") if name in shown
    ]
    asked = {call["id"] for message in messages for call in message.get("tool_calls") or []}
    assert asked == {message["tool_call_id"] for message in messages if message["role"] == "tool"}
    if any(turn.call == "recall_strategies" and "<strategies>" in turn.result for turn in situation.so_far):
        assert any(render("recalled") in (message.get("content") or "") for message in messages)


def test_two_situations_of_one_name_are_refused(tmp_path: Path) -> None:
    twice = [SITUATIONS[0].model_dump(), SITUATIONS[0].model_dump()]
    (tmp_path / "s.json").write_text(json.dumps(twice), "utf-8")
    with pytest.raises(ValueError, match=SITUATIONS[0].name):
        load_situations(tmp_path / "s.json")


def test_the_bench_counts_what_an_endpoint_calls(capsys: pytest.CaptureFixture[str]) -> None:
    """Right but for one call too early, one recall too many, one wrong field and one error of the endpoint."""
    by_chat = {json.dumps(situation.messages()): situation for situation in SITUATIONS}

    def answer(request: Request) -> Reply:
        system, *chat = request.body["messages"]
        assert render("instructions") in system["content"]
        assert [tool["function"]["name"] for tool in request.body["tools"]][-1] == "shell"
        situation = by_chat[json.dumps(chat)]
        if situation.name == "gave-up":
            return fails(400, "too long")
        if situation.name in ("first-red-test", "thanks-at-the-end"):
            return calls([Call(tool="recall_strategies", arguments={"task": "again"})])
        right = answer_to(situation)
        if situation.name == "five-notes-wanted":
            return calls([Call(tool=right[0].tool, arguments={"task": "migrations"})])
        return calls(right)

    with ScriptedEndpoint(answer) as endpoint:
        environment = {"STRATEGY_BANK_LLM_BASE_URL": endpoint.base_url, "STRATEGY_BANK_LLM_MODEL": "scripted"}
        assert main([], environment) == 1
        assert len(endpoint.requests) == len(SITUATIONS)
    printed = " ".join(capsys.readouterr().out.split())
    kinds = Counter(situation.kind for situation in SITUATIONS)
    assert f"scripted, {len(SITUATIONS)} situations all {share(len(SITUATIONS) - 4, len(SITUATIONS))}" in printed
    assert f"recall {share(kinds['recall'] - 1, kinds['recall'])}" in printed
    assert f"report {share(kinds['report'] - 1, kinds['report'])}" in printed
    assert f"nothing {share(kinds['nothing'] - 2, kinds['nothing'])}" in printed
    assert "five-notes-wanted: limit is None instead of 5" in printed
    assert "first-red-test: called recall_strategies instead of nothing" in printed
    assert "gave-up: no answer:" in printed


def test_without_an_endpoint_the_bench_says_what_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], {}) == 2
    assert "STRATEGY_BANK_LLM_MODEL" in capsys.readouterr().err


def answer_to(situation: Situation) -> list[Call]:
    """A right answer, made from what is expected."""
    expect = situation.expect
    if expect.tool is None:
        return []
    fillers: dict[str, Any] = {
        "task": "The task",
        "trajectory": "What happened",
        "same_as": {"st_5d02c9e4b7a1f863": "st_90ab12cd34ef5678"},
        "recall_id": "rc_71d0e2aa93b54c18",
        "recalled": {"st_5d02c9e4b7a1f863": "helped"},
        "judgement": JUDGEMENT | ({} if "judgement.strategies" in expect.lacks else {"strategies": []}),
        "comparison": {"analysis": "One measured first.", "best_attempt": 1},
    }
    arguments = {name: fillers[name] for name in dict.fromkeys(path.partition(".")[0] for path in expect.has)}
    if "judgement.strategies" in expect.has:
        lesson = {
            "title": "Find the encoding",
            "description": "When text is read.",
            "content": "Look before you change.",
        }
        arguments = with_value(arguments, "judgement.strategies", [lesson])
    for path, value in expect.equals.items():
        if path.startswith("judgement.") and "judgement" not in arguments:
            arguments["judgement"] = JUDGEMENT
        arguments = with_value(arguments, path, value)
    return [Call(tool=expect.tool, arguments=arguments)]


def with_value(arguments: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    outer, _, inner = path.partition(".")
    return arguments | {outer: (arguments.get(outer) or {}) | {inner: value} if inner else value}


def schema_at(schema: dict[str, Any], path: str) -> dict[str, Any] | None:
    """The part of a schema at a path of properties."""
    value = value_at(schema, ".".join(f"properties.{name}" for name in path.split(".")))
    return value if isinstance(value, dict) else None


def calls(made: list[Call]) -> Reply:
    """A completion that makes these calls, or says something."""
    functions = [
        {
            "id": f"made_{number}",
            "type": "function",
            "function": {"name": one.tool, "arguments": json.dumps(one.arguments)},
        }
        for number, one in enumerate(made)
    ]
    message = {"role": "assistant", "content": None if made else "On it.", "tool_calls": functions or None}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if made else "stop"}
    body = {"id": "scripted", "object": "chat.completion", "created": 0, "model": "scripted", "choices": [choice]}
    return Reply(raw=json.dumps(body).encode())
