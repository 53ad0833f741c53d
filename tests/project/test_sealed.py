"""Nothing leaves the machine, and nothing is written beside the bank: tried in a network namespace that leads nowhere."""

import json
import shutil
import subprocess
import sys
from typing import Any

import click
import pytest

from strategy_bank.server.cli.main import cli
from tests.support.places import ROOT
from tests.support.processes.sealed import SPARE

SECONDS = 30
"""How long the server runs: onnxruntime 1.32 sends its first telemetry 11 to 25 s after its start, unless it is told not to."""
OURS = ("user/.local/share/strategy-bank/", "user/.claude/projects/work/session.jsonl")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    sealed = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
    if (
        not shutil.which("unshare")
        or subprocess.run([*sealed, "mount", "-t", "tmpfs", "x", "/mnt"], capture_output=True).returncode
    ):
        pytest.skip("this machine makes no network namespaces for this user")
    command = [
        *sealed,
        sys.executable,
        "-m",
        "tests.support.processes.sealed",
        str(tmp_path_factory.mktemp("sealed")),
        str(SECONDS),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


pytestmark = pytest.mark.slow


def test_the_trap_catches_what_is_sent(seen: dict[str, Any]) -> None:
    assert SPARE in seen["trap"]
    assert seen["provoked"] == seen["carded"]


def test_a_server_and_every_command_work_without_a_network(seen: dict[str, Any]) -> None:
    assert set(click.Context(cli).command.list_commands(click.Context(cli))) <= set(seen["ran"])  # type: ignore[attr-defined]
    # nothing of what these are for is there: an endpoint
    assert set(seen["failed"]) <= {"distill --limit 1"}
    assert [answer["result"].get("isError", False) for answer in seen["answers"]] == [False] * 3


def test_no_name_is_looked_up_and_no_packet_leaves(seen: dict[str, Any]) -> None:
    assert seen["names"] == []
    assert seen["packets"] == 0


def test_no_file_is_written_beside_the_bank(seen: dict[str, Any]) -> None:
    assert [file for file in seen["files"] if not file.startswith(OURS)] == []
