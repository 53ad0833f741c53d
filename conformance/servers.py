"""The servers that are judged, each on a bank of its own."""

import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance import node

STDIO = [sys.executable, "-m", "strategy_bank.server", "serve"]
INSTALLED = [*STDIO, "--http", "--port", "0"]
WITH_FIXTURES = [sys.executable, str(node.HERE / "fixtures.py")]


@contextmanager
def bank() -> Iterator[dict[str, str]]:
    """The environment of a server on a throw-away bank."""
    with tempfile.TemporaryDirectory(prefix="strategy-bank-", ignore_cleanup_errors=True) as home:
        yield node.environment(STRATEGY_BANK_HOME=home, STRATEGY_BANK_SCOPE="conformance", PYTHONWARNINGS="ignore")


@contextmanager
def over_http(command: list[str]) -> Iterator[tuple[str, str]]:
    """Where it is reached, and its token."""
    token = secrets.token_urlsafe(32)
    with (
        bank() as environment,
        tempfile.NamedTemporaryFile("w") as log,
        subprocess.Popen(command, env=environment | {"STRATEGY_BANK_HTTP_TOKEN": token}, stderr=log) as process,
    ):
        try:
            yield _address(process, Path(log.name)), token
        finally:
            process.terminate()


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if found := re.search(r"Listening at (\S+)", log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise node.Failed(f"The server did not start: {log.read_text()}")
