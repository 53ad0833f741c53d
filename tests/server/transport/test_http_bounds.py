"""`serve --http` among clients that hold on to connections, send half a request or never end one."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import httpx2
import pytest

from strategy_bank.server.transport.connections import WITHOUT_TOKEN_S
from tests.support.http_server import ACCEPTS, TOKEN, Served, serving
from tests.support.samples import REWORDED

resource = pytest.importorskip("resource")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="sets the limits of another process"),
]
FILES = 64
KEY = {"Authorization": f"Bearer {TOKEN}"}
_META = "io.modelcontextprotocol/"
TODAY = {
    f"{_META}protocolVersion": "2026-07-28",
    f"{_META}clientInfo": {"name": "test", "version": "1"},
    f"{_META}clientCapabilities": {},
}


def asked(url: str, method: str, **params: Any) -> dict[str, Any]:
    """A request of today's protocol."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": TODAY}}
    headers = ACCEPTS | KEY | {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
    if "name" in params:
        headers["Mcp-Name"] = params["name"]
    return {"method": "POST", "url": url, "json": body, "headers": headers}


def recall(server: Served) -> httpx2.Response:
    wanted = asked(server.url, "tools/call", name="recall_strategies", arguments={"task": REWORDED})
    return httpx2.request(**wanted, timeout=60)


@contextmanager
def idle(server: Served, number: int, said: bytes = b"") -> Generator[list[socket.socket]]:
    """Connections without a token that say this much and then nothing."""
    host, port = server.url.removeprefix("http://").removesuffix("/mcp").split(":")
    with ExitStack() as stack:
        opened = [stack.enter_context(socket.create_connection((host, int(port)), 30)) for _ in range(number)]
        for each in opened:
            each.sendall(said)
        yield opened


@contextmanager
def serving_with_few_files(environment: dict[str, str]) -> Generator[Served]:
    with serving(environment) as server:
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        yield server


HALVES = {
    "nothing": b"",
    "half a head": b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n",
    "half a body": b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
    "a request whose answer nobody reads": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000,
}


@pytest.mark.parametrize("said", HALVES.values(), ids=HALVES)
def test_connections_that_show_no_token_keep_nobody_out(environment: dict[str, str], said: bytes) -> None:
    with serving_with_few_files(environment) as server:
        assert recall(server).status_code == 200
        with idle(server, 3 * FILES, said):
            assert server.get("/healthz").status_code == 200
            assert recall(server).status_code == 200
        assert server.get("/healthz").status_code == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=10) == 143


@pytest.mark.parametrize("said", HALVES.values(), ids=HALVES)
def test_a_connection_that_shows_no_token_is_closed_in_time(environment: dict[str, str], said: bytes) -> None:
    with serving(environment) as server, idle(server, 1, said) as (connection,):
        began = time.monotonic()
        connection.settimeout(3 * WITHOUT_TOKEN_S)
        with suppress(ConnectionResetError):
            while connection.recv(65_536):
                pass
        assert time.monotonic() - began < 2 * WITHOUT_TOKEN_S


def test_a_server_that_ran_out_of_files_goes_on_when_there_are_some_again(environment: dict[str, str]) -> None:
    with serving(environment) as server:
        assert recall(server).status_code == 200
        in_use = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (in_use, FILES))
        with idle(server, 10), pytest.raises(httpx2.TransportError):
            httpx2.get(server.url.replace("/mcp", "/healthz"), timeout=3)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        assert server.get("/healthz").status_code == 200
        assert recall(server).status_code == 200


def test_a_signal_ends_a_server_with_many_open_streams_in_time(environment: dict[str, str]) -> None:
    with serving(environment) as server, ExitStack() as streams:
        client = streams.enter_context(httpx2.Client(timeout=30, limits=httpx2.Limits(max_connections=200)))
        for _ in range(100):
            wanted = asked(server.url, "subscriptions/listen", notifications={})
            assert streams.enter_context(client.stream(**wanted)).status_code == 200
        server.process.send_signal(signal.SIGTERM)
        try:
            assert server.process.wait(timeout=10) == 143
        except subprocess.TimeoutExpired:
            pytest.fail("it takes more than the ten seconds of a container engine")
