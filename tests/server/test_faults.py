"""A full disk, missing rights, damaged files: a clear error with the way out, and nothing is made worse.

The faults are real: a small file system, a limit of the system, a read-only mount, folders without rights, damaged files.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from click.testing import CliRunner, Result
from mcp import Client, MCPError, StdioServerParameters

from bench.support.processes import child_running
from strategy_bank.server.cli.main import cli
from strategy_bank.store.bank import Bank
from strategy_bank.store.location import Location
from strategy_bank.store.os_errors import bank_trouble
from strategy_bank.tools.episodes.record import Report
from strategy_bank.tools.judging.judge import AgentJudge
from strategy_bank.tools.judging.judgement import Judgement
from strategy_bank.tools.report_outcome import report_outcome
from strategy_bank.tools.scopes.registry import Scope
from tests.support.processes.raw_server import raw_server
from tests.support.samples import REWORDED, TASK, TRAJECTORY, call, judgement, refusal, report

resource = pytest.importorskip("resource")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.anyio,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="makes the faults with what Linux offers"),
]
SERVER = [sys.executable, "-m", "strategy_bank.server"]
POWERLESS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-all"]
"""Before a command: root without the power to pass over permissions."""
BYTES = 16 << 20
UNMOUNTS = 20
Switch = Callable[[bool], None]
"""Makes a fault, or takes it away."""


def connected(environment: dict[str, str], prefix: list[str]) -> Client:
    command = [*prefix, *SERVER, "serve"]
    return Client(StdioServerParameters(command=command[0], args=command[1:], env=environment))


COMMANDS = """
import json, sys
from click.testing import CliRunner
from strategy_bank.server.cli.main import cli
runs = [CliRunner().invoke(cli, words) for words in json.loads(sys.argv[1])]
surprises = [run.exception for run in runs if run.exception and not isinstance(run.exception, SystemExit)]
print(json.dumps([surprises and repr(surprises), [[run.exit_code, run.output] for run in runs]]))
"""


def run(environment: dict[str, str], prefix: list[str], *commands: list[str]) -> list[tuple[int, str]]:
    """Exit code and output of commands, in one process of their own; each must end in an expected way."""
    process = [*prefix, sys.executable, "-c", COMMANDS, json.dumps(commands)]
    done = subprocess.run(process, env=environment, capture_output=True, text=True, timeout=200)
    surprises, results = json.loads(done.stdout)
    assert not surprises
    return [(code, output) for code, output in results]


def command(home: Path, *words: str) -> Result:
    """A command in this process; it must end in an expected way."""
    result = CliRunner().invoke(cli, list(words), env={"STRATEGY_BANK_HOME": str(home)})
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def stuff(home: Path) -> None:
    """Take all the room there is."""
    with (home / "stuffing").open("wb", buffering=0) as file:
        while shutil.disk_usage(home).free:
            with suppress(OSError):
                file.write(bytes(4096))


def files(home: Path) -> dict[str, str]:
    """Every file of the bank with its digest."""
    found = [file for file in (home / "bank.lance").rglob("*") if file.is_file()]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in found}


async def fill(home: Path) -> None:
    """A bank with the lesson of TASK."""
    bank = await Bank.open(Location(home))
    told = Report(
        scope=Scope("project"), task=TASK, trajectory=TRAJECTORY, judgement=Judgement.model_validate(judgement())
    )
    assert (await report_outcome(bank, AgentJudge(), told)).status == "learned"
    await bank.close()


async def recalls(client: Client) -> bool:
    return bool((await call(client, "recall_strategies", task=REWORDED))["strategies"])


def unmount(place: Path) -> None:
    """Unmount all that is mounted there: when nobody uses it any more, or after a while in any case."""
    for _ in range(UNMOUNTS):
        while subprocess.run(["umount", str(place)], capture_output=True).returncode == 0:
            pass
        if not os.path.ismount(place):
            return
        time.sleep(0.1)
    while subprocess.run(["umount", "-l", str(place)], capture_output=True).returncode == 0:
        pass


def test_what_somebody_still_uses_is_unmounted_too(home: Path, mounted: Callable[..., None]) -> None:
    mounted("-t", "tmpfs", "tmpfs")
    with (home / "open").open("w"):
        unmount(home)
        assert not os.path.ismount(home)


@pytest.fixture
def mounted(home: Path) -> Iterator[Callable[..., None]]:
    """Mounts something on `home`; skips where that is not allowed. The model is there again afterwards."""
    models = (home / "models").resolve()

    def mount(*arguments: str) -> None:
        done = subprocess.run(["mount", *arguments, str(home)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
        if not (home / "models").exists():
            (home / "models").symlink_to(models, target_is_directory=True)

    yield mount
    unmount(home)
    assert not os.path.ismount(home)


@pytest.fixture(params=["small file system", "limit on files"])
def full(request: pytest.FixtureRequest, home: Path, mounted: Callable[..., None]) -> Switch:
    """A disk without room, for a server that runs already."""
    if request.param == "limit on files":

        def limit(on: bool) -> None:
            server = child_running("strategy_bank.server")
            assert server
            resource.prlimit(
                server, resource.RLIMIT_FSIZE, (0 if on else resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            )

        return limit
    mounted("-t", "tmpfs", "-o", f"size={BYTES},mode=700", "tmpfs")

    return lambda on: stuff(home) if on else (home / "stuffing").unlink()


async def test_without_room_reading_goes_on_and_reports_are_refused_until_there_is_some(
    environment: dict[str, str], home: Path, full: Switch
) -> None:
    async with connected(environment, []) as client:
        first = await report(client)
        full(True)
        before = files(home)
        assert await recalls(client)
        for tool, arguments in (
            ("report_outcome", {"task": "another", "trajectory": TRAJECTORY, "judgement": judgement()}),
            ("scale_attempts", {"task": "another"}),
        ):
            told = await refusal(client, tool, **arguments)
            assert str(home) in told
            assert "no room left" in told
            assert "make room" in told
        assert await recalls(client)
        assert files(home) == before
        full(False)
        assert (await report(client, task="another"))["status"] == "learned"
        assert (await call(client, "report_outcome", episode_id=first["episode_id"]))["status"] == "learned"


async def test_on_a_full_disk_the_command_line_reads_and_says_what_is_wrong(
    environment: dict[str, str], home: Path, mounted: Callable[..., None]
) -> None:
    mounted("-t", "tmpfs", "-o", f"size={BYTES},mode=700", "tmpfs")
    await fill(home)
    stuff(home)
    before, beside = files(home), home.parent
    lesson = {
        "title": "Read the log first",
        "description": "When it fails.",
        "content": "Read it.",
        "outcome": "failure",
    }
    (beside / "new.jsonl").write_text(json.dumps({"kind": "strategy", "id": "st_1"} | lesson))
    imported, recalled, saved, doctor = run(
        environment,
        [],
        ["import", f"{beside}/new.jsonl"],
        ["recall", REWORDED],
        ["backup", f"{beside}/b.zip"],
        ["doctor"],
    )
    assert imported[0] == 1
    assert "no room left" in imported[1]
    assert str(home) in imported[1]
    assert recalled[0] == 0
    assert "Detect the encoding" in recalled[1]
    assert saved[0] == 0
    assert doctor[0] == 1
    assert "fail disk" in doctor[1]
    assert files(home) == before


@pytest.fixture(params=["mounted read-only", "without the right to write", "of another user"])
def closed(request: pytest.FixtureRequest, home: Path, mounted: Callable[..., None]) -> tuple[list[str], Switch]:
    """What to put before a command, and the switch of the fault."""
    if request.param == "mounted read-only":
        mounted("--bind", str(home))
        return [], lambda on: mounted("-o", f"remount,bind,{'ro' if on else 'rw'}")
    root = os.getuid() == 0
    if root and subprocess.run([*POWERLESS, "true"], capture_output=True).returncode:
        pytest.skip("root cannot do without its powers here")
    if request.param == "without the right to write":
        return POWERLESS if root else [], lambda on: _everywhere(
            home, lambda path: path.chmod((path.stat().st_mode & 0o500) | (0 if on else 0o200))
        )
    if not root:
        pytest.skip("only root can give a folder to another user")
    return POWERLESS, lambda on: _everywhere(home, lambda path: os.chown(path, *(65534, 65534) if on else (0, 0)))


def _everywhere(home: Path, change: Callable[[Path], None]) -> None:
    for path in [*home.glob("bank.*"), *(home / "bank.lance").rglob("*"), home]:
        change(path)


async def test_without_rights_nothing_is_changed_and_all_works_again_when_they_are_back(
    environment: dict[str, str], home: Path, closed: tuple[list[str], Switch], request: pytest.FixtureRequest
) -> None:
    await fill(home)
    prefix, switch = closed
    readable = "another user" not in request.node.callspec.id
    switch(True)
    before = files(home)
    recalled, retired, doctor = run(environment, prefix, ["recall", REWORDED], ["retire", "st_1"], ["doctor"])
    assert (recalled[0], "Detect the encoding" in recalled[1]) == ((0, True) if readable else (1, False))
    assert ("could not be noted" if readable else str(home)) in recalled[1]
    assert retired[0] == 1
    assert doctor[0] == 1
    assert f"{home} is not writable" in doctor[1]
    async with connected(environment, prefix) as client:
        if readable:
            assert await recalls(client)
        told = await refusal(client, "report_outcome", task="another", trajectory=TRAJECTORY, judgement=judgement())
        assert str(home) in told
        assert "may not write" in told
        assert "STRATEGY_BANK_HOME" in told
        assert ("belongs to user" in told) != readable
        assert len((await client.list_tools()).tools) == 3
        assert files(home) == before
        switch(False)
        assert (await report(client, task="another"))["status"] == "learned"
        assert await recalls(client)


def test_a_server_that_may_not_write_ends_without_a_traceback(
    environment: dict[str, str], home: Path, mounted: Callable[..., None]
) -> None:
    anyio.run(fill, home)
    mounted("--bind", str(home))
    mounted("-o", "remount,bind,ro")
    with raw_server(environment) as server:
        server.initialize()
        server.request("tools/call", '{"name":"recall_strategies","arguments":{"task":"Repair the import"}}')
        _, told = server.process.communicate(timeout=60)
    assert server.process.returncode == 0
    assert b"WARNING" in told
    assert b"Which strategies were shown could not" in told  # the log wraps its lines
    assert b"Traceback" not in told


# damage


def _overwritten(file: Path) -> None:
    file.write_bytes(os.urandom(file.stat().st_size))


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


DAMAGES: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "rows overwritten": ("strategies.lance/data/*", _overwritten),
    "rows cut short": ("episodes.lance/data/*", _cut),
    "rows missing": ("episodes.lance/data/*", Path.unlink),
    "versions overwritten": ("strategies.lance/_versions/*", _overwritten),
    "versions empty": ("runs.lance/_versions/*", lambda file: file.write_bytes(b"")),
    "versions missing": ("episodes.lance/_versions", shutil.rmtree),
    "table missing": ("strategies.lance", shutil.rmtree),
    "format overwritten": ("meta.lance/data/*", _overwritten),
}


def damage(home: Path, kind: str) -> None:
    pattern, harm = DAMAGES[kind]
    found = list((home / "bank.lance").glob(pattern))
    assert found
    for path in found:
        harm(path)


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_bank_is_named_with_the_way_out_and_left_as_it_is(home: Path, kind: str) -> None:
    anyio.run(fill, home)
    damage(home, kind)
    before = files(home)
    for words in (["doctor"], ["export", "-"]):
        result = command(home, *words)
        assert result.exit_code == 1
        assert f"The bank at {home / 'bank.lance'} seems to be damaged" in result.output
        assert f"rename '{home / 'bank.lance'}' to '{home / 'bank.lance'}.damaged'" in result.output
        assert "strategy-bank restore FILE" in result.output
    assert files(home) == before


@pytest.mark.parametrize("kind", ["rows overwritten", "versions overwritten"])
async def test_a_server_on_a_damaged_bank_says_so_and_the_way_out_leads_out(
    environment: dict[str, str], home: Path, kind: str
) -> None:
    await fill(home)
    backup = str(home.parent / "backup.zip")
    assert (await anyio.to_thread.run_sync(command, home, "backup", backup)).exit_code == 0
    damage(home, kind)
    async with connected(environment, []) as client:
        told = await refusal(client, "recall_strategies", task=REWORDED)
        assert "strategy-bank restore FILE" in told
        with pytest.raises(MCPError, match="seems to be damaged"):
            await client.read_resource("bank://summary")
        assert len((await client.list_tools()).tools) == 3
    (home / "bank.lance").rename(home / "bank.lance.damaged")  # as the message says
    assert (await anyio.to_thread.run_sync(command, home, "restore", "--yes", backup)).exit_code == 0
    async with connected(environment, []) as client:
        assert await recalls(client)


def test_a_damaged_index_loses_nothing_and_is_built_anew_as_the_message_says(home: Path) -> None:
    anyio.run(fill, home)
    for folder in (home / "bank.lance" / "strategies.lance" / "_indices").iterdir():
        shutil.rmtree(folder)
    naming = [
        "recall",
        "--scope",
        "project",
        f"{REWORDED} It says UnicodeDecodeError.",
    ]  # so the index of words is read
    refused = command(home, *naming)
    assert refused.exit_code == 1
    assert "strategy-bank models use NAME" in refused.output
    assert command(home, "models", "use", "all-MiniLM-L6-v2-int8").exit_code == 0
    assert "Detect the encoding" in command(home, *naming).output


def test_a_damaged_model_is_replaced_and_where_it_cannot_be_its_folder_is_named(
    home: Path, models_dir: Path, mounted: Callable[..., None]
) -> None:
    (home / "models").unlink()
    shutil.copytree(models_dir, home / "models")
    (model,) = home.glob("models/*/model.onnx")
    _cut(model)
    anyio.run(fill, home)
    assert (
        hashlib.sha256(model.read_bytes()).digest()
        == hashlib.sha256(next(models_dir.glob("*/model.onnx")).read_bytes()).digest()
    )
    _cut(model)
    mounted("--bind", str(home))
    mounted("-o", "remount,bind,ro")
    refused = command(home, "recall", REWORDED)
    assert refused.exit_code == 1
    assert str(model.parent) in refused.output
    assert "may not write" in refused.output


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("lance error: LanceError(IO): Disk quota exceeded (os error 122), /x/y.rs:1:2", "make room"),
        ("Retryable commit conflict for version 3", "could not be read or written: Retryable commit conflict"),
        ("dispatch failure (os error 110)", "the credentials in the environment"),
        ("", "ValueError"),
    ],
)
def test_other_troubles_are_told_in_the_words_of_the_system(said: str, expected: str) -> None:
    told = bank_trouble("s3://bucket/bank", ValueError(said))
    assert expected in told
    assert ".rs:" not in told
    assert "damaged" not in told
