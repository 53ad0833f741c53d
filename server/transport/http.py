"""`strategy-bank serve --http`: one process that many clients reach over streamable HTTP, each with the token.

The server is stateless: only the bank lasts from one request to the next. Each request is checked from outside in: its token,
its Host and Origin headers (against web pages that reach for servers on this machine), then the protocol, of either era.
"""

import logging
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from strategy_bank.server.mcp.app_state import State
from strategy_bank.server.settings import Settings
from strategy_bank.server.transport.body import LARGEST_BYTES, WholeBody
from strategy_bank.server.transport.door import HEALTH, PATH, Door
from strategy_bank.server.transport.host_names import is_loopback
from strategy_bank.server.transport.signals import on_ending_signals
from strategy_bank.server.transport.token import CurrentToken, token_of
from strategy_bank.store.errors import InvalidInput

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

# For the answers under way when a signal comes; container engines wait for ten seconds.
_LAST_ANSWERS_S = 7


def serve_http(
    server: MCPServer[State],
    settings: Settings,
    host: str,
    port: int,
    say: Callable[[str], None],
    beside: "Callable[[str, Sequence[str]], ASGIApp] | None" = None,
) -> int:
    """Serve until a signal ends it, and return the signal's number. Port 0 takes a free one.

    `beside` makes, of the server's address and its names, what answers at all paths but those of the protocol.

    Raises:
        InvalidInput: the address is taken or may not be used like this.
        BankUnavailable: there is no token, and none can be made.
    """
    names = allowed_names(settings, host)
    app: ASGIApp = http_app(server, token_of(settings, say), names)
    listening = listen(host, port)
    if beside:
        app = _Both(app, beside(address_of(listening, names), names))
    return serve_app(app, listening, settings.log_level, say)


class _Both:
    """Two applications at one address: the protocol at its paths, and another at all others."""

    def __init__(self, protocol: "ASGIApp", other: "ASGIApp") -> None:
        self._protocol, self._other = protocol, other

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        is_protocol = scope["type"] == "lifespan" or scope["path"] in (PATH, HEALTH)
        await (self._protocol if is_protocol else self._other)(scope, receive, send)


def serve_app(
    app: "ASGIApp", listening: socket.socket, log_level: str, say: Callable[[str], None], path: str = PATH
) -> int:
    """Serve at a socket until a signal ends it, finish the answers under way, and return the signal's number."""
    import uvicorn
    from sse_starlette.sse import AppStatus

    from strategy_bank.server.transport.connections import AT_ONCE, BoundedConnection, SeldomWithoutFiles

    logging.getLogger("asyncio").addFilter(SeldomWithoutFiles())
    AppStatus.disable_automatic_graceful_drain()  # it would cut off the streams that carry those answers
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level=log_level.lower(),
        access_log=False,
        server_header=False,
        http=BoundedConnection,
        backlog=AT_ONCE,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
    )
    server, came = uvicorn.Server(config), list[int]()

    def end(number: int) -> None:
        came.append(number)
        server.should_exit = True

    on_ending_signals(end)  # uvicorn has handlers of its own while it runs, and raises what they got again afterwards
    say(f"Listening at {address_of(listening)}{path} (Ctrl-C ends it)")
    server.run(sockets=[listening])
    return came[0] if came else 0


def http_app(
    server: MCPServer[State], token: CurrentToken, names: Sequence[str] = (), *, stateless: bool = True
) -> "Starlette":
    """Build the ASGI application: the protocol at /mcp for clients with the token, and /healthz, which tells nothing, for all.

    `names` are host names besides those of this machine. Without sessions, GET would open a stream on which nothing comes and
    which holds up the server's end.
    """

    @server.custom_route(HEALTH, methods=["GET"])
    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    app = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=stateless,
        max_request_body_size=LARGEST_BYTES,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # the door does it
    )
    app.add_middleware(WholeBody)
    app.add_middleware(Door, token=token, methods=["POST"] if stateless else ["POST", "GET", "DELETE"], names=names)
    return app


def allowed_names(settings: Settings, host: str) -> list[str]:
    """Return the host names of the settings. Raises InvalidInput where other machines need them, and a token, to be set."""
    names = [name.strip() for name in settings.http_hosts.split(",") if name.strip()]
    if not is_loopback(host) and not (settings.http_token and names):
        raise InvalidInput(
            f"Other machines reach {host}. Set STRATEGY_BANK_HTTP_TOKEN, a secret that clients have to show, and "
            "STRATEGY_BANK_HTTP_HOSTS, the host names they may use, with commas in between."
        )
    return names


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises InvalidInput."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
        # asyncio does so only for sockets that name their protocol; without it a second piece waits 40 ms for the first
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as exc:
        advice = "Choose another port with --port; 0 takes a free one."
        raise InvalidInput(f"{host}, port {port}, cannot be used: {exc.strerror or exc}. {advice}") from exc


def address_of(listening: socket.socket, names: Sequence[str] = ()) -> str:
    """Return the address of a server; where other machines reach it, with the first of its names."""
    address: tuple[Any, ...] = listening.getsockname()
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    if names and not is_loopback(address[0]):
        host = names[0]
    return f"http://{host}:{address[1]}"
