"""The command line as a test uses it: commands in this process or in one of their own, and a look into the bank."""

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from click.testing import CliRunner, Result

from strategy_bank.server.cli.main import cli
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.location import Location
from tests.support.processes.interruptible import start

T = TypeVar("T")
PROGRAM = [sys.executable, "-m", "strategy_bank.server"]


class Shell:
    """Runs commands in this process on the bank at `home`, and looks into that bank."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.home = home
        self.environment = environment

    def __call__(self, *words: str, input: str = "", code: int = 0, **changes: str) -> Result:
        cleared = {name: None for name in os.environ if name.startswith("STRATEGY_BANK_")}
        env = cleared | {"STRATEGY_BANK_HOME": str(self.home)} | changes
        result = CliRunner().invoke(cli, words, input=input, env=env)
        assert result.exit_code == code, (result.output, result.exception)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json").stdout)

    def inside(self, action: Callable[[Bank], Awaitable[T]]) -> T:
        async def run() -> T:
            bank = await Bank.open(Location(self.home))
            try:
                return await action(bank)
            finally:
                await bank.close()

        return anyio.run(run)

    def ids(self) -> list[str]:
        return [each["id"] for each in self.json("list", "--status", "all")]

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        return start([*PROGRAM, *words], env=self.environment, text=True, **pipes)


async def run(settings: Settings, *words: str, answers: str = "") -> Result:
    """A command on the bank of these settings, in a thread of its own, since it begins an event loop."""
    command = ["--home", str(settings.home), *words]
    return await anyio.to_thread.run_sync(lambda: CliRunner().invoke(cli, command, input=answers))


async def output(settings: Settings, *words: str) -> str:
    """Standard output of such a command, which must succeed."""
    told = await run(settings, *words)
    assert told.exit_code == 0, told.output
    return told.stdout
