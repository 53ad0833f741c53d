"""The plugin for Claude Code: its files, its stop hook as a real process, and the whole loop through a real server."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from mcp import Client, StdioServerParameters
from mcp.types import TextContent

from strategy_bank.server.cli.main import cli
from strategy_bank.server.mcp.transcript_reference import transcript_named
from strategy_bank.tools.transcripts.entry import REQUEST
from tests.support.places import ROOT
from tests.support.samples import REWORDED, STRATEGY, call, judgement, refusal, text_of
from tests.support.sessions import (
    CRASH,
    PASSED,
    PROMPT,
    agent,
    codex_reporting,
    codex_work,
    gemini_reporting,
    gemini_work,
    reporting,
    result,
    said,
    text,
    use,
    work,
    write,
)

PLUGIN = ROOT / "plugins" / "claude-code"
COMMAND = [sys.executable, "-m", "strategy_bank.server"]
STOP = [*COMMAND, "hook", "stop"]
TOOLS = {"recall_strategies", "report_outcome", "scale_attempts"}


@pytest.fixture
def user(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return environment | {"CLAUDE_CONFIG_DIR": str(tmp_path / "claude"), "CODEX_HOME": str(tmp_path / "codex")}


@pytest.fixture
def transcript(user: dict[str, str]) -> Path:
    return Path(user["CLAUDE_CONFIG_DIR"]) / "projects" / "-gone-shop" / "s-1.jsonl"


def stopped(path: object, **changes: Any) -> subprocess.CompletedProcess[str]:
    event = {
        "session_id": "s-1",
        "transcript_path": str(path),
        "cwd": "/",
        "hook_event_name": "Stop",
        "stop_hook_active": False,
    }
    return subprocess.run(STOP, input=json.dumps(event | changes), capture_output=True, text=True)


def asked(path: object, **changes: Any) -> str:
    """The request with which the hook lets the agent go on; empty where it lets it stop."""
    done = stopped(path, **changes)
    assert (done.returncode, done.stderr) == (0, "")
    if not done.stdout:
        return ""
    answer = json.loads(done.stdout)
    if "decision" in answer:
        assert answer == {"decision": "block", "reason": answer["reason"]}
        assert Path(str(path)).name.startswith(("rollout-", "session-"))  # of clients that know nothing else
        return answer["reason"]
    context = answer["hookSpecificOutput"]
    assert answer == {
        "hookSpecificOutput": {"hookEventName": "Stop", "additionalContext": context["additionalContext"]}
    }
    return context["additionalContext"]


def reference_in(reason: str) -> dict[str, str]:
    found = re.search(r"\{.*?\}", reason)
    assert found
    return json.loads(found[0])


def test_work_that_was_not_reported_is_asked_for_once_and_briefly(transcript: Path) -> None:
    write(transcript, work())
    reason = asked(transcript)
    assert reference_in(reason) == {"transcript": str(transcript)}
    assert "report_outcome" in reason
    assert len(reason) < 700
    assert asked(transcript, stop_hook_active=True) == ""


def test_the_answer_is_utf_8_on_a_console_of_any_encoding_and_a_home_may_be_written_short(tmp_path: Path) -> None:
    transcript = tmp_path / "bänk 日本" / "s-1.jsonl"
    write(transcript, work())
    console = {"HOME": str(tmp_path), "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"}
    for path in (str(transcript), "~/bänk 日本/s-1.jsonl"):
        sent = json.dumps({"transcript_path": path}, ensure_ascii=False).encode()
        done = subprocess.run(STOP, input=sent, capture_output=True, env=os.environ | console)
        assert done.stderr == b""
        answer = json.loads(done.stdout.decode("utf-8"))["hookSpecificOutput"]["additionalContext"]
        assert reference_in(answer) == {"transcript": path}


@pytest.mark.parametrize(
    ("name", "worked", "reported"),
    [("rollout-1", codex_work, codex_reporting), ("session-1", gemini_work, gemini_reporting)],
    ids=["codex", "gemini"],
)
def test_the_same_hook_serves_others(tmp_path: Path, name: str, worked: Any, reported: Any) -> None:
    file = write(tmp_path / f"{name}.jsonl", worked())
    reason = asked(file, turn_id="1", last_assistant_message="Done.")
    assert reason.startswith(REQUEST)
    write(file, [*worked(), *reported(reason)])
    assert asked(file) == ""


def test_an_older_session_of_gemini_cli_is_one_document_and_a_mark_before_it_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "session-1.json"
    for records in (gemini_work(), [*gemini_work(), *gemini_reporting(REQUEST)]):
        document = {"sessionId": "g-1", "messages": [record for record in records if "id" in record]}
        file.write_bytes(b"\xef\xbb\xbf" + json.dumps(document, indent=2).encode())
        assert bool(asked(file)) == (records == gemini_work())


@pytest.mark.parametrize(
    "records",
    [
        [said(PROMPT), agent(text("It is a question of taste."))],
        [*work(), *reporting(REQUEST)],
        [*work(), *reporting(REQUEST, blocked=True)],
        [*work(), said("What does it cost?"), agent(text("Nothing."))],
        [
            *work(),
            said([text("<system-reminder>x</system-reminder>"), text("What does it cost?")]),
            agent(text("Nothing.")),
        ],
        [said(PROMPT), agent(use("t1", "TodoWrite", todos=[])), result("t1", "ok")],
        [
            said("How are uploads stored?"),
            *(agent(use(f"t{n}", "Read", file_path=f"/srv/{n}.py")) for n in range(5)),
            *(result(f"t{n}", "import os") for n in range(5)),
            agent(text("In one table.")),
        ],
        [said(PROMPT), agent(use("t1", "mcp__strategy-bank__recall_strategies", task=PROMPT)), result("t1", "none")],
        [],
    ],
    ids=[
        "no tools",
        "reported",
        "reported after a block",
        "an earlier turn's work",
        "an earlier turn's work, and a prompt behind a block",
        "housekeeping",
        "a question that was looked up",
        "only recall",
        "empty",
    ],
)
def test_an_agent_that_has_nothing_to_report_may_stop(transcript: Path, records: list[Any]) -> None:
    assert asked(write(transcript, records)) == ""


@pytest.mark.parametrize(
    "records",
    [
        [agent(use("t1", "Edit", file_path="/srv/a.py", old_string="a", new_string="b")), result("t1", "ok")],
        [agent(use("t1", command="make")), result("t1", "no rule to make target", error=True)],
        [agent(use("t1", command="make")), result("t1", "Exit code 2\nno rule to make target")],
        [agent(use("t1", command="npm test")), result("t1", "Tests: 3 passed")],
        [line for n in range(8) for line in (agent(use(f"t{n}", command="kubectl get pods")), result(f"t{n}", "none"))],
    ],
    ids=["a file was written", "a call failed", "a command failed", "tests ran", "it looked for long"],
)
def test_what_was_tried_is_asked_for(transcript: Path, records: list[Any]) -> None:
    assert asked(write(transcript, [said(PROMPT), *records]))


def test_a_turn_longer_than_what_is_looked_at_still_counts(transcript: Path) -> None:
    records = [said(PROMPT), *(agent(use(f"t{n}", command="x" * 10_000)) for n in range(150))]
    assert asked(write(transcript, records))
    write(transcript, [*records, *reporting(REQUEST)])
    assert asked(transcript) == ""


@pytest.mark.parametrize(
    "sent",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"transcript_path": 7}', b'{"transcript_path": "/none.jsonl"}'],
)
def test_any_trouble_lets_the_agent_stop(sent: bytes) -> None:
    done = subprocess.run(STOP, input=sent, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"")


def test_a_wrong_command_line_is_told() -> None:
    assert subprocess.run([*COMMAND, "hook"], capture_output=True).returncode == 2
    helped = subprocess.run([*STOP, "--help"], capture_output=True, text=True)
    assert (helped.returncode, helped.stdout.split("\n")[0]) == (0, "Usage: strategy-bank hook stop")


def test_the_hook_imports_nothing_that_is_slow(transcript: Path) -> None:
    write(transcript, work())
    event = json.dumps({"transcript_path": str(transcript)})
    done = subprocess.run([sys.executable, "-X", "importtime", *STOP[1:]], input=event, capture_output=True, text=True)
    assert REQUEST in done.stdout
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "json" in imported
    assert imported.isdisjoint(
        {"mcp", "lancedb", "fastembed", "pydantic", "anyio", "numpy", "pyarrow", "openai", "click", "rich"}
    )


def test_the_hook_takes_less_than_150_ms_of_cpu_on_a_megabyte(transcript: Path) -> None:
    """Or, where the machine is so busy that Python alone takes long, than four times that."""
    write(transcript, [said(PROMPT), *(agent(use(f"t{n}", command="x" * 1_000)) for n in range(900))])
    assert transcript.stat().st_size > 1_000_000
    bare = min(_cpu_of(lambda: subprocess.run([sys.executable, "-c", ""], check=True)) for _ in range(5))
    assert stopped(transcript).stdout
    assert min(_cpu_of(lambda: stopped(transcript)) for _ in range(5)) < max(0.150, 4 * bare)


def _cpu_of(run: Callable[[], object]) -> float:
    """CPU seconds of the processes that it starts and waits for."""

    resource = pytest.importorskip("resource")

    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = spent()
    run()
    return spent() - before


def connected(user: dict[str, str]) -> Client:
    return Client(StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], "serve"], env=user), mode="auto")


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("stringified", [False, True])
async def test_what_a_session_taught_comes_back_in_another_process_without_being_typed_again(
    user: dict[str, str], transcript: Path, stringified: bool
) -> None:
    reference = reference_in(asked(write(transcript, [*work("Something else before."), *work()])))
    sent = json.dumps(reference) if stringified else reference
    async with connected(user) as client:
        learned = await call(
            client, "report_outcome", trajectory=sent, judgement=judgement(evidence=["14 passed in 2.31s"])
        )
        assert (learned["status"], learned["verdict"], learned["warnings"]) == ("learned", "success", [])
        write(transcript, [*work("Something else before."), *work(), *reporting(REQUEST)])
        again = await call(client, "report_outcome", trajectory=sent)
        assert again["episode_id"] == learned["episode_id"]
    async with connected(user) as client:
        recalled = await call(client, "recall_strategies", task=REWORDED)
    assert [strategy["title"] for strategy in recalled["strategies"]] == [STRATEGY["title"]]
    shown = subprocess.run(
        [*COMMAND, "show", learned["episode_id"], "--json"], env=user, capture_output=True, text=True
    )
    episode = json.loads(shown.stdout)
    assert episode["task"] == PROMPT
    assert CRASH in episode["trajectory"]
    assert PASSED in episode["trajectory"]
    assert "Something else" not in episode["trajectory"]


@pytest.mark.slow
@pytest.mark.anyio
async def test_what_a_transcript_holds_that_could_not_be_read_is_said_in_the_reply(
    user: dict[str, str], transcript: Path
) -> None:
    odd = {"type": "weather", "message": {"role": "user", "content": "Not a prompt."}}
    reference = reference_in(asked(write(transcript, [odd, *work(), "{torn"])))
    async with connected(user) as client:
        learned = await call(
            client, "report_outcome", trajectory=reference, judgement=judgement(evidence=["14 passed in 2.31s"])
        )
    (warning,) = learned["warnings"]
    assert warning == "Not understood in the transcript: 1 line is no JSON; 1 record is of unknown kind (weather)."


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_file_outside_of_the_clients_folders_is_refused(
    user: dict[str, str], tmp_path: Path, transcript: Path
) -> None:
    outside = write(tmp_path / "secret.jsonl", work())
    transcript.parent.mkdir(parents=True)
    transcript.symlink_to(outside)
    async with connected(user) as client:
        for path in (outside, transcript, "/etc/passwd"):
            told = await refusal(client, "report_outcome", trajectory={"transcript": str(path)}, judgement=judgement())
            assert "may not be read" in told
            assert "Send the condensed trajectory itself" in told
    async with connected(user | {"STRATEGY_BANK_TRANSCRIPTS": "false"}) as client:
        told = await refusal(client, "report_outcome", trajectory={"transcript": str(transcript)})
        assert "reads no transcripts" in told


@pytest.mark.parametrize(
    ("trajectory", "path"),
    [
        ({"transcript": "/a.jsonl"}, "/a.jsonl"),
        ({"transcript": "/a.jsonl", "steps": []}, ""),
        ({"transcript": 7}, ""),
        ('{"transcript": ', ""),
        ("the transcript says that it passed", ""),
        ([{"transcript": "/a.jsonl"}], ""),
        (None, ""),
    ],
)
def test_only_a_reference_is_taken_for_one(trajectory: object, path: str) -> None:
    assert transcript_named(trajectory) == path


def loaded(name: str) -> dict[str, Any]:
    return json.loads((PLUGIN / name).read_text("utf-8"))


def test_the_plugin_starts_this_server_and_its_hooks_name_real_tools_and_commands() -> None:
    name = loaded(".claude-plugin/plugin.json")["name"]
    ((server, started),) = loaded(".mcp.json")["mcpServers"].items()
    assert [started["command"], *started["args"]] == ["strategy-bank", "serve"]
    hooks = {event: group["hooks"][0] for event, (group,) in loaded("hooks/hooks.json")["hooks"].items()}
    recall, stop, failed = hooks["UserPromptSubmit"], hooks["Stop"], hooks["PostToolUseFailure"]
    assert (recall["type"], recall["server"]) == ("mcp_tool", f"plugin:{name}:{server}")
    assert recall["tool"] in TOOLS
    assert recall["input"] == {"task": "${prompt}", "hook": "UserPromptSubmit"}
    assert (failed["server"], failed["tool"]) == (recall["server"], "recall_strategies")
    assert failed["input"] == {"stuck_on": "${error}", "hook": "PostToolUseFailure"}
    assert (stop["type"], stop["server"], stop["tool"]) == ("mcp_tool", recall["server"], "recall_strategies")
    assert stop["input"] == {
        "transcript": "${transcript_path}",
        "stop_hook_active": "${stop_hook_active}",
        "hook": "Stop",
    }


def test_codex_gets_the_same_plugin_under_its_own_name_for_the_server() -> None:
    ours, codex = loaded(".claude-plugin/plugin.json"), loaded(".codex-plugin/plugin.json")
    hooks = codex.pop("hooks")
    assert codex == ours
    of_claude = json.loads(
        (PLUGIN / "hooks" / "hooks.json")
        .read_text("utf-8")
        .replace("plugin:strategy-bank:strategy-bank", "strategy-bank")
    )
    events = of_claude["hooks"]
    (group,) = events.pop("PostToolUseFailure")  # Codex knows no such event, but tells what every command printed
    group["hooks"][0]["input"] = {"stuck_on": "${tool_response}", "hook": "PostToolUse"}
    events["PostToolUse"] = [{"matcher": "Bash"} | group]
    assert json.loads((PLUGIN / hooks).read_text("utf-8")) == of_claude


def test_the_extension_for_gemini_cli_starts_this_server_and_asks_with_the_same_hook() -> None:
    extension = PLUGIN.parent / "gemini-cli"
    manifest = json.loads((extension / "gemini-extension.json").read_text("utf-8"))
    ours = loaded(".mcp.json")["mcpServers"]["strategy-bank"]
    assert manifest["mcpServers"] == {"strategy-bank": {key: ours[key] for key in ("command", "args")}}
    hooks = json.loads((extension / "hooks" / "hooks.json").read_text("utf-8"))["hooks"]
    assert hooks.keys() == {"AfterAgent"}
    assert hooks["AfterAgent"][0]["hooks"][0]["command"] == "strategy-bank hook stop"


def test_the_marketplace_offers_the_plugin() -> None:
    root = ROOT
    (offered,) = json.loads((root / ".claude-plugin" / "marketplace.json").read_text("utf-8"))["plugins"]
    assert (root / offered["source"]).resolve() == PLUGIN.resolve()
    assert offered["name"] == loaded(".claude-plugin/plugin.json")["name"]


@pytest.mark.anyio
async def test_a_hook_gets_what_is_recalled_as_context_for_the_agent(user: dict[str, str]) -> None:
    async with connected(user) as client:
        plain = await client.call_tool("recall_strategies", {"task": PROMPT})
        hooked = await client.call_tool("recall_strategies", {"task": PROMPT, "hook": "UserPromptSubmit"})
        listed = (await client.list_tools()).tools[0]
    (block,) = hooked.content
    assert isinstance(block, TextContent)
    answer = json.loads(block.text)["hookSpecificOutput"]
    assert answer["hookEventName"] == "UserPromptSubmit"
    without_id = re.compile(r"rc_\w+")
    assert without_id.sub("", answer["additionalContext"]) == without_id.sub("", text_of(plain))
    assert "hook" not in listed.input_schema["properties"]


def test_the_plugins_texts_have_headers_and_name_real_commands() -> None:
    texts = [*PLUGIN.glob("commands/*.md"), *PLUGIN.glob("skills/*/SKILL.md")]
    assert {file.stem for file in texts} == {"show", "review", "forget", "SKILL"}
    for file in texts:
        _, header, body = file.read_text("utf-8").split("---\n", 2)
        assert yaml.safe_load(header)["description"]
        assert set(re.findall(r"`strategy-bank ([a-z]+)", body)) <= set(cli.list_commands(None))  # pyright: ignore[reportArgumentType]
        assert set(re.findall(r"`([a-z]+_[a-z]+)`", body)) <= TOOLS | {"recall_id"}


def test_the_installed_command_takes_the_short_way_too(transcript: Path) -> None:
    command = Path(sys.executable).with_name("strategy-bank")
    event = json.dumps({"transcript_path": str(write(transcript, work()))})
    done = subprocess.run([command, "hook", "stop"], input=event, capture_output=True, text=True, env=dict(os.environ))
    assert json.loads(done.stdout)["hookSpecificOutput"]["hookEventName"] == "Stop"


def test_the_page_about_it_shows_hooks_for_codex_that_name_the_same_tool_and_command() -> None:
    page = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    ours = loaded("hooks/codex.json")["hooks"]
    shown_hooks = json.loads(block)["hooks"]
    assert shown_hooks.keys() == ours.keys()
    for event, (group,) in shown_hooks.items():
        assert group.get("matcher") == ours[event][0].get("matcher")
        (shown,), (expected,) = group["hooks"], ours[event][0]["hooks"]
        for key in ("type", "tool", "command", "input"):
            assert shown.get(key) == expected.get(key)
    for command in re.findall(r"^strategy-bank (\w+)", page, re.MULTILINE):
        assert command in cli.list_commands(None)  # pyright: ignore[reportArgumentType]
