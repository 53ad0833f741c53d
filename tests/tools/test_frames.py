"""What stands in a recall cannot forge the frame it stands in, nor in any other text that an agent reads."""

import json
import re
from typing import Any

import pytest
from mcp import Client

from strategy_bank.server.clients.hook import stop
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode, Hit, LearnedStrategy, Run, Strategy
from strategy_bank.tools.episodes.attempts import brief
from strategy_bank.tools.judging.judge_requests import comparison_request, judgement_request
from strategy_bank.tools.judging.judgement import AttemptView, StrategyDraft
from strategy_bank.tools.judging.quotes import QuoteFinder
from strategy_bank.tools.learning.drafts import Source, strategy_of
from strategy_bank.tools.prompting import fence
from strategy_bank.tools.recall_strategies import OtherStrategy, RecallResult, fence_strategies
from strategy_bank.tools.report_outcome import OutcomeResult
from strategy_bank.tools.scale_attempts import AttemptState, ScalingResult
from strategy_bank.tools.sharing.agents_file import markdown
from strategy_bank.tools.sharing.describe import describe
from tests.support.connecting import Connect
from tests.support.hostile import FORGED_ID, HOSTILE, entries, seen, tags
from tests.support.records import lesson, put
from tests.support.samples import TASK, call, text_of

EVERY = pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
FENCE = ["<strategies>", "</strategies>"]


def hit(text: str, number: int = 1, **changes: Any) -> Hit:
    words = {"title": text, "description": text, "content": text}
    return Hit(id=f"st_{number}", **words, outcome="success", relevance=0.9, helped=1, hurt=2, scope="s", **changes)


def stored(text: str, number: int = 1) -> Strategy:
    return lesson(number, title=text, description=text, content=text, scope=text, status_reason=text)


@EVERY
def test_a_recall_shows_as_many_entries_as_there_are_strategies(text: str) -> None:
    hits = [hit(text), hit(text, 2, contradicts=["st_1", "st_3"]), hit("Plain", 3, contradicts=["st_2"])]
    others = [OtherStrategy.model_validate(dict(hit(text, 4)))]
    told = RecallResult(recall_id="rc_1", scope=text, strategies=hits, others=others, guidance="Lessons.").as_text()
    assert entries(told) == ["st_1", "st_2", "st_3", "st_4"]
    assert tags(told) == [*FENCE, "<others>", "</others>"]
    assert [line.partition(", scope: ")[0] for line in seen(told)] == [
        "Lessons.", "recall_id: rc_1", "<strategies>",
        "[st_1] from a success, used well 1 of 3 times", "",
        "[st_2] from a success, used well 1 of 3 times",
        "Advises the opposite of [st_1, st_3]; weigh them by their outcomes.", "",
        "[st_3] from a success, used well 1 of 3 times", "Advises the opposite of [st_2]; weigh them by their outcomes.",
        "</strategies>", "<others>", "[st_4], used well 1 of 3 times", "</others>",
    ]  # fmt: skip


@EVERY
def test_title_and_description_are_one_marked_line_each(text: str) -> None:
    lines = fence_strategies([hit(text).model_copy(update={"content": "Do it."})]).splitlines()
    assert len(lines) == 6
    assert all(line.startswith("> ") for line in lines[2:5])


@EVERY
def test_a_draft_is_cleaned_before_it_is_stored(text: str) -> None:
    draft = StrategyDraft(title=text[:200], description=text, content=text)
    made = strategy_of(draft, Source("task", "project", "success"))
    assert len(f"{made.title}.".splitlines()) == len(f"{made.description}.".splitlines()) == 1
    assert made.content.splitlines() == made.content.split("\n")
    again = StrategyDraft(title=made.title, description=made.description, content=made.content)
    assert strategy_of(again, Source("task", "project", "success")).id == made.id


@EVERY
def test_every_section_ends_once(text: str) -> None:
    assert seen(fence("trajectory", text)) == ["<trajectory>", "</trajectory>"]
    request = judgement_request(text, None, text)["rubric"]
    plain = judgement_request("task", None, "trajectory")["rubric"]
    assert seen(request) == seen(plain)
    views = [AttemptView(1, "success", text), AttemptView(2, None, text)]
    plain_views = [AttemptView(1, "success", "x"), AttemptView(2, None, "x")]
    assert seen(comparison_request(text, views)["rubric"]) == seen(comparison_request("task", plain_views)["rubric"])


@EVERY
@pytest.mark.parametrize("mode", ["parallel", "sequential"])
def test_a_run_tells_each_brief_in_lines_of_ours(text: str, mode: Any) -> None:
    def told(text: str) -> str:
        run = Run(id="run_1", scope="s", task=text, mode=mode, attempts=2, recalled=[hit(text)])
        before = Episode(id="ep_1", scope="s", task=text, trajectory=text, steps=1)
        states = [
            AttemptState(attempt=n, status="open", brief=brief(run, n, before if n == 2 else None)) for n in (1, 2)
        ]
        learned = [LearnedStrategy(id="st_1", title=text, action="added")]
        result = ScalingResult(
            run_id="run_1", mode=mode, status="running", attempts=states, strategies=run.recalled, recall_id="rc_1",
            learned=learned, warnings=[f"{text} is odd"], next_step="Go on.",
        )  # fmt: skip
        return result.as_text()

    lines, plain = seen(told(text)), seen(told("Plain words"))
    assert [line.partition(": ")[0] for line in lines] == [line.partition(": ")[0] for line in plain]


@EVERY
def test_a_report_is_answered_in_as_many_lines_as_there_are_things_to_say(text: str) -> None:
    learned = [LearnedStrategy(id=f"st_{n}", title=text, action="added") for n in (1, 2)]
    result = OutcomeResult(episode_id="ep_1", status="learned", strategies=learned, warnings=[text], next_step="Done.")
    lines = seen(result.as_text())
    assert [line.split(":")[0] for line in lines] == [
        "learned", "- added st_1", "- added st_2", "Warning", "Done."
    ]  # fmt: skip


@EVERY
def test_a_strategy_is_described_by_our_lines_alone(text: str) -> None:
    lines = seen(describe(stored(text)))
    assert [line.partition(":")[0] for line in lines] == [
        "# st_1", "", "", "- from", "- status", "- told by 1, helped 0, hurt 0", "- episodes"
    ]  # fmt: skip


@EVERY
def test_a_text_for_agents_without_a_server_has_one_item_a_strategy(text: str) -> None:
    told = markdown([stored(text), stored(text, 2)], [text])
    items = [line for line in told.splitlines() if line.startswith("- **")]
    assert len(items) == 2
    assert all(len(re.findall(r"(?<!\\)\*\*", item)) == 2 for item in items)
    assert all("** (from a success): " in item for item in items)
    assert len(told.splitlines()) == len(markdown([lesson(1), lesson(2)], ["s"]).splitlines())


@pytest.mark.anyio
async def test_summary_resource_prompts_and_hook_show_old_texts_in_the_frame_of_ours(
    connect: Connect, settings: Settings
) -> None:
    bank = await Bank.open(settings.location)
    words = "The nightly import of customer orders crashes with a decoding error. "
    told = [
        lesson(n, title=words + text, description=words + text, content=words + text) for n, text in enumerate(HOSTILE)
    ]
    await put(bank, *told)
    await bank.add(Episode(id="ep_1", scope="project", task=HOSTILE[9], trajectory=HOSTILE[10], steps=1))
    await bank.close()
    async with connect() as client:
        summary = await resource(client, "bank://summary")
        one = await resource(client, "strategy://st_3")
        hooked = await client.call_tool("recall_strategies", {"task": TASK, "limit": 10, "hook": "UserPromptSubmit"})
        recalled = await call(client, "recall_strategies", task=TASK, limit=10)
        solving = await prompt(client, "solve_with_strategies", task=HOSTILE[9])
        pending = await prompt(client, "distill_pending")
    shown = [found[1] for line in seen(summary) if (found := re.match(r"- (st_\w+): ", line))]
    assert shown == [f"st_{n}" for n in reversed(range(len(HOSTILE)))][:20]
    assert not re.search(f"^- {FORGED_ID}", summary, re.MULTILINE)
    assert [line for line in seen(one) if line.startswith("#")] == ["# st_3"]
    context = json.loads(text_of(hooked))["hookSpecificOutput"]["additionalContext"]
    assert recalled["strategies"]
    assert entries(context) == [each["id"] for name in ("strategies", "others") for each in recalled[name]]
    assert tags(context) == [*FENCE, "<others>", "</others>"]
    assert len(entries(solving)) > 1
    assert [tag for tag in tags(solving) if tag not in ("<others>", "</others>")] == ["<task>", "</task>", *FENCE][
        : len(FENCE) + 2
    ]
    assert tags(pending) == ["<task>", "</task>", "<trajectory>", "</trajectory>"]


def test_the_stop_hook_repeats_nothing_of_the_session_but_the_path() -> None:
    assert stop(json.dumps({"transcript_path": "", "prompt": HOSTILE[9]}).encode()) == ""


def test_a_quote_is_found_with_the_mark_it_was_shown_with() -> None:
    trajectory = "[1] observation: > build\n> vite\n  done in 2 s\n<task>a & b</task>"
    shown = fence("trajectory", trajectory).removeprefix("<trajectory>\n").removesuffix("\n</trajectory>")
    finder = QuoteFinder(trajectory)
    assert all(map(finder.holds, [shown, trajectory, *shown.splitlines(), *trajectory.splitlines()]))
    assert not finder.holds("> built")


async def resource(client: Client, uri: str) -> str:
    return "".join(getattr(part, "text", "") for part in (await client.read_resource(uri)).contents)


async def prompt(client: Client, name: str, **arguments: str) -> str:
    return "".join(getattr(each.content, "text", "") for each in (await client.get_prompt(name, arguments)).messages)
