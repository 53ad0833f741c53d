"""A model that says what a script wants, over the APIs of Anthropic (Messages), OpenAI (Responses) and Google (Gemini).

with ScriptedModel(script) as model:        # script: the conversation as JSON text -> Call, or words to end with
    run_client(base_url=model.base_url)
model.heard                                 # the conversation as it was sent, request by request
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Call:
    """Of a tool whose advertised name ends so."""

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])


_SAID = ("messages", "input", "contents")
"""The conversation, in each of the three."""

Turn = Call | str
Script = Callable[[str], Turn]


class ScriptedModel:
    """Context manager. Requests that offer no tools, like those for a title, get empty words and are not `heard`."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.heard: list[str] = []
        self._server = _Server(self)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, path: str, request: dict[str, Any]) -> tuple[str, bytes]:
        """Content type and body."""
        turn: Turn = "{}"
        if request.get("tools"):
            text = json.dumps({part: request[part] for part in _SAID if part in request}, ensure_ascii=False)
            self.heard.append(text)
            turn = self.script(text)
        number = f"{len(self.heard)}"
        if "/v1beta/" in path:
            return _gemini(turn, request, stream="stream" in path)
        if path.startswith("/v1/responses"):
            return _stream(_responses(turn, request, number))
        events = _messages(turn, request, number)
        return _stream(events) if request.get("stream") else _json(_whole_message(events))

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _messages(turn: Turn, request: dict[str, Any], number: str) -> list[dict[str, Any]]:
    """https://docs.anthropic.com/en/api/messages-streaming"""
    if isinstance(turn, str):
        block, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": turn}
    else:
        name = next(t["name"] for t in request["tools"] if t["name"].endswith(turn.tool))
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(turn.arguments)}
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": request["model"], "usage": usage}
    why = {"stop_reason": "end_turn" if isinstance(turn, str) else "tool_use", "stop_sequence": None}
    return [
        {"type": "message_start", "message": message | {"content": [], "stop_reason": None, "stop_sequence": None}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": why, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]


def _whole_message(events: list[dict[str, Any]]) -> dict[str, Any]:
    block, delta = events[1]["content_block"], events[2]["delta"]
    said = {"text": delta["text"]} if "text" in delta else {"input": json.loads(delta["partial_json"])}
    return events[0]["message"] | events[4]["delta"] | {"content": [block | said]}


def _responses(turn: Turn, request: dict[str, Any], number: str) -> list[dict[str, Any]]:
    """https://platform.openai.com/docs/api-reference/responses-streaming"""
    if isinstance(turn, str):
        words = {"type": "output_text", "text": turn, "annotations": []}
        item = {"type": "message", "id": f"msg_{number}", "role": "assistant", "content": [words]}
    else:
        item = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}"}
        item |= {"arguments": json.dumps(turn.arguments)} | _function(turn.tool, request["tools"])
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    usage |= {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    response = {"id": f"resp_{number}", "object": "response", "status": "in_progress", "output": []}
    return [
        {"type": "response.created", "response": response},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {
            "type": "response.completed",
            "response": response | {"status": "completed", "output": [item], "usage": usage},
        },
    ]


def _function(tool: str, offered: list[dict[str, Any]]) -> dict[str, str]:
    """Its name, and the namespace that it stands in."""
    for entry in offered:
        if entry["type"] == "namespace" and any(inner["name"] == tool for inner in entry["tools"]):
            return {"name": tool, "namespace": entry["name"]}
    return {"name": next(entry["name"] for entry in offered if entry.get("name") == tool)}


def _gemini(turn: Turn, request: dict[str, Any], *, stream: bool) -> tuple[str, bytes]:
    """https://ai.google.dev/api/generate-content"""
    if isinstance(turn, str):
        part: dict[str, Any] = {"text": turn}
    else:
        offered = [f["name"] for tools in request["tools"] for f in tools.get("functionDeclarations", [])]
        part = {"functionCall": {"name": next(n for n in offered if n.endswith(turn.tool)), "args": turn.arguments}}
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    whole = {"candidates": [candidate], "usageMetadata": usage}
    return _stream([whole]) if stream else _json(whole)


def _json(body: dict[str, Any]) -> tuple[str, bytes]:
    return "application/json", json.dumps(body).encode()


def _stream(events: list[dict[str, Any]]) -> tuple[str, bytes]:
    return "text/event-stream", "".join(_event_lines(events)).encode()


def _event_lines(events: list[dict[str, Any]]) -> Iterator[str]:
    for event in events:
        if "type" in event:
            yield f"event: {event['type']}\n"
        yield f"data: {json.dumps(event)}\n\n"


class _Server(ThreadingHTTPServer):
    def __init__(self, model: ScriptedModel) -> None:
        self.model = model
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        self._send(*self.server.model.answer(self.path, request))

    def do_GET(self) -> None:
        self._send("application/json", b'{"data": [], "models": []}')

    def do_HEAD(self) -> None:
        self._send("application/json", b"")

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""
