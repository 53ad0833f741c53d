"""A command that is told to end while it writes a file leaves nothing half done behind."""

import signal
import subprocess
import time
from pathlib import Path

import pytest
from filelock import FileLock

from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Strategy
from tests.support.records import episode, lesson, put
from tests.support.shell import Shell

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows ends a process without telling it")
ENDED = {signal.SIGTERM: 128 + signal.SIGTERM, signal.SIGINT: 130}


@pytest.fixture
def shell(home: Path, environment: dict[str, str]) -> Shell:
    shell = Shell(home, environment)
    shell.inside(lambda bank: put(bank, lesson(1)))
    return shell


def ended(process: subprocess.Popen[str], folder: Path, pattern: str, number: int) -> None:
    """Send a signal as soon as there is a file or folder of this name, and see that the process ends by it in order."""
    deadline = time.monotonic() + 60
    while not list(folder.glob(pattern)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == ENDED[signal.Signals(number)], told
    assert "Traceback" not in told
    assert list(folder.glob(pattern)) == []


async def _much(bank: Bank) -> None:
    trajectory = "[1] text: done\n" * 100_000
    async with bank.lock.hold():
        await bank.add_all([episode(number).model_copy(update={"trajectory": trajectory}) for number in range(20)])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["export", "backup"])
def test_no_hidden_copy_is_left(shell: Shell, tmp_path: Path, command: str, number: int) -> None:
    shell.inside(_much)  # for which an export takes its time
    with FileLock(shell.home / "bank.lock"):  # a backup waits for it
        ended(shell.start(command, str(tmp_path / "copy")), tmp_path, ".copy.*", number)
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_restore_leaves_the_bank_and_no_scratch(shell: Shell, tmp_path: Path, number: int) -> None:
    shell("backup", str(tmp_path / "bank.zip"))
    shell.inside(lambda bank: put(bank, lesson(2)))
    with FileLock(shell.home / "bank.lock"):  # the tables are replaced under it
        ended(shell.start("restore", str(tmp_path / "bank.zip"), "--yes"), shell.home, ".restore-*", number)
    assert [each.id for each in shell.inside(lambda bank: bank.all(Strategy))] == ["st_1", "st_2"]


def test_a_killed_restore_before_the_change_leaves_the_bank_and_the_next_one_tidies_up(
    shell: Shell, tmp_path: Path
) -> None:
    shell("backup", str(tmp_path / "bank.zip"))
    shell.inside(lambda bank: put(bank, lesson(2)))
    (shell.home / ".restore-abc").mkdir()  # as a killed one leaves it
    shell("restore", str(tmp_path / "bank.zip"), "--yes")
    assert [each.id for each in shell.inside(lambda bank: bank.all(Strategy))] == ["st_1"]
    assert list(shell.home.glob(".restore-*")) == []
