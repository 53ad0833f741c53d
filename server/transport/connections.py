"""Connections over HTTP, within bounds: no more than there are open files for, and none that waits for long without a token.

uvicorn waits for ever for the first request of a connection, and its limit on connections only changes the answer. So whoever
opens connections and says nothing would take all the files that the process may open.
"""

import asyncio  # noqa: TID251 uvicorn's protocol is one of asyncio
import logging
import os
import time
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

from strategy_bank.server.transport.door import LET_IN

MOST = 512
AT_ONCE = 16
"""Connections that are accepted before the bound on their number is looked at."""
WITHOUT_TOKEN_S = 10.0
TOLD_AGAIN_S = 10.0
_ENDLESS = ((b"mcp-method", b"subscriptions/listen"), (b"accept", b"text/event-stream"))
"""Headers of requests whose answer has no end: of the protocol, and of a page that follows the bank."""


def most_connections() -> int:
    """Return how many connections are kept: a quarter of the files that this process may open leaves enough for the bank."""
    if os.name != "posix":
        return MOST
    import resource

    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if soft == resource.RLIM_INFINITY else max(1, min(MOST, soft // 4))


class SeldomWithoutFiles(logging.Filter):
    """Lets asyncio tell once in a while that no file is left for a connection, instead of a hundred times a second.

    Each came with a traceback, and whoever does not read standard error would stop the server with a full pipe.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        if "out of system resource" not in str(record.msg):
            return True
        record.exc_info, now = None, time.monotonic()
        if now - self._told < TOLD_AGAIN_S:
            return False
        self._told = now
        return True


class BoundedConnection(H11Protocol):
    """A connection that has to show the token in time, request after request, and else makes room for others."""

    waiting: ClassVar[dict["BoundedConnection", asyncio.TimerHandle]] = {}
    """Those that have shown no token since their last answer, the longest wait first."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > most_connections():
            surplus = next(iter(self.waiting))
            surplus._stop_waiting()
            surplus.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        answered = self.cycle
        super().handle_events()
        if self.cycle is not answered:  # the head of a request has come, and its task has not begun
            self.cycle.scope.setdefault("state", {})[LET_IN] = self._stop_waiting

    def shutdown(self) -> None:
        """End what has no end of its own, and let other answers end by themselves."""
        super().shutdown()
        if any(header in (self.headers or []) for header in _ENDLESS):
            self.transport.close()

    def on_response_complete(self) -> None:
        self._wait()
        super().on_response_complete()

    def _wait(self) -> None:
        self._stop_waiting()
        self.waiting[self] = self.loop.call_later(WITHOUT_TOKEN_S, self.transport.abort)

    def _stop_waiting(self) -> None:
        if timer := self.waiting.pop(self, None):
            timer.cancel()
