import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from strategy_bank.store.errors import InvalidInput, JudgeFailed
from strategy_bank.tools.judging.endpoint_judge import EndpointJudge
from strategy_bank.tools.judging.judge_replies import ContrastReply, VerdictReply, json_part
from strategy_bank.tools.judging.judgement import AttemptView, Judgement
from strategy_bank.tools.judging.openai_client import EndpointSettings, strict_schema
from strategy_bank.tools.prompting import fence
from tests.support.scripted_endpoint import (
    Reply,
    ScriptedEndpoint,
    fails,
    garbage,
    hangs_up,
    plausible,
    refuses,
    says,
    slow,
    trickles,
    truncated,
)

KEY = "sk-secret-0123456789"
TASK = "Make the import accept files with a byte order mark"
TRAJECTORY = """[1] thought: See it fail first.
[1] action: bash({"cmd": "pytest tests/test_import.py"})
[1] observation: 1 failed, UnicodeDecodeError in /srv/shop/importer.py
[2] action: edit({"path": "/srv/shop/importer.py"})
[2] observation: 14 passed in 0.31s
[3] assistant: Done."""
QUOTE = "14 passed in 0.31s"

VERDICT: dict[str, Any] = {"reason": "All tests passed.", "verdict": "success", "evidence": [QUOTE]}
FAILURE = {**VERDICT, "reason": "It did not work.", "verdict": "failure"}
LESSON = {
    "title": "Look at the first bytes",
    "description": "Applies when text from outside cannot be decoded.",
    "content": "Look at the first bytes before changing the decoder. They tell the encoding.",
}
LITERAL = {**LESSON, "content": "Change the decoder in /srv/shop/importer.py to another one."}
LESSONS = {"analysis": "It reproduced the fault first.", "strategies": [LESSON]}
BEST = {"analysis": "It got there directly.", "best_attempt": 2}
ATTEMPTS = [AttemptView(1, "failure", "tried and failed"), AttemptView(2, "success", TRAJECTORY)]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    with ScriptedEndpoint() as endpoint:
        yield endpoint


def settings_for(endpoint: ScriptedEndpoint, **changes: Any) -> EndpointSettings:
    given = {"base_url": endpoint.base_url, "model": "m1", "api_key": SecretStr(KEY), "max_retries": 0}
    return EndpointSettings(**{**given, **changes})


@asynccontextmanager
async def judge_at(endpoint: ScriptedEndpoint, **changes: Any) -> AsyncIterator[EndpointJudge]:
    judge = EndpointJudge(settings_for(endpoint, **changes))
    try:
        yield judge
    finally:
        await judge.aclose()


async def judged(endpoint: ScriptedEndpoint, *replies: Reply, **changes: Any) -> Judgement:
    """One judgement without strategies."""
    endpoint.enqueue(*replies)
    async with judge_at(endpoint, **changes) as judge:
        return await judge.judge(TASK, TRAJECTORY, None, distill=False)


# Judging


@pytest.mark.anyio
async def test_a_success_is_judged_and_learned_from(endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(says(VERDICT), says(LESSONS))
    async with judge_at(endpoint) as judge:
        judgement = await judge.judge(TASK, TRAJECTORY, None)
    assert judgement == Judgement.model_validate({**VERDICT, "strategies": [LESSON]})
    assert endpoint.kinds == ["judge", "extract_success"]


@pytest.mark.anyio
async def test_a_failure_is_learned_from_with_the_prompt_for_failures(endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(says(FAILURE), says({**LESSONS, "strategies": []}))
    async with judge_at(endpoint) as judge:
        judgement = await judge.judge(TASK, TRAJECTORY, None)
    assert (judgement.verdict, judgement.strategies) == ("failure", [])
    assert endpoint.kinds == ["judge", "extract_failure"]
    assert fence("reason", "It did not work.") in endpoint.requests[1].data


@pytest.mark.anyio
async def test_what_was_sent(endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(says(VERDICT), says(LESSONS))
    async with judge_at(endpoint, max_tokens=777) as judge:
        await judge.judge(TASK, TRAJECTORY, None)
        assert judge.name == "endpoint:m1"
    first, second = endpoint.requests
    assert first.path == "/v1/chat/completions"
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert (first.body["model"], first.body["max_tokens"]) == ("m1", 777)
    assert (first.body["temperature"], second.body["temperature"]) == (0.0, 1.0)
    assert [message["role"] for message in first.body["messages"]] == ["system", "user"]
    assert TRAJECTORY not in first.orders
    for request in endpoint.requests:
        assert fence("task", TASK) in request.data
        assert fence("trajectory", TRAJECTORY) in request.data
    schema = first.body["response_format"]["json_schema"]
    assert (schema["strict"], schema["schema"]) == (True, strict_schema(VerdictReply))


@pytest.mark.anyio
async def test_without_a_key_or_distilling_one_question_is_asked(endpoint: ScriptedEndpoint) -> None:
    judgement = await judged(endpoint, says(VERDICT), api_key=None)
    assert (judgement.verdict, judgement.strategies) == ("success", [])
    assert endpoint.kinds == ["judge"]
    assert endpoint.requests[0].headers["authorization"] == "Bearer none"


@pytest.mark.anyio
async def test_the_worlds_outcome_decides_which_lessons_are_drawn(endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(says(VERDICT), says(LESSONS))
    async with judge_at(endpoint) as judge:
        judgement = await judge.judge(TASK, TRAJECTORY, "failure")
    assert judgement.verdict == "success", "the judge's own verdict stays, so that the difference can be recorded"
    assert endpoint.kinds == ["judge", "extract_failure"]
    assert "decided: failure. A judge had taken it for a success: All tests" in endpoint.requests[1].data
    assert "decided" not in endpoint.requests[0].data, "the judge is not told what to find"


@pytest.mark.anyio
async def test_a_long_trajectory_is_shown_condensed_but_quoted_from_in_full(
    endpoint: ScriptedEndpoint,
) -> None:
    middle = "\n".join(f"[{n}] observation: line {n} of a long log" for n in range(2000))
    trajectory = f"{TRAJECTORY}\n{middle}\n[2000] assistant: The end."
    endpoint.enqueue(says({**VERDICT, "evidence": ["line 1000 of a long log"]}))
    async with judge_at(endpoint, trajectory_chars=3000) as judge:
        judgement = await judge.judge(TASK, trajectory, None, distill=False)
    assert judgement.evidence == ["line 1000 of a long log"]
    assert len(endpoint.requests[0].data) < 3500
    assert "The end." in endpoint.requests[0].data


@pytest.mark.anyio
async def test_text_that_is_not_unicode_can_be_judged(endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(says(VERDICT))
    async with judge_at(endpoint) as judge:
        await judge.judge("Rename \udcff.txt", TRAJECTORY, None, distill=False)
    assert "Rename ?.txt" in endpoint.requests[0].data


@pytest.mark.anyio
async def test_a_judge_that_was_closed_opens_again(endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(says(VERDICT), says(VERDICT))
    async with judge_at(endpoint) as judge:
        for _ in range(2):
            await judge.judge(TASK, TRAJECTORY, None, distill=False)
            await judge.aclose()
    await EndpointJudge(settings_for(endpoint)).aclose()


# Evidence and literals


@pytest.mark.anyio
async def test_quotes_that_do_not_occur_are_left_out(endpoint: ScriptedEndpoint) -> None:
    judgement = await judged(endpoint, says({**VERDICT, "evidence": ["99 passed", QUOTE]}))
    assert judgement.evidence == [QUOTE]


@pytest.mark.anyio
async def test_a_judge_without_a_true_quote_is_asked_again(endpoint: ScriptedEndpoint) -> None:
    invented = {**VERDICT, "evidence": ['99 "passed"', "all green"]}
    judgement = await judged(endpoint, says(invented), says(VERDICT))
    assert judgement.evidence == [QUOTE]
    assert endpoint.kinds == ["judge", "judge/repair"]
    repair = endpoint.requests[1]
    assert repair.body["messages"][2] == {"role": "assistant", "content": json.dumps(invented)}
    assert r'copy an observation out of it: "99 \"passed\""' in repair.last
    assert 'copy an observation out of it: "all green"' in repair.last
    assert repair.body["temperature"] == 0.0


@pytest.mark.anyio
async def test_a_verdict_without_evidence_is_none(endpoint: ScriptedEndpoint) -> None:
    invented = says({**VERDICT, "evidence": ["all green"]})
    with pytest.raises(JudgeFailed, match=r"m1 gave no usable answer in two tries: evidence: .*all green"):
        await judged(endpoint, invented, invented)


@pytest.mark.anyio
async def test_a_literal_lesson_is_asked_for_in_general_words(endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(says(VERDICT), says({**LESSONS, "strategies": [LITERAL]}), says(LESSONS))
    async with judge_at(endpoint) as judge:
        judgement = await judge.judge(TASK, TRAJECTORY, None)
    assert [strategy.model_dump(exclude_defaults=True) for strategy in judgement.strategies] == [LESSON]
    assert endpoint.kinds == ["judge", "extract_success", "extract_success/repair"]
    assert "importer.py" in endpoint.requests[2].last
    assert "general words" in endpoint.requests[2].last


@pytest.mark.anyio
@pytest.mark.parametrize("second", [{**LESSONS, "strategies": [LITERAL]}, "I would rather not."])
async def test_what_is_still_literal_is_left_to_the_caller(endpoint: ScriptedEndpoint, second: object) -> None:
    endpoint.enqueue(says(VERDICT), says({**LESSONS, "strategies": [LITERAL]}), says(second))
    async with judge_at(endpoint) as judge:
        judgement = await judge.judge(TASK, TRAJECTORY, None)
    assert [strategy.model_dump(exclude_defaults=True) for strategy in judgement.strategies] == [LITERAL]


# Replies that are not quite JSON


@pytest.mark.anyio
@pytest.mark.parametrize(
    "wrapping",
    [
        "```json\n{}\n```",
        "<think>It says {passed}.</think>\n{}",
        "thoughts\n</think>{}",
        "Here you are:\n{}\nBye.",
    ],
)
async def test_wrappings_around_the_json_are_taken_off(endpoint: ScriptedEndpoint, wrapping: str) -> None:
    await judged(endpoint, says(wrapping.replace("{}", json.dumps(VERDICT))))
    assert endpoint.kinds == ["judge"]


def test_a_thinking_tag_inside_the_object_stays() -> None:
    text = json.dumps({"reason": "it printed </think> {"})
    assert json_part(text) == json_part(f"```json\n{text}\n```") == text


def test_a_reply_without_an_object_has_no_json_part() -> None:
    assert json_part("I cannot say.") == ""
    assert json_part("<think>hm") == ""


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ("no json at all", "answer: Invalid JSON"),
        ({**VERDICT, "verdict": "probably"}, "verdict: Input should be 'success' or 'failure'"),
        ({**VERDICT, "evidence": []}, "evidence: List should have at least 1 item"),
        ({**VERDICT, "evidence": [QUOTE] * 6}, "evidence: List should have at most 5 items"),
        ({"verdict": "success", "evidence": [QUOTE]}, "reason: Field required"),
    ],
)
async def test_an_invalid_reply_goes_back_once(endpoint: ScriptedEndpoint, reply: object, problem: str) -> None:
    assert (await judged(endpoint, says(reply), says(VERDICT))).verdict == "success"
    assert endpoint.kinds == ["judge", "judge/repair"]
    assert f"- {problem}" in endpoint.requests[1].last


@pytest.mark.anyio
async def test_two_invalid_replies_are_no_verdict(endpoint: ScriptedEndpoint) -> None:
    with pytest.raises(JudgeFailed, match="two tries: answer: Invalid JSON"):
        await judged(endpoint, says("success!"), says("success!!"), says(VERDICT))
    assert endpoint.unsent == 1


@pytest.mark.anyio
async def test_lessons_that_stay_invalid_are_none(endpoint: ScriptedEndpoint) -> None:
    four = says({**LESSONS, "strategies": [LESSON] * 4})
    endpoint.enqueue(says(VERDICT), four, four)
    async with judge_at(endpoint) as judge:
        with pytest.raises(JudgeFailed, match="strategies: List should have at most 3 items"):
            await judge.judge(TASK, TRAJECTORY, None)


# Comparing


@pytest.mark.anyio
async def test_a_comparison_contrasts_and_chooses(endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(says({**LESSONS, "strategies": [LESSON] * 5}), says(BEST))
    async with judge_at(endpoint) as judge:
        comparison = await judge.compare(TASK, [*ATTEMPTS, AttemptView(3, None, "gave up </attempt_3>")])
    assert (comparison.best_attempt, len(comparison.strategies)) == (2, 5)
    assert comparison.analysis == ("It reproduced the fault first.\n\nBest is attempt 2: It got there directly.")
    assert endpoint.kinds == ["contrast", "best_of_n"]
    assert [request.body["temperature"] for request in endpoint.requests] == [0.7, 0.0]
    for request in endpoint.requests:
        assert fence("task", TASK) in request.data
        assert "Attempt 1, judged a failure:\n<attempt_1>\n> tried and failed\n</attempt_1>" in request.data
        assert f"Attempt 2, judged a success:\n{fence('attempt', TRAJECTORY, 2)}" in request.data
        assert "Attempt 3, not judged:\n<attempt_3>\n> gave up &lt;/attempt_3>\n</attempt_3>" in request.data


@pytest.mark.anyio
async def test_attempts_share_the_room_there_is(endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(says(LESSONS), says(BEST))
    long = [AttemptView(n, None, f"step of {n}\n" * 1000) for n in (1, 2, 3)]
    async with judge_at(endpoint, trajectory_chars=3000) as judge:
        await judge.compare(TASK, long)
    assert all(len(request.data) < 4000 for request in endpoint.requests)  # each line has a mark of two more
    assert all(f"step of {n}" in endpoint.requests[0].data for n in (1, 2, 3))


@pytest.mark.anyio
@pytest.mark.parametrize("number", [0, 3, -1])
async def test_the_best_attempt_must_be_one_of_them(endpoint: ScriptedEndpoint, number: int) -> None:
    endpoint.enqueue(says(LESSONS), says({**BEST, "best_attempt": number}), says(BEST))
    async with judge_at(endpoint) as judge:
        assert (await judge.compare(TASK, ATTEMPTS)).best_attempt == 2
    assert endpoint.kinds == ["contrast", "best_of_n", "best_of_n/repair"]
    assert "best_attempt: it must be one of [1, 2]" in endpoint.requests[2].last


@pytest.mark.anyio
async def test_a_best_attempt_that_stays_out_of_range_is_no_comparison(endpoint: ScriptedEndpoint) -> None:
    wrong = says({**BEST, "best_attempt": 7})
    endpoint.enqueue(says(LESSONS), wrong, wrong)
    async with judge_at(endpoint) as judge:
        with pytest.raises(JudgeFailed, match=r"must be one of \[1, 2\]"):
            await judge.compare(TASK, ATTEMPTS)


@pytest.mark.anyio
async def test_lessons_of_a_comparison_are_made_general_too(endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(says({**LESSONS, "strategies": [LITERAL]}), says(LESSONS), says(BEST))
    async with judge_at(endpoint) as judge:
        comparison = await judge.compare(TASK, ATTEMPTS)
    assert [strategy.model_dump(exclude_defaults=True) for strategy in comparison.strategies] == [LESSON]
    assert endpoint.kinds == ["contrast", "contrast/repair", "best_of_n"]


@pytest.mark.anyio
async def test_long_analyses_are_cut_to_what_a_comparison_holds(endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(says({**LESSONS, "analysis": "a" * 2000}), says(BEST))
    async with judge_at(endpoint) as judge:
        assert (await judge.compare(TASK, ATTEMPTS)).analysis == "a" * 2000


@pytest.mark.anyio
async def test_nothing_cannot_be_compared(endpoint: ScriptedEndpoint) -> None:
    async with judge_at(endpoint) as judge:
        with pytest.raises(InvalidInput, match="no attempt to compare"):
            await judge.compare(TASK, [])
    assert endpoint.requests == []


# Endpoints that understand less


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 422])
async def test_response_formats_fall_back_and_the_one_that_works_is_remembered(
    endpoint: ScriptedEndpoint, status: int
) -> None:
    endpoint.enqueue(
        fails(status, "This response_format type is unavailable now"),
        fails(status, "Unsupported", param="response_format.type"),
        says(VERDICT),
        says(LESSONS),
    )
    async with judge_at(endpoint) as judge:
        assert (await judge.judge(TASK, TRAJECTORY, None)).verdict == "success"
    assert [request.format for request in endpoint.requests] == ["json_schema", "json_object", "none", "none"]


@pytest.mark.anyio
async def test_an_endpoint_that_knows_json_objects_is_asked_for_them(endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(fails(400, "'json_schema' is not supported"), says(VERDICT), says(LESSONS))
    async with judge_at(endpoint) as judge:
        await judge.judge(TASK, TRAJECTORY, None)
    assert [request.format for request in endpoint.requests] == ["json_schema", "json_object", "json_object"]


@pytest.mark.anyio
async def test_models_that_want_other_parameters_get_them(endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(
        fails(400, "'max_tokens' is not supported. Use 'max_completion_tokens' instead.", param="max_tokens"),
        fails(400, "'temperature' does not support 0.0 with this model", param="temperature"),
        says(VERDICT),
        says(LESSONS),
    )
    async with judge_at(endpoint) as judge:
        await judge.judge(TASK, TRAJECTORY, None)
    for request in endpoint.requests[2:]:
        assert request.body["max_completion_tokens"] == 2048
        assert not {"max_tokens", "temperature"} & request.body.keys()
        assert request.format == "json_schema"


@pytest.mark.anyio
async def test_a_refused_request_that_cannot_be_made_simpler_says_what_the_server_said(
    endpoint: ScriptedEndpoint,
) -> None:
    with pytest.raises(JudgeFailed, match=r"context length\. It said: .*8192 tokens"):
        await judged(endpoint, fails(400, "The limit is 8192 tokens"))
    assert len(endpoint.requests) == 1


@pytest.mark.anyio
async def test_an_endpoint_that_refuses_everything_is_not_asked_for_ever(endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(*[fails(400, "response_format, max_tokens, temperature: all bad")] * 9)
    async with judge_at(endpoint) as judge:
        with pytest.raises(JudgeFailed, match="all bad"):
            await judge.judge(TASK, TRAJECTORY, None)
    assert len(endpoint.requests) == 5


@pytest.mark.parametrize("form", [VerdictReply, ContrastReply])
def test_schemas_are_fit_for_strict_mode(form: type[VerdictReply | ContrastReply]) -> None:
    schema = strict_schema(form)
    text = json.dumps(schema)
    assert not [word for word in ("$ref", "$defs", "minLength", "maxItems", "default") if word in text]
    assert next(iter(schema["properties"])) in ("reason", "analysis"), "thinking stands before deciding"
    assert schema["additionalProperties"] is False
    if form is ContrastReply:
        item = schema["properties"]["strategies"]["items"]
        assert item["required"] == list(item["properties"]) == ["title", "description", "content", "holds"]
        assert item["additionalProperties"] is False


# Endpoints in trouble: never a verdict, always what to check


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (fails(401, f"Incorrect API key provided: {KEY}"), "answered 401: it does not accept the API key"),
        (fails(403), "answered 403: the API key may not use this model"),
        (fails(404), r"answered 404: .*check the model's name and the base URL"),
        (fails(418, f"{KEY} is a teapot"), r"refused the request.*It said: .*\*\*\* is a teapot"),
        (fails(400, "x" * 900), "x …$"),
        (fails(429), "answered 429: too many requests"),
        (fails(503), "answered 503: it has trouble of its own"),
        (hangs_up(), "cannot be reached; check the base URL"),
        (garbage(), "m1 sent no chat completion"),
        (garbage(b'{"choices": []}'), "m1 sent no chat completion"),
        (garbage(b'{"error": {"message": "quota"}}'), "m1 sent no chat completion"),
        (truncated('{"reason": "All te'), "m1 was truncated after 2048 tokens"),
        (truncated(""), "m1 was truncated after 2048 tokens"),
        (refuses("I cannot help with that."), "m1 refused to answer: I cannot help"),
        (says(VERDICT, finish_reason="content_filter"), "m1 refused to answer: content filter"),
        (says(""), "m1 sent an empty answer"),
        (says(" \n"), "m1 sent an empty answer"),
        (Reply(None), "m1 sent an empty answer"),
    ],
)
async def test_trouble_is_named_and_the_key_is_not(endpoint: ScriptedEndpoint, reply: Reply, message: str) -> None:
    with pytest.raises(JudgeFailed, match=message) as caught:
        await judged(endpoint, reply, says(VERDICT))
    assert KEY not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert len(endpoint.requests) == 1


@pytest.mark.anyio
async def test_a_refusal_without_a_key_configured_is_told_too(endpoint: ScriptedEndpoint) -> None:
    with pytest.raises(JudgeFailed, match=r"It said: .*teapot"):
        await judged(endpoint, fails(418, "teapot"), api_key=None)


@pytest.mark.anyio
async def test_an_endpoint_that_is_down_is_named_without_its_password() -> None:
    judge = EndpointJudge(EndpointSettings("http://user:hush@127.0.0.1:9/v1", "m1", None, max_retries=0))
    with pytest.raises(JudgeFailed, match=r"^m1 at 127\.0\.0\.1:9 cannot be reached"):
        await judge.judge(TASK, TRAJECTORY, None)
    await judge.aclose()


@pytest.mark.anyio
async def test_a_slow_endpoint_times_out(endpoint: ScriptedEndpoint) -> None:
    with pytest.raises(JudgeFailed, match=r"took longer than 0\.2 s"):
        await judged(endpoint, slow(says(VERDICT), 5), timeout_s=0.2)


@pytest.mark.anyio
async def test_an_endpoint_that_sends_a_little_now_and_then_times_out_too(endpoint: ScriptedEndpoint) -> None:
    with pytest.raises(JudgeFailed, match=r"took longer than 0\.2 s"):
        await judged(endpoint, trickles(0.05), timeout_s=0.2)


@pytest.mark.anyio
async def test_the_library_tries_again_after_a_failure_of_the_server(endpoint: ScriptedEndpoint) -> None:
    assert (await judged(endpoint, fails(503), says(VERDICT), max_retries=1)).verdict == "success"


@pytest.mark.anyio
async def test_lessons_that_fail_leave_no_half_judgement(endpoint: ScriptedEndpoint) -> None:
    endpoint.enqueue(says(VERDICT), fails(503))
    async with judge_at(endpoint) as judge:
        with pytest.raises(JudgeFailed, match="answered 503"):
            await judge.judge(TASK, TRAJECTORY, None)


@pytest.mark.anyio
@pytest.mark.parametrize("key", ["sk-with\nnewline", "ключ"])
async def test_a_key_that_cannot_be_sent_is_found_out_before(endpoint: ScriptedEndpoint, key: str) -> None:
    with pytest.raises(JudgeFailed, match="The API key has characters that no key has"):
        await judged(endpoint, api_key=SecretStr(key))
    assert endpoint.requests == []


@pytest.mark.anyio
async def test_a_missing_library_is_named_with_the_command_that_installs_it(
    endpoint: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(JudgeFailed, match=r"pip install 'strategy-bank\[llm\]'"):
        await judged(endpoint)


def test_settings_do_not_show_the_key(endpoint: ScriptedEndpoint) -> None:
    assert KEY not in repr(settings_for(endpoint))


# The plausible endpoint, which other tests and the bench use


@pytest.mark.anyio
async def test_a_plausible_endpoint_serves_many_at_once() -> None:
    verdicts: list[str] = []

    async def one(judge: EndpointJudge, number: int) -> None:
        end = "2 failed" if number % 2 else "all passed"
        judgement = await judge.judge(f"{TASK} {number}", f"{TRAJECTORY}\n[4] observation: {end}", None)
        assert judgement.evidence == [f"[4] observation: {end}"]
        assert len(judgement.strategies) == 1
        verdicts.append(judgement.verdict)

    with ScriptedEndpoint(plausible) as endpoint:
        async with judge_at(endpoint) as judge, anyio.create_task_group() as tasks:
            for number in range(60):
                tasks.start_soon(one, judge, number)
        assert sorted(verdicts) == ["failure"] * 30 + ["success"] * 30
        assert len(endpoint.requests) == 120


@pytest.mark.anyio
async def test_a_plausible_endpoint_compares_and_answers_only_what_it_knows() -> None:
    with ScriptedEndpoint(plausible) as endpoint:
        async with judge_at(endpoint) as judge:
            comparison = await judge.compare(TASK, ATTEMPTS)
            unjudged = await judge.compare(TASK, [AttemptView(4, None, "x"), AttemptView(5, None, "y")])
    assert (comparison.best_attempt, unjudged.best_attempt) == (2, 4)
    assert len(comparison.strategies) == 1
