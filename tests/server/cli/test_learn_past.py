"""`strategy-bank learn`: past sessions become pending episodes, which an endpoint or the agent judges later."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from click.testing import CliRunner, Result
from mcp import Client

from strategy_bank.server.cli.main import cli
from strategy_bank.tools.transcripts.entry import REQUEST
from tests.support.connecting import Connect
from tests.support.processes.interruptible import start
from tests.support.samples import STRATEGY, call, judgement
from tests.support.scripted_endpoint import ScriptedEndpoint, plausible
from tests.support.sessions import PROMPT, agent, codex_work, gemini_work, reporting, result, said, use, work, write

OTHER = "Write a page about the new discount codes for the handbook."
OLD = 1_700_000_000
COMMAND = [sys.executable, "-m", "strategy_bank.server"]


@pytest.fixture
def user(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment whose clients keep their transcripts in folders of the test; no scope is set."""
    mine = {"CLAUDE_CONFIG_DIR": str(tmp_path / "claude"), "CODEX_HOME": str(tmp_path / "codex")}
    mine["GEMINI_CLI_HOME"] = str(tmp_path / "gemini")
    return {key: value for key, value in environment.items() if key != "STRATEGY_BANK_SCOPE"} | mine


def session(user: dict[str, str], records: list[Any], name: str = "s-1", *, age: int = OLD) -> Path:
    file = write(Path(user["CLAUDE_CONFIG_DIR"]) / "projects" / "-p" / f"{name}.jsonl", records)
    os.utime(file, (age, age))
    return file


def run(user: dict[str, str], *arguments: str, code: int = 0) -> Result:
    """The command, in this process."""
    cleared = dict.fromkeys(name for name in os.environ if name.startswith("STRATEGY_BANK_"))
    done = CliRunner().invoke(cli, arguments, env=cleared | user)
    assert done.exit_code == code, (done.output, done.exception)
    return done


def pending(user: dict[str, str]) -> list[str]:
    return [row["id"] for row in json.loads(run(user, "stats", "--json").stdout)["pending"]]


def shown(user: dict[str, str], id: str) -> dict[str, Any]:
    return json.loads(run(user, "show", id, "--json").stdout)


def moved(records: list[dict[str, Any]], cwd: Path) -> list[dict[str, Any]]:
    return [record | {"cwd": str(cwd)} for record in records]


def test_sessions_are_queued_with_the_scope_of_their_project_and_never_twice(
    user: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "orders" / ".git").mkdir(parents=True)
    (tmp_path / "orders" / "src").mkdir()
    session(user, [*moved(work(), tmp_path / "orders" / "src"), *work(OTHER)])
    first = run(user, "learn", "claude-code")
    assert "Queued 2.\n" in first.stderr
    assert "distill_pending" in first.stderr
    episodes = [shown(user, id) for id in pending(user)]
    assert sorted((episode["scope"], episode["task"]) for episode in episodes) == [("orders", PROMPT), ("shop", OTHER)]
    assert all(episode["status"] == "pending" and episode["verdict"] is None for episode in episodes)
    assert all(episode["outcome"] is None for episode in episodes)
    assert {(episode["client"], episode["session"]) for episode in episodes} == {("command line", "")}
    again = run(user, "learn", "claude-code")
    assert "Queued 0; 2 queued before." in again.stderr
    assert len(pending(user)) == 2


def test_sessions_of_gemini_cli_are_queued_under_the_folder_noted_beside_them(user: dict[str, str]) -> None:
    folder = Path(user["GEMINI_CLI_HOME"]) / ".gemini" / "tmp" / "shop"
    write(folder / ".project_root", ["/gone/shop"])
    file = write(folder / "chats" / "session-2026-11-20T09-00-1.jsonl", gemini_work())
    os.utime(file, (OLD, OLD))
    assert "Queued 1." in run(user, "learn", "gemini").stderr
    (episode,) = (shown(user, id) for id in pending(user))
    assert (episode["scope"], episode["task"]) == ("shop", PROMPT)


def test_codex_sessions_are_queued_too(user: dict[str, str]) -> None:
    file = write(Path(user["CODEX_HOME"]) / "sessions" / "2026" / "11" / "20" / "rollout-1.jsonl", codex_work())
    os.utime(file, (OLD, OLD))
    assert "Queued 1." in run(user, "learn", "codex").stderr
    (id,) = pending(user)
    assert shown(user, id)["task"] == PROMPT


def test_what_teaches_nothing_or_is_known_is_left_out_and_counted(user: dict[str, str]) -> None:
    session(user, [*work(), *reporting(REQUEST), said(OTHER)], "reported")
    session(user, work(), "running", age=4_000_000_000)
    session(user, ["not json"], "empty")
    done = run(user, "learn", "claude-code")
    assert (
        "Queued 0; 1 reported by the agent itself; 1 without work; 1 perhaps still running; 1 without a prompt of yours."
        in done.stderr
    )


def test_a_project_and_a_day_narrow_it_down(user: dict[str, str], tmp_path: Path) -> None:
    inside, beside = tmp_path / "orders", tmp_path / "orders-old"
    early = [
        record | {"timestamp": "2024-01-05T10:00:00.000Z"} for record in moved(work("An early task of ours."), inside)
    ]
    session(user, [*early, *moved(work(), inside / "src"), *moved(work(OTHER), beside)], age=1_725_000_000)
    rows = run(user, "learn", "claude-code", "--dry-run", "--project", str(inside)).stdout
    assert ("early" in rows, "nightly" in rows, "handbook" in rows) == (True, True, False)
    rows = run(user, "learn", "claude-code", "--dry-run", "--since", "2024-06-01").stdout
    assert ("early" in rows, "nightly" in rows, "handbook" in rows) == (False, True, True)
    assert pending(user) == []


def test_secrets_are_redacted_before_anything_is_written(user: dict[str, str]) -> None:
    token = "ghp_" + "a1B2" * 9
    session(user, [said(f"Push with {token}"), agent(use("t1", command=f"curl -H {token}")), result("t1", token)])
    run(user, "learn", "claude-code")
    (id,) = pending(user)
    assert token not in json.dumps(shown(user, id))
    assert not any(
        token.encode() in file.read_bytes() for file in Path(user["STRATEGY_BANK_HOME"]).rglob("data/*.lance")
    )


def test_without_transcripts_it_says_where_it_looked(user: dict[str, str]) -> None:
    done = run(user, "learn", "codex", code=1)
    assert f"There are no transcripts in {user['CODEX_HOME']}" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_cannot_be_read_is_told_and_the_others_are_queued(user: dict[str, str]) -> None:
    session(user, work(), "locked").chmod(0)
    session(user, work(OTHER))
    done = run(user, "learn", "claude-code", code=1)
    assert "Queued 1; 1 unreadable." in done.stderr


@pytest.mark.slow
def test_interrupted_it_keeps_what_was_queued_and_goes_on_later(user: dict[str, str]) -> None:
    for number in range(100):
        session(user, work(f"Mend importer number {number}."), f"s-{number}", age=OLD + number)
    with start([*COMMAND, "learn", "claude-code"], env=user, stderr=subprocess.PIPE, text=True) as process:
        _wait_for_an_episode(user, process)
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    kept = len(pending(user))
    assert re.search(rf"Queued ({kept - 1}|{kept})\b", told)
    assert kept < 100
    assert f"Queued {100 - kept}; {kept} queued before." in run(user, "learn", "claude-code").stderr


def _wait_for_an_episode(user: dict[str, str], process: subprocess.Popen[str]) -> None:
    while not any(Path(user["STRATEGY_BANK_HOME"]).rglob("episodes.lance/data/*.lance")):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            raise AssertionError("it ended before anything was queued")


def test_an_endpoint_distills_what_was_queued(user: dict[str, str]) -> None:
    session(user, [*work(), *work(OTHER)])
    run(user, "learn", "claude-code")
    with ScriptedEndpoint(plausible) as endpoint:
        model = {"STRATEGY_BANK_LLM_BASE_URL": endpoint.base_url, "STRATEGY_BANK_LLM_MODEL": "scripted"}
        done = run(user | model, "distill")
    assert "Judged 2 episodes" in done.stderr
    assert pending(user) == []


@pytest.mark.anyio
async def test_the_agent_judges_what_is_pending_one_by_one(
    user: dict[str, str], connect: Connect, settings: Any
) -> None:
    session(user, [*work(), *work(OTHER), *work("A third task, of another day.")])
    done = await anyio.to_thread.run_sync(lambda: run(user, "learn", "claude-code", "--scope", "project"))
    assert "Queued 3" in done.stderr
    ids = await anyio.to_thread.run_sync(pending, user)
    async with connect() as client:
        asked = await prompted(client)
        assert asked.startswith("3 episodes of this project wait")
        assert f"The first is {ids[0]}:" in asked
        assert PROMPT in asked
        assert "14 passed in 2.31s" in asked
        assert f"the oldest first: {ids[1]}, {ids[2]}." in asked
        learned = await call(client, "report_outcome", episode_id=ids[0], judgement=judgement())
        assert [strategy["title"] for strategy in learned["strategies"]] == [STRATEGY["title"]]
        second = await call(client, "report_outcome", episode_id=ids[1])
        assert OTHER in second["judgement_request"]["rubric"]
        for id in ids[1:]:
            await call(client, "report_outcome", episode_id=id, judgement=judgement(strategies=[]))
        assert "There is nothing to do." in await prompted(client)


async def prompted(client: Client) -> str:
    (message,) = (await client.get_prompt("distill_pending", {})).messages
    return message.content.text  # pyright: ignore[reportAttributeAccessIssue]


def of_codex(user: dict[str, str], name: str, records: list[Any], *, age: int = OLD, folder: str = "sessions") -> None:
    file = write(Path(user["CODEX_HOME"]) / folder / f"rollout-{name}.jsonl", records)
    os.utime(file, (age, age))


def meta(ident: str, **changes: Any) -> dict[str, Any]:
    return {"type": "session_meta", "payload": {"id": ident, "cwd": "/gone/shop", "source": "cli"} | changes}


def test_a_fork_of_a_fork_and_what_codex_archived_count_once_in_a_dry_run_too(user: dict[str, str]) -> None:
    own = codex_work()[1:]
    further = codex_work("Then build the login page.")[4:]
    of_codex(user, "1", [meta("c-1"), *own], folder="archived_sessions")
    of_codex(user, "2", [meta("c-2", forked_from_id="c-1"), meta("c-1"), *own, *further], age=OLD + 1)
    of_codex(user, "3", [meta("c-3", forked_from_id="c-2"), meta("c-2"), meta("c-1"), *own, *further], age=OLD + 2)
    dry = run(user, "learn", "codex", "--dry-run", "--json")
    told = json.loads(dry.stdout)
    assert sorted(task["task"] for task in told["tasks"]) == sorted([PROMPT, "Then build the login page."])
    assert told["counts"] == {"copied into another session": 3}
    assert told["transcripts"] == {".jsonl": 3}
    assert "Queued 2; 3 copied into another session." in run(user, "learn", "codex").stderr
    assert "Queued 0; 2 queued before; 3 copied" in run(user, "learn", "codex").stderr


@pytest.mark.parametrize(
    "first",
    [
        {"source": {"subagent": {"thread_spawn": {"depth": 1}}}},
        {"source": "subagent"},
        {"thread_source": "subagent"},
        {"parent_thread_id": "c-1"},
    ],
)
def test_a_sub_agent_of_codex_is_known_by_its_own_head_not_by_its_parents(
    user: dict[str, str], first: dict[str, Any]
) -> None:
    of_codex(user, "1", [meta("c-2", **first), meta("c-1"), *codex_work()[1:]])
    told = run(user, "learn", "codex", "--dry-run").stderr
    assert told == "0 would be queued, if they are not yet; 1 without a prompt of yours.\n"


def test_a_session_that_went_on_in_another_file_is_queued_whole_and_once(user: dict[str, str]) -> None:
    session(user, work(), "before")
    session(user, [*work(), said("also for the big file"), agent(use("t7", command="run big"))], "after", age=OLD + 9)
    assert "Queued 1; 1 copied into another session." in run(user, "learn", "claude-code").stderr
    (id,) = pending(user)
    assert "also for the big file" in shown(user, id)["trajectory"]


def test_older_sessions_of_gemini_cli_are_read_beside_the_newer_ones(user: dict[str, str]) -> None:
    folder = Path(user["GEMINI_CLI_HOME"]) / ".gemini" / "tmp" / "shop" / "chats"
    document = {"sessionId": "g-0", "messages": [record for record in gemini_work(OTHER) if "id" in record]}
    older = write(folder / "session-2025-01-01T09-00-0.json", [json.dumps(document, indent=2)])
    helper = write(folder / "session-2025-01-02T09-00-0.json", [json.dumps(document | {"kind": "subagent"})])
    newer = write(folder / "session-2026-11-20T09-00-1.jsonl", gemini_work())
    broken = write(folder / "session-2025-01-03T09-00-0.json", ['{"sessionId": "g-9", "messages": ['])
    for file in (older, helper, newer, broken):
        os.utime(file, (OLD, OLD))
    told = run(user, "learn", "gemini").stderr
    assert "Queued 2; 2 without a prompt of yours." in told
    assert "Not understood in these transcripts (3 .json, 1 .jsonl): 1 line is no JSON." in told


def test_what_could_not_be_read_is_counted_and_said(user: dict[str, str], tmp_path: Path) -> None:
    future = {"type": "weather", "message": {"role": "user", "content": "Not a prompt."}}
    session(user, [*work(), "{torn", "", future, future, {"type": "mood"}])
    (Path(user["CLAUDE_CONFIG_DIR"]) / "projects" / "-p" / "out.jsonl").symlink_to(
        write(tmp_path / "x.jsonl", work(OTHER))
    )
    done = run(user, "learn", "claude-code", "--json")
    assert "Queued 1." in done.stderr
    assert "1 line is no JSON; 3 records are of unknown kind (weather, mood)." in done.stderr
    assert "lead out of the client's folder: 1." in done.stderr
    told = json.loads(done.stdout)
    assert told == {
        "client": "claude-code",
        "counts": {"queued": 1},
        "transcripts": {".jsonl": 1},
        "skipped": 1,
        "unread": {"lines": 1, "long_lines": 0, "unknown": {"weather": 2, "mood": 1}, "rewound": 0},
    }
