"""A server ends when its client is gone, also where another process still holds the pipe of its input: here, the test."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="parents as POSIX has them")]

SILENCE_S = 1.0
SERVER = f"""
import os, sys, time
while sys.argv[1:] and os.getppid() == int(sys.argv[1]):  # only if it is to start without its parent
    time.sleep(0.01)
from strategy_bank.server.mcp.app import create_server
from strategy_bank.server.settings import Settings
from strategy_bank.server.transport.stdio import end_input_on_signals
server = create_server(Settings.read(os.environ))
end_input_on_signals({SILENCE_S})
server.run("stdio")
"""
WAITING_CLIENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
LEAVING_CLIENT = "import os, subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1], str(os.getpid())])"


class Held:
    """A server whose input this test holds, while another process, the client, is its parent."""

    def __init__(self, client: subprocess.Popen[bytes]) -> None:
        self.client = client

    def answers(self) -> bool:
        """Return whether a ping is answered. False means that the server has ended."""
        assert self.client.stdin
        assert self.client.stdout
        try:
            self.client.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
            self.client.stdin.flush()
        except BrokenPipeError:
            return False
        line = self.client.stdout.readline()
        return bool(line) and json.loads(line)["id"] == 1

    def ended_within(self, seconds: float) -> bool:
        assert self.client.stdout
        return bool(select.select([self.client.stdout], [], [], seconds)[0]) and not self.client.stdout.read()


@pytest.fixture
def held(environment: dict[str, str]) -> Iterator[Callable[[str], Held]]:
    started: list[Any] = []

    def start(client: str) -> Held:
        command = [sys.executable, "-c", client, SERVER]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        started.append(process)
        server = Held(process)
        assert server.answers()
        return server

    yield start
    for process in started:
        process.kill()
        process.stdin.close()  # now nobody holds it
        process.stdout.read()  # to the server's end
        process.stdout.close()
        process.wait()


def test_a_server_whose_client_was_killed_ends_though_another_process_holds_its_input(
    held: Callable[[str], Held],
) -> None:
    server = held(WAITING_CLIENT)
    server.client.kill()
    assert server.ended_within(30)


def test_a_server_whose_client_lives_waits_however_long_nothing_is_said(held: Callable[[str], Held]) -> None:
    server = held(WAITING_CLIENT)
    assert not server.ended_within(SILENCE_S * 4)
    assert server.answers()


def test_a_server_that_still_gets_lines_goes_on_without_its_parent(held: Callable[[str], Held]) -> None:
    server = held(WAITING_CLIENT)
    server.client.kill()
    until = time.monotonic() + SILENCE_S * 4
    while time.monotonic() < until:
        assert server.answers()
        assert not server.ended_within(SILENCE_S / 5)
    assert server.ended_within(30)


def test_a_server_that_never_had_a_parent_waits_however_long_nothing_is_said(held: Callable[[str], Held]) -> None:
    server = held(LEAVING_CLIENT)
    assert not server.ended_within(SILENCE_S * 4)
    assert server.answers()
