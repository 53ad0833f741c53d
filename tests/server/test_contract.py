"""What a client sees before it calls anything: three tools, small, annotated, with schemas, instructions, snapshots."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import INVALID_PARAMS, PromptReference, ResourceTemplateReference
from tokenizers import Tokenizer

from strategy_bank.server.demo.examples import episode_examples
from strategy_bank.tools.judging.judgement import StrategyDraft
from tests.support.connecting import Connect
from tests.support.samples import TASK, call, check_snapshot, judgement, report, text_of

pytestmark = [pytest.mark.anyio, pytest.mark.both_eras]
LESSONS = [
    (
        "Find out the encoding before changing code",
        "Look at the bytes of the failing file and find out its real encoding before any code is changed. Then pass that "
        "encoding explicitly when the file is opened, and add a file of that kind to the tests, so that it stays mended.",
    ),
    (
        "Keep the rows that cannot be read",
        "Do not let one bad row stop the whole import: put rows that cannot be decoded aside with their position and the "
        "reason, finish the others, and report the number of both at the end so that somebody can look at them.",
    ),
    (
        "Agree on the format at the border",
        "Write down what the sender promises about format and encoding, check it where the data enter, and refuse early with "
        "a message that the sender understands, instead of guessing deep inside the code where the context is lost.",
    ),
]
FIELDS = {
    "recall_strategies": (
        {"task", "limit", "ids", "stuck_on", "scope"},
        {"recall_id", "scope", "strategies", "others", "guidance"},
    ),
    "report_outcome": (
        {
            "task",
            "trajectory",
            "judgement",
            "outcome",
            "recall_id",
            "recalled",
            "run_id",
            "attempt",
            "scope",
            "episode_id",
            "same_as",
        },
        {
            "episode_id",
            "status",
            "verdict",
            "strategies",
            "judgement_request",
            "comparison_request",
            "brief",
            "warnings",
            "next_step",
        },
    ),
    "scale_attempts": (
        {"task", "attempts", "mode", "scope", "run_id", "comparison"},
        {
            "run_id",
            "mode",
            "status",
            "attempts",
            "strategies",
            "others",
            "recall_id",
            "comparison_request",
            "best_attempt",
            "learned",
            "warnings",
            "next_step",
        },
    ),
}


async def listed(client: Client) -> list[dict[str, Any]]:
    tools = (await client.list_tools()).tools
    return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]


async def test_there_are_exactly_three_tools_with_the_fields_of_the_contract(connect: Connect) -> None:
    async with connect() as client:
        tools = await listed(client)
    assert [tool["name"] for tool in tools] == list(FIELDS)
    for tool in tools:
        arguments, results = FIELDS[tool["name"]]
        assert set(tool["inputSchema"]["properties"]) == arguments
        assert set(tool["outputSchema"]["properties"]) == results


async def test_the_list_of_tools_is_short_and_needs_no_references(connect: Connect) -> None:
    async with connect() as client:
        tools = await listed(client)
    text = json.dumps(tools)
    seen_by_a_model = [{name: tool[name] for name in ("name", "description", "inputSchema")} for tool in tools]
    assert len(text.encode()) <= 10_000
    assert len(json.dumps(seen_by_a_model).encode()) <= 5_500
    assert "$ref" not in text
    assert "$defs" not in text


async def test_descriptions_say_before_or_after_first_and_annotations_say_what_a_tool_does(connect: Connect) -> None:
    async with connect() as client:
        recall, outcome, scale = await listed(client)
    assert recall["description"].startswith("BEFORE a task")
    assert outcome["description"].startswith("AFTER a task")
    assert "BEFORE" in scale["description"].split(":")[0]
    assert recall["annotations"]["readOnlyHint"] is True
    for tool in (outcome, scale):
        assert tool["annotations"] == {
            "readOnlyHint": False, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False,
        }  # fmt: skip


async def test_instructions_are_short_and_name_the_habit(connect: Connect) -> None:
    async with connect() as client:
        instructions = client.instructions or ""
    assert len(instructions.encode()) < 1500
    assert instructions.index("recall_strategies") < instructions.index("report_outcome")


async def test_the_schemas_are_those_of_the_snapshot(connect: Connect) -> None:
    async with connect() as client:
        check_snapshot("tools.json", json.dumps(await listed(client), indent=1, ensure_ascii=False, sort_keys=True))


async def test_a_recall_of_three_strategies_takes_at_most_600_tokens(connect: Connect) -> None:
    """By the packaged tokenizer, on the longest lessons of the examples."""
    lessons = [lesson for example in episode_examples().values() for lesson in example.judgement.strategies]
    lessons += [
        StrategyDraft(title=t, description="When an import of foreign files crashes.", content=c) for t, c in LESSONS
    ]
    longest = sorted(lessons, key=lambda lesson: -tokens(lesson.content))[:3]
    async with connect() as client:
        for lesson in longest:
            told = judgement(strategies=[lesson.model_dump()])
            await report(client, task=f"{TASK} {lesson.title}", judgement=told)
        result = await client.call_tool("recall_strategies", {"task": TASK})
    assert result.structured_content is not None
    assert len(result.structured_content["strategies"]) == 3
    assert tokens(text_of(result)) <= 600


def tokens(text: str) -> int:
    tokenizer = Tokenizer.from_str(files("strategy_bank.store").joinpath("model", "tokenizer.json").read_text("utf-8"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return len(tokenizer.encode(text, add_special_tokens=False).ids)


async def test_resources_show_a_strategy_and_the_bank(connect: Connect) -> None:
    async with connect() as client:
        learned = (await report(client))["strategies"][0]
        uri = f"strategy://{learned['id']}"
        strategy = (await client.read_resource(uri)).contents[0]
        summary = (await client.read_resource("bank://summary")).contents[0]
        templates = (await client.list_resource_templates()).resource_templates
        resources = (await client.list_resources()).resources
    assert learned["title"] in strategy.text  # pyright: ignore[reportAttributeAccessIssue]
    assert learned["id"] in summary.text  # pyright: ignore[reportAttributeAccessIssue]
    assert [template.uri_template for template in templates] == ["strategy://{id}"]
    assert [str(resource.uri) for resource in resources] == ["bank://summary"]


async def test_a_strategy_that_is_not_there_is_an_error_that_names_it(connect: Connect) -> None:
    async with connect() as client:
        with pytest.raises(Exception, match="st_nothing"):
            await client.read_resource("strategy://st_nothing")


async def test_the_summary_of_an_empty_bank_says_so(connect: Connect) -> None:
    async with connect() as client:
        summary = (await client.read_resource("bank://summary")).contents[0]
    assert "Nothing yet." in summary.text  # pyright: ignore[reportAttributeAccessIssue]


async def test_prompts_carry_the_task_and_what_was_learned(connect: Connect) -> None:
    async with connect() as client:
        learned = (await report(client))["strategies"][0]
        assert sorted(prompt.name for prompt in (await client.list_prompts()).prompts) == [
            "distill_pending",
            "reflect",
            "solve_with_strategies",
        ]
        solve = await client.get_prompt("solve_with_strategies", {"task": TASK})
        reflect = await client.get_prompt("reflect", {"task": TASK})
    solve_text = solve.messages[0].content.text  # pyright: ignore[reportAttributeAccessIssue]
    assert TASK in solve_text
    assert learned["title"] in solve_text
    assert TASK in reflect.messages[0].content.text  # pyright: ignore[reportAttributeAccessIssue]


async def test_the_prompt_says_so_when_nothing_fits(connect: Connect) -> None:
    async with connect() as client:
        solve = await client.get_prompt("solve_with_strategies", {"task": TASK})
    assert "Nothing in the bank fits" in solve.messages[0].content.text  # pyright: ignore[reportAttributeAccessIssue]


async def test_what_one_client_learned_another_one_recalls(connect: Connect) -> None:
    async with connect() as client:
        learned = (await report(client))["strategies"][0]
    async with connect() as client:
        recalled = await call(client, "recall_strategies", task=TASK)
    assert [strategy["id"] for strategy in recalled["strategies"]] == [learned["id"]]


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [("no_such_prompt", {"task": TASK}, "no_such_prompt"), ("reflect", {}, "task")],
    ids=["unknown", "without its argument"],
)
async def test_a_prompt_that_cannot_be_given_says_why(
    connect: Connect, name: str, arguments: dict[str, str], says: str
) -> None:
    async with connect() as client:
        with pytest.raises(MCPError, match=says) as refused:
            await client.get_prompt(name, arguments)
    assert refused.value.code == INVALID_PARAMS


async def test_a_prompt_without_a_bank_names_the_place(connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("not a folder")
    async with connect(change={"home": tmp_path / "a file" / "home"}) as client:
        with pytest.raises(MCPError, match="STRATEGY_BANK_HOME"):
            await client.get_prompt("solve_with_strategies", {"task": TASK})


async def test_ids_of_strategies_are_completed(connect: Connect) -> None:
    async with connect() as client:
        (learned,) = (await report(client))["strategies"]
        template, prompt = ResourceTemplateReference(uri="strategy://{id}"), PromptReference(name="reflect")
        for ref, begun, values in (
            (template, "st_", [learned["id"]]),
            (template, learned["id"][:-1], [learned["id"]]),
            (template, "ep_", []),
            (prompt, "", []),
        ):
            found = await client.complete(ref, {"name": "id", "value": begun})
            assert found.completion.values == values
