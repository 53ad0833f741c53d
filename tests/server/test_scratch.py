"""Where TMPDIR is gone, or somebody else has taken a name in it: the scratch files of libraries lie in the bank's folder."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.processes.raw_server import RawServer, raw_server
from tests.support.samples import REWORDED, TASK, TRAJECTORY, judgement

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="TMPDIR as Linux has it"),
]


def learns_and_recalls(server: RawServer, task: str) -> bool:
    arguments = {"task": task, "trajectory": TRAJECTORY, "judgement": judgement()}
    for name, given in (("report_outcome", arguments), ("recall_strategies", {"task": REWORDED})):
        result = server.request("tools/call", json.dumps({"name": name, "arguments": given}))["result"]
        assert not result.get("isError"), result
    return True


FAULTS: dict[str, Callable[[Path], object]] = {
    "gone": lambda place: None,
    "a file": Path.touch,
    "taken names": lambda place: (place.mkdir(), (place / "fastembed_cache").touch()),
    "dangling links": lambda place: (place.mkdir(), (place / "fastembed_cache").symlink_to("/nowhere/at/all")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_tmpdir_is_a_new_bank_learns_and_recalls(
    environment: dict[str, str], tmp_path: Path, fault: str
) -> None:
    place = tmp_path / "temporary"
    FAULTS[fault](place)
    with raw_server(environment | {"TMPDIR": str(place)}) as server:
        server.initialize()
        assert learns_and_recalls(server, TASK)
    assert {path.name for path in place.iterdir()} <= {"fastembed_cache"} if place.is_dir() else True


def test_a_tmpdir_that_vanishes_while_a_server_runs_is_not_missed(environment: dict[str, str], tmp_path: Path) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    with raw_server(environment | {"TMPDIR": str(place)}) as server:
        server.initialize()
        assert learns_and_recalls(server, TASK)
        shutil.rmtree(place)
        assert learns_and_recalls(server, f"{TASK} Again, and better.")


def test_scratch_files_go_with_their_process_and_those_of_a_killed_one_with_the_next(
    environment: dict[str, str], home: Path
) -> None:
    with raw_server(environment) as killed, raw_server(environment) as other:
        for server in (killed, other):
            server.initialize()
            assert learns_and_recalls(server, TASK)
        assert len(os.listdir(home / "tmp")) == 2
        killed.process.send_signal(signal.SIGKILL)
        killed.process.wait()
        command = [sys.executable, "-m", "strategy_bank.server", "recall", TASK]
        assert subprocess.run(command, env=environment, capture_output=True, timeout=120).returncode == 0
        assert len(os.listdir(home / "tmp")) == 1
        assert learns_and_recalls(other, f"{TASK} Again, and better.")


@pytest.mark.parametrize("words", [["doctor"], ["demo"], ["import", "-"]], ids=lambda words: words[0])
def test_a_command_makes_nothing_in_tmpdir_not_even_for_a_moment(
    environment: dict[str, str], home: Path, tmp_path: Path, words: list[str]
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    changed = place.stat().st_mtime_ns
    small = "import sys; from strategy_bank.tools.sharing import import_file; import_file._IN_MEMORY = 10;"
    start = f"{small} from strategy_bank.server.__main__ import main; main()"
    line = {"title": "Listen", "description": "When it fits.", "content": "Do what it says.", "outcome": "success"}
    command = [sys.executable, "-c", start, *words]
    done = subprocess.run(
        command,
        env=environment | {"TMPDIR": str(place)},
        input=json.dumps(line).encode(),
        capture_output=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert place.stat().st_mtime_ns == changed, os.listdir(place)
    assert os.listdir(home / "tmp") == []


def test_where_the_home_takes_no_scratch_files_doctor_tries_elsewhere_and_says_so(
    environment: dict[str, str], home: Path, tmp_path: Path
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    (home / "tmp").touch()
    command = [sys.executable, "-m", "strategy_bank.server", "doctor"]
    done = subprocess.run(
        command, env=environment | {"TMPDIR": str(place)}, capture_output=True, text=True, timeout=120
    )
    assert "takes no scratch files" in done.stdout
    assert str(place) in done.stdout
    assert done.returncode == 0, done.stdout
