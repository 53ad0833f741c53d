"""A real server over stdio that a test talks to line by line."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SERVER = [sys.executable, "-m", "strategy_bank.server", "serve"]


@contextmanager
def raw_server(environment: dict[str, str]) -> Iterator["RawServer"]:
    with subprocess.Popen(
        SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        server = RawServer(process)
        try:
            yield server
        finally:
            process.kill()


class RawServer:
    """Lines in, lines out: what no well-behaved client would send."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.id = 0

    def send(self, line: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """The next message; whatever is on stdout must be one."""
        assert self.process.stdout
        message = json.loads(self.process.stdout.readline())
        assert message["jsonrpc"] == "2.0"
        return message

    def request(self, method: str, params: str = "{}") -> dict[str, Any]:
        self.id += 1
        self.send(b'{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}' % (self.id, method.encode(), params.encode()))
        while (message := self.receive()).get("id") != self.id:
            pass
        return message

    def initialize(self) -> dict[str, Any]:
        answer = self.request(
            "initialize",
            '{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}',
        )
        self.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        return answer

    def report(self, trajectory_json: str) -> dict[str, Any]:
        arguments = f'{{"task":"t","trajectory":{trajectory_json}}}'
        return self.request("tools/call", f'{{"name":"report_outcome","arguments":{arguments}}}')["result"]
