"""Messages of odd make: blocks beside words, pictures, lists and texts, what users run themselves, what they turn down."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strategy_bank.tools.trajectory.normal_form import normalise
from strategy_bank.tools.transcripts.tasks import PastTask, tasks
from strategy_bank.tools.transcripts.unread import Unread
from tests.support.sessions import (
    PROMPT,
    agent,
    codex_said,
    codex_work,
    gemini_agent,
    gemini_call,
    gemini_meta,
    gemini_said,
    gemini_work,
    result,
    said,
    text,
    use,
    work,
    write,
)

REMINDER = "<system-reminder>\nNever mention this.\n</system-reminder>"
OPENED = "<ide_opened_file>The user opened the file /home/me/private.py in the IDE.</ide_opened_file>"
OTHER = "Write a page about the new discount codes for the handbook."
Read = Callable[..., list[PastTask]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(client: Any, records: list[Any], unread: Unread | None = None) -> list[PastTask]:
        return list(tasks(write(tmp_path / "p" / "chats" / "session.jsonl", records), client, unread))

    return read


def whole(found: list[PastTask]) -> str:
    return "\n".join(normalise(task.trajectory()).text for task in found)


@pytest.mark.parametrize(
    "content",
    [
        f"{OPENED}\n{PROMPT}",
        f"{REMINDER}\n\n{OPENED}\n\n{PROMPT}\n\n{REMINDER}",
        [text(OPENED), text(REMINDER), text(PROMPT)],
        [text(PROMPT), text(REMINDER)],
        [text(f"{REMINDER}\n{PROMPT}")],
    ],
)
def test_a_prompt_that_shares_its_message_with_the_client_is_the_task(read: Read, content: Any) -> None:
    plain = read("claude-code", work())
    mixed = read("claude-code", [said(content), *work()[1:]])
    assert [task.task for task in mixed] == [PROMPT]
    assert whole(mixed) == whole(plain)


def test_a_correction_behind_a_block_belongs_to_the_task_before(read: Read) -> None:
    (task,) = read("claude-code", [*work(), said([text(OPENED), text("no, still wrong")]), *work()[1:]])
    assert task.hints.corrections == ["no, still wrong"]
    wrapped = codex_said(
        "# Context from my IDE setup:\n\n## Open tabs:\n- .env: .env\n\n## My request for Codex:\nno, wrong"
    )
    (task,) = read("codex", [*codex_work(), wrapped, *codex_work()[7:]])
    assert task.hints.corrections == ["no, wrong"]
    assert ".env" not in whole([task])


def test_a_message_of_blocks_only_is_no_task_and_interrupts_none(read: Read) -> None:
    only = said([text(REMINDER), text(OPENED)])
    assert whole(read("claude-code", [*work()[:5], only, *work()[5:]])) == whole(read("claude-code", work()))


def test_a_picture_stays_beside_the_words(read: Read) -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR"}}
    (task,) = read("claude-code", [said([picture, text(REMINDER), text(PROMPT)]), *work()[1:]])
    assert task.task == PROMPT
    assert "[image]" in whole([task])
    assert "Never mention" not in whole([task])


def test_words_beside_a_tools_result_are_the_users(read: Read) -> None:
    both = result("t1", "two files")
    both["message"]["content"] += [text("Only the second file, please."), text(REMINDER)]
    (task,) = read("claude-code", [said(PROMPT), agent(use("t1")), both, agent(use("t2")), result("t2", "done")])
    assert "two files" in whole([task])
    assert task.hints.corrections == ["Only the second file, please."]


def test_words_that_were_queued_behind_a_block_are_read(read: Read) -> None:
    attachment = {"type": "queued_command", "prompt": f"{REMINDER}\nand the second file", "commandMode": "prompt"}
    found = read("claude-code", [*work()[:5], {"type": "attachment", "attachment": attachment}, *work()[5:]])
    assert [task.hints.corrections for task in found] == [["and the second file"]]


def test_a_slash_command_with_words_behind_it_keeps_them(read: Read) -> None:
    command = "<command-name>/fix</command-name>\n<command-args>issue 7</command-args>\nQuickly, please."
    found = read("claude-code", [said(command), *work()[1:]])
    assert [task.task for task in found] == ["/fix issue 7\nQuickly, please."]


def test_what_nobody_typed_is_no_task(read: Read) -> None:
    noticed = said("Background work is done.", origin={"kind": "task-notification"})
    typed = said(OTHER, origin={"kind": "human"})
    found = read("claude-code", [*work(), noticed, agent(text("Good.")), typed, *work(OTHER)[1:]])
    assert [task.task for task in found] == [PROMPT, OTHER]


def test_a_command_that_the_user_ran_is_an_observation(read: Read) -> None:
    ran = [
        said("<bash-input>pytest -q</bash-input>"),
        said("<bash-stdout>1 failed, 3 passed</bash-stdout><bash-stderr></bash-stderr>"),
    ]
    (task,) = read("claude-code", [*work(), *ran, said("see above"), *work()[1:]])
    assert task.hints.tests[1] == "1 failed, 3 passed"
    shell = "<command>\npytest -q\n</command>\n<result>\nExit code: 1\n1 failed\n</result>"
    wrapped = f"<user_shell_command>\n{shell}\n</user_shell_command>"
    (task,) = read("codex", [*codex_work(), codex_said(wrapped)])
    assert "$ pytest -q" in whole([task])
    assert task.hints.tests[-1] == "1 failed"
    typed = "I ran the following shell command:\n```sh\npytest -q\n```"
    shown = "This produced the following result:\n```\n1 failed\n```"
    (task,) = read("gemini", [*gemini_work(), gemini_said(f"{typed}\n\n{shown}")])
    assert task.hints.tests[-1] == "1 failed"


def test_a_call_that_the_user_turned_down_says_why_and_is_no_error(read: Read) -> None:
    told = "The user doesn't want to proceed with this tool use. STOP.\nthe user said:\nuse the other one"
    (task,) = read("claude-code", [said(PROMPT), agent(use("t1")), result("t1", told, error=True), *work()[1:]])
    assert task.hints.corrections == ["use the other one"]
    assert task.hints.errors == 1  # of the work that follows
    assert "STOP" not in whole([task])


REFUSED = "The user doesn't want to proceed with this tool use. STOP."


def test_the_reason_for_turning_a_call_down_is_found_in_its_other_wording(read: Read) -> None:
    told = f"{REFUSED} The user provided the following reason for the rejection:  use the other one"
    (task,) = read("claude-code", [said(PROMPT), agent(use("t1")), result("t1", told, error=True), *work()[1:]])
    assert task.hints.corrections == ["use the other one"]


def test_of_several_results_in_one_message_the_one_turned_down_says_why_and_the_others_stay(read: Read) -> None:
    told = f"{REFUSED}\nthe user said:\nnot the lock file"
    results: list[dict[str, Any]] = [
        {"type": "tool_result", "tool_use_id": "t1", "content": "forty files listed"},
        {"type": "tool_result", "tool_use_id": "t2", "content": told, "is_error": True},
    ]
    (task,) = read("claude-code", [said(PROMPT), agent(use("t1"), use("t2")), said(results), *work()[1:]])
    assert task.hints.corrections == ["not the lock file"]
    assert "forty files listed" in whole([task])
    assert "STOP" not in whole([task])


def test_a_prompt_right_after_a_call_was_turned_down_goes_on(read: Read) -> None:
    refused = [agent(use("t1")), result("t1", REFUSED, error=True)]
    words = "La date vient du serveur, pas du poste."
    (task,) = read("claude-code", [*work(), *refused, said(words), *work()[1:]])
    assert task.hints.corrections == [words]


@pytest.mark.parametrize("marked", [True, False])
def test_the_summary_of_a_compaction_is_known_by_the_marks_of_its_record(read: Read, *, marked: bool) -> None:
    mark = {"isVisibleInTranscriptOnly": True} if marked else {"parentUuid": "b-1"}
    boundary = {"type": "system", "subtype": "compact_boundary", "uuid": "b-1", "parentUuid": None}
    summary = said("You were working on this before the history was cut: the dates of imported orders.", **mark)
    asked = "Write a page about the new discount codes for the handbook."
    found = read(
        "claude-code", [*work(), boundary, summary, *work()[1:], said(asked, parentUuid="a-9"), *work(asked)[1:]]
    )
    assert [task.task for task in found] == [PROMPT, asked]
    assert "You were working" not in whole(found)


def test_a_prompt_after_an_interruption_may_be_about_something_else(read: Read) -> None:
    stopped = said("[Request interrupted by user]")
    found = read("claude-code", [*work(), stopped, said("New thing: the icon is old."), *work()[1:]])
    assert [task.task for task in found] == [PROMPT, "New thing: the icon is old."]


@pytest.mark.parametrize(
    ("prompt", "belongs"),
    [
        ("jatka siitä mihin jäit", True),
        (PROMPT, True),
        (f"{OTHER} It needs a table of all codes and their days.", False),
    ],
)
def test_what_is_short_or_said_again_after_an_error_of_the_service_goes_on(
    read: Read, prompt: str, belongs: bool
) -> None:
    broken = agent(text("API Error: 529"), isApiErrorMessage=True)
    found = read("claude-code", [*work()[:5], broken, said(prompt), *work()[5:]])
    assert [task.task for task in found] == ([PROMPT] if belongs else [PROMPT, prompt])
    assert "529" not in whole(found)


def test_a_question_in_another_script_is_answered_by_what_follows(read: Read) -> None:
    asked = [said(PROMPT), agent(use("t1")), result("t1", "two files"), agent(text("どちらのファイルですか？"))]
    assert [task.task for task in read("claude-code", [*asked, said("二つ目です。"), *work()[1:]])] == [PROMPT]


@pytest.mark.parametrize(
    ("prompt", "belongs"),
    [
        ("Nein, das ist die falsche Datei", True),
        ("Passt fast. Bei der zweiten Zeile fehlt aber noch das Komma am Ende der Zeile", True),
        ("Es stürzt immer noch ab", True),
        ("Danke!", True),
        ("toujours la même erreur", True),
        ("sigue fallando con el archivo grande", True),
        ("kontynuuj", True),
        ("继续", True),
        ("まだ動かない", True),
        ("Всё ещё падает", True),
        ("Schreibe eine Einladung zum Sommerfest.", False),
        ("Ajoute une page de connexion.", False),
        ("Напиши страницу входа.", False),
        ("写一个登录页面。", False),
        ("用 SQLite 还是 Postgres 存订单？请比较一下。", False),
        ("Le test doit toujours passer sur la CI, ajoute une attente.", False),
        ("Non-ASCII names break the importer of the shop.", False),
        ("Sim crashes when the track is empty, fix it.", False),
        ("Quasi-static solver is slow.", False),
        ("The import of the shop now fails for every customer.", False),
        ("Fast path for the lookups, please.", False),
        ("the empty case is fine, but that now raises KeyError", True),
    ],
)
def test_follow_ups_are_known_in_several_languages(read: Read, prompt: str, belongs: bool) -> None:
    found = read("claude-code", [*work(), said(prompt), *work(OTHER)[1:]])
    assert [task.task for task in found] == ([PROMPT] if belongs else [PROMPT, prompt])


def test_bundled_instructions_of_codex_leave_the_prompt(read: Read) -> None:
    records = codex_work()
    bundle = [
        "<recommended_plugins>\nnone\n</recommended_plugins>",
        *(r["payload"]["content"][0]["text"] for r in records[2:5]),
    ]
    content = [{"type": "input_text", "text": each} for each in bundle]
    message = {"type": "response_item", "payload": {"type": "message", "role": "user", "content": content}}
    for bundled in (message, codex_said("\n".join(bundle))):
        assert whole(read("codex", [records[0], bundled, *records[5:]])) == whole(read("codex", records))


def test_a_copy_of_the_history_in_a_compaction_of_codex_is_no_task(read: Read) -> None:
    history = [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": OTHER}]}]
    compacted = {"type": "compacted", "payload": {"message": "", "replacement_history": history}}
    unread = Unread()
    assert whole(read("codex", [*codex_work()[:9], compacted, *codex_work()[9:]], unread)) == whole(
        read("codex", codex_work())
    )
    assert unread.as_dict() == Unread().as_dict()


def test_what_gemini_cli_shows_is_what_the_user_typed(read: Read) -> None:
    asked = gemini_said("Expanded prose of a command of the client.") | {"displayContent": [{"text": PROMPT}]}
    files = gemini_said(PROMPT)
    files["content"] += [
        {"text": "\n--- Content from referenced files ---"},
        {"text": "x = 1"},
        {"text": "\n--- End of content ---"},
    ]
    for record in (asked, files, gemini_said(f"{PROMPT}\n<hook_context>It is Monday.</hook_context>")):
        assert whole(read("gemini", [gemini_meta(), record, *gemini_work()[3:]])) == whole(
            read("gemini", gemini_work())
        )


def test_results_that_stand_only_with_their_calls_are_read_once(read: Read) -> None:
    call = gemini_call("c-1", "Output: 3 passed\nExit Code: 0", command="pytest")
    first, _, second, told = gemini_agent("a-1", "", call | {"status": "executing"})
    second["toolCalls"] = [call]
    for records in ([first, second], [first, second, second], [first, second, told]):
        (task,) = read("gemini", [gemini_meta(), gemini_said(PROMPT), *records])
        assert task.hints.tests == ["Output: 3 passed"]
        assert whole([task]).count("Output: 3 passed") == 2  # the observation and the hint


@pytest.mark.parametrize("client", ["claude-code", "codex", "gemini"])
@pytest.mark.parametrize(
    "record",
    [
        {},
        {"type": None},
        {"type": 7, "payload": 7, "message": 7},
        {"type": "user", "message": {"content": [None, 7, {"type": "text", "text": 7}, {"type": "tool_result"}]}},
        {"type": "response_item", "payload": {"type": "message", "role": "user", "content": [None, {"text": None}]}},
        {"type": "response_item", "payload": {"type": "function_call_output", "output": {"content": [7]}}},
        {"type": "gemini", "id": "x", "toolCalls": [None, {"result": [{"functionResponse": {"response": 7}}]}]},
        {"type": "event_msg", "payload": {"type": "thread_rolled_back", "num_turns": "two"}},
        {"$rewindTo": 7, "$set": 7, "uuid": 7, "parentUuid": 7},
        {"id": [], "kind": [], "sessionId": {}},
    ],
)
def test_records_of_odd_types_stop_nothing(read: Read, client: str, record: dict[str, Any]) -> None:
    made = {"claude-code": work(), "codex": codex_work(), "gemini": gemini_work()}[client]
    found = read(client, [*made[:5], record, *made[5:]])
    assert [task.task for task in found] == [PROMPT]
