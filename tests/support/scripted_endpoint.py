"""An OpenAI-compatible endpoint that says what it is told to, over real HTTP, and keeps what it was asked.

    with ScriptedEndpoint() as endpoint:                  # replies come from the queue, in order
        endpoint.enqueue(says({"reason": …}), fails(503), truncated('{"reason'))
    with ScriptedEndpoint(plausible) as endpoint: # answers all prompts of this project
        settings = EndpointSettings(base_url=endpoint.base_url, …)

A test that enqueues too little gets status 418 with the reason in it.
"""

import json
import re
import sys
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Reply:
    """What goes back: a chat completion with `content`, or where set `error` or `raw` instead of it."""

    content: str | None = ""
    finish_reason: str = "stop"
    refusal: str | None = None
    status: int = 200
    error: dict[str, Any] | None = None
    raw: bytes | None = None
    delay_s: float = 0.0
    trickle_s: float = 0.0
    """Sends one space after the other, at this distance, until the server is closed."""
    hangs_up: bool = False
    location: str = ""
    """Where a redirect leads."""

    def body(self, model: str) -> bytes:
        if self.raw is not None:
            return self.raw
        if self.error is not None:
            return json.dumps({"error": self.error}).encode()
        message = {"role": "assistant", "content": self.content, "refusal": self.refusal}
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        return json.dumps({"id": "scripted", "object": "chat.completion", "model": model, "choices": [choice]}).encode()


def says(content: object, **rest: Any) -> Reply:
    """A completion with this text; anything but text goes out as JSON."""
    return Reply(content if isinstance(content, str) else json.dumps(content), **rest)


def truncated(content: str) -> Reply:
    return Reply(content, finish_reason="length")


def refuses(why: str) -> Reply:
    return Reply(None, refusal=why)


def fails(status: int, message: str = "scripted failure", param: str | None = None) -> Reply:
    return Reply(status=status, error={"message": message, "type": "scripted", "param": param, "code": None})


def slow(reply: Reply, delay_s: float) -> Reply:
    return replace(reply, delay_s=delay_s)


def hangs_up() -> Reply:
    return Reply(hangs_up=True)


def trickles(every_s: float) -> Reply:
    return Reply(trickle_s=every_s)


def garbage(raw: bytes = b"<html>not what you wanted</html>") -> Reply:
    return Reply(raw=raw)


@dataclass(frozen=True)
class Request:
    """One request as it arrived; header names in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def orders(self) -> str:
        return self.body["messages"][0]["content"]

    @property
    def data(self) -> str:
        return self.body["messages"][1]["content"]

    @property
    def last(self) -> str:
        return self.body["messages"][-1]["content"]

    @property
    def kind(self) -> str:
        """Name of the prompt file; with `/repair` behind it where a correction is asked for."""
        repair = "/repair" if len(self.body["messages"]) > 2 and _first_line(self.last) == _headings()["repair"] else ""
        name = next((name for name, line in _headings().items() if line == _first_line(self.orders)), "unknown")
        return name + repair

    @property
    def format(self) -> str:
        return self.body.get("response_format", {}).get("type", "none")


Responder = Callable[[Request], Reply]


class ScriptedEndpoint:
    """Context manager. Without a responder replies come from the queue. `requests` are in order."""

    def __init__(self, responder: Responder | None = None) -> None:
        self.requests: list[Request] = []
        self.closing = Event()
        self._responder = responder or self._next
        self._queue: deque[Reply] = deque()
        self._lock = Lock()
        self._server = _Server(self)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def kinds(self) -> list[str]:
        return [request.kind for request in self.requests]

    @property
    def unsent(self) -> int:
        return len(self._queue)

    def enqueue(self, *replies: Reply) -> None:
        self._queue.extend(replies)

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
        return self._responder(request)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _next(self, request: Request) -> Reply:
        with self._lock:
            if self._queue:
                return self._queue.popleft()
        return fails(418, f"nothing was enqueued for this {request.kind} request")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, endpoint: ScriptedEndpoint) -> None:
        self.endpoint = endpoint
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone away, as after its timeout, is part of the script."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        assert isinstance(self.server, _Server)
        endpoint = self.server.endpoint
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = endpoint.answer(Request(self.path, headers, body))
        endpoint.closing.wait(reply.delay_s)
        if reply.hangs_up:
            self.close_connection = True
            return
        payload = reply.body(str(body.get("model")))
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        if reply.location:
            self.send_header("Location", reply.location)
        self.send_header("Content-Length", str(len(payload) + (1_000_000 if reply.trickle_s else 0)))
        self.end_headers()
        while reply.trickle_s and not endpoint.closing.wait(reply.trickle_s):
            self.wfile.write(b" ")
        self.wfile.write(payload)

    do_GET = do_POST  # what a redirect makes of a request

    def log_message(self, format: str, *args: Any) -> None:
        """Tests are quiet."""


def plausible(request: Request) -> Reply:
    """A believable answer to any prompt of this project, always the same one; evidence is really quoted.

    An attempt counts as a failure where its last lines speak of a failure.
    """
    kind = request.kind.partition("/")[0]
    if kind == "judge":
        return says(_verdict(_section(request.data, "trajectory")))
    if kind == "best_of_n":
        numbers = re.findall(r"^<attempt_(\d+)>$", request.data, re.MULTILINE)
        succeeded = re.findall(r"^Attempt (\d+), judged a success:$", request.data, re.MULTILINE)
        best = int((succeeded or numbers)[0])
        return says({"analysis": "It reached the goal with the fewest idle steps.", "best_attempt": best})
    if kind in ("extract_success", "extract_failure", "contrast"):
        return says({"analysis": f"What decided it, by {kind}.", "strategies": [_lesson(kind, request.data)]})
    return fails(418, f"no plausible answer to a {request.kind} request")


def _verdict(trajectory: str) -> dict[str, Any]:
    lines = [line.strip() for line in trajectory.splitlines() if len(line.strip()) > 3]
    quotable = [line[:200] for line in lines if "&lt;" not in line and "…" not in line]
    failed = re.search(r"fail|error|traceback|not found|gave up", " ".join(lines[-3:]), re.IGNORECASE)
    verdict = "failure" if failed else "success"
    return {"reason": f"The last steps show a {verdict}.", "verdict": verdict, "evidence": quotable[-1:]}


_SITUATIONS = (
    "a parser",
    "a retry loop",
    "a cache",
    "a database migration",
    "a flaky test",
    "a date conversion",
)
_ACTIONS = (
    "reproduce the fault",
    "read the whole message",
    "compare with a working case",
    "write down the invariant",
)
_CHECKS = (
    "before changing anything",
    "before trusting the result",
    "after every change",
    "before reporting back",
)


def _lesson(kind: str, data: str) -> dict[str, str]:
    """One of 96 general lessons, chosen by the task and the kind of prompt."""
    number = zlib.crc32(f"{kind}{_section(data, 'task')}".encode())
    situation, action, check = (
        words[number // place % len(words)] for words, place in ((_SITUATIONS, 1), (_ACTIONS, 6), (_CHECKS, 24))
    )
    return {
        "title": f"With {situation}, {action} {check}",
        "description": f"Applies when {situation} behaves differently from what was expected.",
        "content": f"First {action} {check}. It shows early what guessing would hide.",
    }


def _section(data: str, kind: str) -> str:
    found = re.search(rf"<{kind}>\n(.*?)\n</{kind}>", data, re.DOTALL)
    return re.sub("^> ", "", found.group(1), flags=re.MULTILINE) if found else ""


def _headings() -> dict[str, str]:
    """Prompt name → first line, by which it is recognised."""
    if not _HEADINGS:
        for file in files("strategy_bank.tools").joinpath("prompts").iterdir():
            _HEADINGS[file.name.removesuffix(".md")] = _first_line(file.read_text("utf-8"))
    return _HEADINGS


_HEADINGS: dict[str, str] = {}


def _first_line(text: str) -> str:
    return text.partition("\n")[0].strip()
