"""How a test connects a client to a server in its own process."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from mcp import Client

ERAS = ["auto", "legacy"]
"""2026-07-28, and the protocol with `initialize`."""
Connect = Callable[..., AbstractAsyncContextManager[Client]]
