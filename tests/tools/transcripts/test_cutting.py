"""Transcripts of Claude Code, Codex and Gemini CLI: read, and cut into tasks."""

from pathlib import Path
from typing import Any

import pytest

from strategy_bank.store.errors import InvalidInput
from strategy_bank.tools.trajectory.normal_form import normalise, observed
from strategy_bank.tools.transcripts import records as reading
from strategy_bank.tools.transcripts.entry import REQUEST
from strategy_bank.tools.transcripts.files import Folders
from strategy_bank.tools.transcripts.tasks import TASK_CHARS, VALUE_CHARS, PastTask, last_task, tasks
from strategy_bank.tools.transcripts.touched import written
from tests.support.sessions import (
    CRASH,
    PASSED,
    PROMPT,
    agent,
    codex_reporting,
    codex_said,
    codex_work,
    gemini_agent,
    gemini_call,
    gemini_meta,
    gemini_reporting,
    gemini_said,
    gemini_work,
    reporting,
    result,
    said,
    text,
    use,
    work,
    write,
)

OTHER = "Write a page about the new discount codes for the handbook."


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path / "claude" / "projects", tmp_path / "codex" / "sessions", tmp_path / "gemini" / "tmp")


@pytest.fixture
def claude(folders: Folders) -> Any:
    """`claude(records)`: the tasks in such a session of Claude Code."""

    def read(records: list[Any]) -> list[PastTask]:
        return list(tasks(write(folders.claude_code / "-gone-shop" / "s-1.jsonl", records), "claude-code"))

    return read


@pytest.fixture
def codex(folders: Folders) -> Any:
    def read(records: list[Any]) -> list[PastTask]:
        return list(tasks(write(folders.codex / "2026" / "11" / "20" / "rollout-1.jsonl", records), "codex"))

    return read


@pytest.fixture
def gemini(folders: Folders) -> Any:
    def read(records: list[Any]) -> list[PastTask]:
        write(folders.gemini / "shop" / ".project_root", ["/gone/shop"])
        return list(tasks(write(folders.gemini / "shop" / "chats" / "session-1.jsonl", records), "gemini"))

    return read


def normal(task: PastTask) -> str:
    return normalise(task.trajectory()).text


def test_a_session_of_claude_code_becomes_steps(claude: Any) -> None:
    (task,) = claude(work())
    assert (task.task, task.cwd, task.worked, task.reported) == (PROMPT, "/gone/shop", True, False)
    lines = normal(task).splitlines()
    assert lines[:4] == [
        f"[1] user: {PROMPT}",
        "[2] thought: See it fail first.",
        "[2] thought: I run the import.",
        '[2] action: Bash({"command":"python -m importer --file sample.csv"})',
    ]
    assert "[2] observation (error): Exit code 1" in lines
    assert "[5] assistant: The import runs through now." in lines


def test_a_session_of_codex_becomes_steps(codex: Any) -> None:
    (task,) = codex(codex_work())
    assert (task.task, task.cwd, task.worked, task.reported) == (PROMPT, "/gone/shop", True, False)
    whole = normal(task)
    assert whole.startswith(f"[1] user: {PROMPT}\n[2] thought: **Reproduce first**\n[2] action: exec_command(")
    assert "AGENTS.md" not in whole
    assert "environment_context" not in whole
    assert whole.count(PROMPT) == 1


@pytest.mark.parametrize("client", ["claude", "codex"])
def test_what_the_world_said_stands_at_the_end_as_a_hint(client: str, request: pytest.FixtureRequest) -> None:
    records = [*work(), said("Still fails with another file."), *work()[7:9]] if client == "claude" else codex_work()
    (task,) = request.getfixturevalue(client)(records)
    hints = normal(task).rpartition("system: ")[2]
    assert "1 of " in hints
    assert "tool outputs were errors." in hints
    assert "Exit codes other than 0: 1." in hints
    assert f"Test result: {PASSED}" in hints
    assert ("The user then said: Still fails with another file." in hints) == (client == "claude")
    assert "14 passed" in (observed(normal(task)) or "")


def test_a_task_without_any_signal_gets_no_hint(claude: Any) -> None:
    (task,) = claude([said(OTHER), agent(use("t1", "Write", file_path="a.md")), result("t1", "written")])
    assert "system:" not in normal(task)


@pytest.mark.parametrize(
    ("prompt", "belongs"),
    [
        ("no, that's the wrong file", True),
        ("Still broken:\n\nTraceback (most recent call last): …", True),
        ("You forgot the second table.", True),
        ("I tried it with the big file and it doesn't work", True),
        ("continue", True),
        ("Thanks!", True),
        ("ok", True),
        ("also cover the empty file", True),
        (OTHER, False),
        ("Now build the login page.", False),
        ("Notify the team when an order is late.", False),
        ("Great. Next, we need a migration that moves every customer to the new table with their orders.", False),
    ],
)
def test_a_prompt_begins_a_task_unless_it_is_worded_as_a_follow_up(claude: Any, prompt: str, belongs: bool) -> None:
    found = claude([*work(), said(prompt), *work(OTHER)[1:]])
    assert [task.task for task in found] == ([PROMPT] if belongs else [PROMPT, prompt])


def test_an_answer_to_the_agents_question_belongs_to_the_task(claude: Any) -> None:
    asked = [said(PROMPT), agent(use("t1")), result("t1", "two files"), agent(text("Which one do you **mean?**"))]
    assert [task.task for task in claude([*asked, said("The one of the partner."), *work()[1:]])] == [PROMPT]


def test_words_typed_while_the_agent_works_or_after_an_interruption_belong_to_the_task(claude: Any) -> None:
    queued = {"type": "attachment", "attachment": {"type": "queued_command", "prompt": OTHER, "commandMode": "prompt"}}
    notice = {
        "type": "attachment",
        "attachment": {"type": "queued_command", "prompt": "x", "commandMode": "task-notification"},
    }
    stopped = said("[Request interrupted by user]")
    found = claude(
        [*work()[:5], queued, notice, *work()[5:], stopped, said("Leave the logging as it was."), *work()[1:5]]
    )
    assert [task.task for task in found] == [PROMPT]
    assert OTHER in normal(found[0])
    assert found[0].hints.corrections == [OTHER, "Leave the logging as it was."]


def test_an_interruption_in_codex_makes_the_next_prompt_a_correction(codex: Any) -> None:
    aborted = codex_said("<turn_aborted>\nThe user interrupted the previous turn on purpose.\n</turn_aborted>")
    found = codex([*codex_work()[:10], aborted, codex_said("Leave the logging as it was."), *codex_work()[10:]])
    assert [task.hints.corrections for task in found] == [["Leave the logging as it was."]]


def test_a_slash_command_is_a_task_unless_the_client_answers_it_itself(claude: Any) -> None:
    local = said("<command-name>/model</command-name>\n<command-args>opus</command-args>")
    output = said("<local-command-stdout>Set model</local-command-stdout>")
    custom = said(
        "<command-message>fix</command-message>\n<command-name>/fix</command-name>\n<command-args>issue 7</command-args>"
    )
    found = claude([*work(), local, output, custom, said("Fix the issue…", isMeta=True), *work()[1:], local])
    assert [task.task for task in found] == [PROMPT, "/fix issue 7", "/model opus"]
    assert not found[2].worked


def test_what_is_not_of_the_task_is_passed_over(claude: Any) -> None:
    noise: list[Any] = [
        said("This session is being continued from a previous conversation…", isCompactSummary=True),
        {"type": "system", "subtype": "compact_boundary", "content": "Conversation compacted"},
        {"type": "summary", "summary": "Import", "leafUuid": "x"},
        {"type": "file-history-snapshot", "snapshot": {}},
        {"type": "a-kind-of-next-year", "message": {"role": "oracle", "content": 7}},
        agent(text("from a sub-agent"), isSidechain=True),
        agent(text("API Error: 529"), isApiErrorMessage=True),
        said("<task-notification>done</task-notification>"),
        said("<system-reminder>remember</system-reminder>"),
        said("Caveat: The messages below were generated by the user"),
        said("some context of a hook", isMeta=True),
        {"type": "user", "message": "text"},
        {"type": "assistant", "message": {"content": None}},
        {"type": "attachment", "attachment": None},
        "[1, 2]",
        "null",
        "7",
    ]
    assert [normal(task) for task in claude([*work()[:5], *noise, *work()[5:]])] == [
        normal(task) for task in claude(work())
    ]


def test_lines_that_are_torn_deep_binary_or_huge_are_passed_over(
    claude: Any, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_LINE", 4_000)
    expected = [normal(task) for task in claude(work())]
    broken = ["{", "", "[" * 3_000, '{"a":' * 600, '{"type":"user","message":{"content":"' + "x" * 20_000 + '"}}']
    claude([*broken, *work()[:5], *broken, *work()[5:]])
    file = folders.claude_code / "-gone-shop" / "s-1.jsonl"
    with file.open("ab") as end:
        end.write(b'\xff\xfe\x00\n{"type":"assistant","message":{"role":"assistant","content":[{"type":"te')
    assert [normal(task) for task in tasks(file, "claude-code")] == expected


def test_an_empty_file_holds_no_task(claude: Any, codex: Any) -> None:
    assert claude([""]) == []
    assert codex(["", '{"type":"session_meta"}', '{"payload":[]}']) == []


def test_long_values_lose_their_middle_and_long_prompts_are_whole_in_the_trajectory(claude: Any) -> None:
    prompt, output = f"{PROMPT} {'log ' * 2_000}end", f"begin{'x' * 300_000}end"
    (task,) = claude([said(prompt), agent(use("t1", content=output)), result("t1", output)])
    assert len(task.task) <= TASK_CHARS
    assert task.task.endswith("end")
    whole = normal(task)
    assert prompt in whole
    assert len(whole) < len(prompt) + 2 * VALUE_CHARS + 1_000


def test_pictures_are_named_and_not_kept(claude: Any) -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR" * 100}}
    (task,) = claude([said(PROMPT), agent(use("t1", "Read")), result("t1", [picture])])
    assert "observation: [image]" in normal(task)


@pytest.mark.parametrize(
    ("read", "worked", "report"),
    [
        ("claude", work, reporting),
        ("codex", codex_work, codex_reporting),
        ("gemini", gemini_work, gemini_reporting),
    ],
)
def test_the_hooks_request_and_the_report_are_no_part_of_the_work(
    read: str, worked: Any, report: Any, request: pytest.FixtureRequest
) -> None:
    cut = request.getfixturevalue(read)
    ((plain,), (told,)) = cut(worked()), cut([*worked(), *report(f"{REQUEST}. Please do.")])
    assert normal(told) == normal(plain)
    assert (plain.reported, told.reported) == (False, True)


def test_work_after_a_report_is_unreported_again(claude: Any) -> None:
    (task,) = claude([*work(), *reporting(REQUEST), said("It still crashes."), *work()[1:]])
    assert not task.reported
    assert normal(task).count("[1] user") == 1


def test_a_report_that_failed_is_none(claude: Any) -> None:
    failed = result("t9", "Nothing was stored. See ep_1", error=True)
    (task,) = claude([*work(), *reporting(REQUEST)[:2], failed])
    assert not task.reported


def test_sub_agents_of_codex_are_left_out(codex: Any) -> None:
    records = codex_work()
    records[0]["payload"]["source"] = {"subagent": {"thread_spawn": {"depth": 1}}}
    assert codex(records) == []


def test_a_task_of_gemini_cli_stands_once_with_its_steps_and_what_the_world_said(gemini: Any) -> None:
    (task,) = gemini(gemini_work())
    assert (task.task, task.cwd, task.worked, task.reported) == (PROMPT, "/gone/shop", True, False)
    whole = normal(task)
    for once in ("I run the import.", "python -m importer", CRASH, PASSED, "The import runs through now."):
        assert whole.count(once) >= 1
    assert whole.count("thought: I run the import.") == 1
    assert "untrusted_context" not in whole
    assert "session_context" not in whole
    assert "exit code" in task.hints.text().lower() or "failed" in task.hints.text().lower()


def test_sub_agents_of_gemini_cli_are_left_out(gemini: Any) -> None:
    assert gemini([gemini_meta("subagent"), *gemini_work()[1:]]) == []


def test_a_call_of_gemini_cli_that_failed_is_told_as_failed(gemini: Any) -> None:
    failed = gemini_call("c-1", "no such file", "read_file") | {"status": "error"}
    (task,) = gemini([gemini_meta(), gemini_said(PROMPT), *gemini_agent("a-1", "", failed)])
    assert task.hints.text()


def test_the_last_task_is_the_one_at_hand_and_must_have_been_worked_on(folders: Folders) -> None:
    file = write(folders.claude_code / "-p" / "s.jsonl", [*work(), *work(OTHER)])
    assert last_task(str(file), folders).task == OTHER
    write(file, [*work(), said(OTHER), agent(text("No tool was needed."))])
    with pytest.raises(InvalidInput, match="no task that tools were used for"):
        last_task(str(file), folders)


def test_the_hint_quotes_the_world_word_by_word(claude: Any) -> None:
    (task,) = claude(work())
    assert CRASH.splitlines()[1] in normal(task)
    assert task.hints.tests == [PASSED]


def test_a_prompt_after_which_the_same_file_is_written_goes_on_in_whatever_words(claude: Any) -> None:
    again = "y en marzo?"
    (task,) = claude([*work(), said(again), *work()[1:]])
    assert task.hints.corrections == [again]
    assert len(task.calls) == 6
    assert [each.task for each in claude([*work(), said(again), *work(OTHER)[1:]])] == [PROMPT, again]
    told = claude([*work(), said("New task: page 2."), *work()[1:]])
    assert [each.task for each in told] == [PROMPT, "New task: page 2."]


@pytest.mark.parametrize(
    ("message", "files"),
    [
        ({"content": [use("t", "Edit", file_path="/a/b/c.py", old_string="x = 1", new_string="y = 2")]}, {"b/c.py"}),
        ({"content": [use("t", "Read", file_path="/a/b/c.py", offset=3)]}, set[str]()),
        ({"content": [use("t", "Bash", command="pytest -q tests/test_c.py")]}, set[str]()),
        ({"content": [use("t", "MultiEdit", path="c.py", edits=[{"old": "x = 1", "new": ""}])]}, {"c.py"}),
        ({"type": "custom_tool_call", "input": "*** Begin Patch\n*** Update File: src/a.js\n+x\n"}, {"src/a.js"}),
        ({"type": "function_call", "arguments": '{"path": "lib/a.rb", "content": "puts 1"}'}, {"lib/a.rb"}),
        ({"type": "function_call", "arguments": "{broken"}, set[str]()),
        ({"content": "only words"}, set[str]()),
    ],
)
def test_a_call_writes_a_file_where_it_has_a_path_and_a_further_text(message: dict[str, Any], files: set[str]) -> None:
    assert written(message) == files
