"""Reads the body of a request before the protocol does: whole, in time, not too large, and mended as a line of stdio is."""

from typing import TYPE_CHECKING

import anyio
from starlette.responses import JSONResponse

from strategy_bank.server.transport.line_repair import repair

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A trajectory above 2 MB is cut, not refused, however its JSON escapes it.
LARGEST_BYTES = 16 * 1024 * 1024
IN_TIME_S = 60.0
_CLOSING = {"Connection": "close"}


class WholeBody:
    """Hands a request on with its whole body."""

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        try:
            with anyio.fail_after(IN_TIME_S):
                body = await _read(receive)
        except TimeoutError:
            await JSONResponse({"error": "The body took too long."}, 408, _CLOSING)(scope, receive, send)
            return
        if body is None:
            told = {"error": f"The body is larger than {LARGEST_BYTES:,} bytes."}
            await JSONResponse(told, 413, _CLOSING)(scope, receive, send)
            return
        await self.app(scope, _again(repair(body), receive), send)


async def _read(receive: "Receive") -> bytes | None:
    """Return the body, as far as it came; None where it is too large."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST_BYTES:
            return None
    return bytes(body)


def _again(body: bytes, receive: "Receive") -> "Receive":
    """Return a `receive` that gives the body at once, and then what comes."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> "Message":
        return first.pop() if first else await receive()

    return again
