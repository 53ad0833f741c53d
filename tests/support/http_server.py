"""A real server over HTTP on a free port, and clients that reach it."""

import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.support.processes.raw_server import SERVER

TOKEN = "a token that only tests know"
ASKS = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
ACCEPTS = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}


class Served:
    """A server that listens: what it said on standard error until then, and where it is reached."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr
        self.process, said = process, []
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"Listening at (http://\S+)", line):
                self.url = found[1]
                break
        self.said = "".join(said)
        assert "Listening" in self.said, self.said

    def get(self, path: str = "", **headers: str) -> httpx2.Response:
        return httpx2.get(self.url.removesuffix("/mcp") + path, headers=headers, timeout=30)

    def post(self, **headers: str) -> httpx2.Response:
        """One request of the older era, with the headers of a browser or of an attacker."""
        return httpx2.post(self.url, json=ASKS, headers=ACCEPTS | headers, timeout=30)


@contextmanager
def serving(environment: dict[str, str], *options: str, token: str = TOKEN) -> Iterator[Served]:
    process = subprocess.Popen(
        [*SERVER, "--http", "--port", "0", *options],
        env=environment | ({"STRATEGY_BANK_HTTP_TOKEN": token} if token else {}),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Served(process)
        finally:
            process.kill()


@asynccontextmanager
async def reached(url: str, era: str, token: str = TOKEN) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=era) as client,
    ):
        yield client
