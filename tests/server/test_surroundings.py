"""Where a process finds no home, names that are not UTF-8, or another version of its own files: words, not tracebacks."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.places import ROOT
from tests.support.processes.raw_server import RawServer, raw_server
from tests.support.samples import REWORDED, TASK, TRAJECTORY, judgement

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names and users as Linux has them"),
]
PROGRAM = [sys.executable, "-m", "strategy_bank.server"]
NOBODY = ["setpriv", "--reuid", "54321", "--clear-groups"]


def ran(environment: dict[str, str], *words: str | bytes, prefix: list[str] | None = None, **options: Any) -> Any:
    """A command that must end in an expected way."""
    command = [*(prefix or []), *PROGRAM, *words]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, **options
    )
    told = (done.stdout + done.stderr).decode()
    assert "Traceback" not in told
    assert "unexpected error" not in told
    return done.returncode, told


def call(server: RawServer, tool: str, **arguments: Any) -> dict[str, Any]:
    return server.request("tools/call", json.dumps({"name": tool, "arguments": arguments}))["result"]


def text(result: dict[str, Any]) -> str:
    return result["content"][0]["text"]


@pytest.fixture
def nobody(environment: dict[str, str]) -> dict[str, str]:
    """For a user without HOME and without an entry in passwd."""
    if os.getuid():
        pytest.skip("only root can be another user")
    cleared = ("HOME", "STRATEGY_BANK_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
    return {key: value for key, value in environment.items() if key not in cleared}


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach and write; other runs of pytest close those that pytest made."""
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.mark.parametrize("words", [["serve"], ["list"], ["recall", "x"], ["config"], ["doctor"]])
def test_without_any_home_the_setting_that_is_missing_is_named(nobody: dict[str, str], words: list[str]) -> None:
    code, told = ran(nobody, *words, prefix=NOBODY, cwd="/")
    assert code == 1
    assert "STRATEGY_BANK_HOME" in told


def test_with_a_place_for_the_bank_only_what_needs_the_users_folder_is_refused(
    nobody: dict[str, str], open_folder: Path
) -> None:
    given = nobody | {"STRATEGY_BANK_HOME": str(open_folder / "bank")}
    for words in (["config"], ["recall", TASK], ["stats"], ["doctor"]):
        code, told = ran(given, *words, prefix=NOBODY, cwd="/")
        assert code == 0, told
    for words in (["connect"], ["connect", "cursor", "--yes"], ["learn", "claude-code"]):
        code, told = ran(given, *words, prefix=NOBODY, cwd="/")
        assert code == 1
        assert "Set HOME" in told
    command = [*NOBODY, *PROGRAM]
    with subprocess.Popen(command, env=given, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        server = RawServer(process)
        server.initialize()
        told = call(server, "report_outcome", task=TASK, trajectory=TRAJECTORY, judgement=judgement())
        assert told["structuredContent"]["status"] == "learned"
        assert "Set HOME" in text(call(server, "report_outcome", trajectory={"transcript": "/x.jsonl"}))
        process.kill()


def test_a_user_who_is_not_there_is_named(environment: dict[str, str]) -> None:
    code, told = ran(environment | {"STRATEGY_BANK_HOME": "~nosuchuser/bank"}, "list")
    assert (code, "a user who is not there" in told) == (1, True)


@pytest.fixture
def latin(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """For a bank's folder whose name is not UTF-8."""
    return environment | {"STRATEGY_BANK_HOME": os.fsdecode(os.fsencode(tmp_path) + b"/M\xfcller")}


def test_a_bank_in_a_folder_whose_name_is_not_utf8_is_refused_in_every_way_of_asking(latin: dict[str, str]) -> None:
    for words in (["list"], ["recall", "x"], ["doctor"], ["export", "-"]):
        code, told = ran(latin, *words)
        assert code == 1
        assert "is not UTF-8" in told
    with raw_server(latin) as server:
        server.initialize()
        assert "is not UTF-8" in text(call(server, "recall_strategies", task=TASK))
        summary = server.request("resources/read", '{"uri":"bank://summary"}')
        assert "is not UTF-8" in json.dumps(summary["error"])
        prompt = server.request("prompts/get", '{"name":"solve_with_strategies","arguments":{"task":"t"}}')
        assert "is not UTF-8" in json.dumps(prompt["error"])


def test_a_project_whose_name_is_not_utf8_learns_and_recalls(environment: dict[str, str], tmp_path: Path) -> None:
    project = os.fsencode(tmp_path) + b"/M\xfcller"
    os.makedirs(project + b"/.git")
    without = {key: value for key, value in environment.items() if key != "STRATEGY_BANK_SCOPE"}
    with subprocess.Popen(PROGRAM, env=without, cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        server = RawServer(process)
        server.initialize()
        told = call(server, "report_outcome", task=TASK, trajectory=TRAJECTORY, judgement=judgement())
        assert told["structuredContent"]["status"] == "learned"
        assert call(server, "recall_strategies", task=REWORDED)["structuredContent"]["strategies"]
        assert "contents" in server.request("resources/read", '{"uri":"bank://summary"}')["result"]
        process.kill()
    code, told = ran(without, "recall", REWORDED, cwd=project)
    assert (code, "Nothing in" in told) == (0, False)


def test_words_that_are_not_utf8_are_refused_and_such_files_are_not(
    environment: dict[str, str], tmp_path: Path
) -> None:
    for words in (["recall", b"M\xfcller"], ["list", "--scope", b"\xff"], [b"--scope", b"\xff", "list"]):
        code, told = ran(environment, *words)
        assert (code, "this is not UTF-8 text" in told) == (2, True)
    assert ran(environment, "export", os.fsencode(tmp_path) + b"/\xff.jsonl")[0] == 0
    assert ran(environment, "import", os.fsencode(tmp_path) + b"/\xfe.jsonl")[0] == 2


# another version of the own files


@pytest.fixture
def copied(environment: dict[str, str], tmp_path: Path) -> tuple[dict[str, str], Path]:
    """An installation of its own, for a server that runs from it."""
    place = tmp_path / "installed" / "strategy_bank"
    for name in ("server", "tools", "store"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    return environment | {"PYTHONPATH": str(place.parent), "PYTHONDONTWRITEBYTECODE": "1"}, place


def wait_for_warm_up(server: RawServer) -> None:
    assert server.process.stderr
    for line in server.process.stderr:
        if b"everything is loaded" in line:
            return


def test_a_server_goes_on_when_its_files_are_replaced(copied: tuple[dict[str, str], Path]) -> None:
    environment, place = copied
    with raw_server(environment | {"STRATEGY_BANK_LOG_LEVEL": "INFO"}) as server:
        server.initialize()
        wait_for_warm_up(server)
        for file in place.rglob("*.py"):
            file.write_text("raise RuntimeError('another version')\n")
        for file in (place / "tools" / "prompts").iterdir():
            file.write_text("$another_version")
        told = call(server, "report_outcome", task=TASK, trajectory=TRAJECTORY)
        assert told["structuredContent"]["status"] == "judgement_needed"
        told = call(server, "report_outcome", task="b", trajectory=TRAJECTORY, judgement=judgement())
        assert told["structuredContent"]["status"] == "learned"
        assert not call(server, "scale_attempts", task=TASK).get("isError")


def test_what_a_replaced_file_breaks_is_told_with_the_way_out(copied: tuple[dict[str, str], Path]) -> None:
    environment, place = copied
    with raw_server(environment) as server:
        server.initialize()
        for file in place.joinpath("tools", "safety").glob("*.toml"):
            file.write_text("another = 'version'\n")
        for file in place.rglob("*.py"):
            file.touch()
        told = call(server, "report_outcome", task=TASK, trajectory=TRAJECTORY, judgement=judgement())
        assert told["isError"]
        assert "was upgraded or removed while this process ran" in text(told)
        assert "Restart the client" in text(told)
