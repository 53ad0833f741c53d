"""`strategy-bank serve --http`: one process that many clients reach over streamable HTTP, each with the token.

Stateless, so nothing is kept between two requests but the bank. A request is looked at from outside in: its token, its Host
and Origin headers (against web pages that reach for servers on this machine), then the protocol, of either era.
"""

import hmac
import os
import secrets
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from strategy_bank.server.mcp.app_state import State
from strategy_bank.server.settings import Settings
from strategy_bank.store.errors import BankUnavailable, InvalidInput

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

PATH, HEALTH = "/mcp", "/healthz"
TOKEN_FILE = "http-token"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_LARGEST_BODY = 16 * 1024 * 1024
"""Bytes: a trajectory of 2 MB is cut, not refused, however its JSON escapes it."""
_LAST_ANSWERS_S = 8
"""Seconds for the answers under way when a signal comes; container engines wait for ten."""


def serve_http(server: MCPServer[State], given: Settings, host: str, port: int, say: Callable[[str], None]) -> int:
    """Serve until SIGTERM or SIGINT, whose number comes back. Port 0 takes a free one.

    Raises:
        InvalidInput: the address is taken, or may not be used like this.
        BankUnavailable: there is no token, and none can be made.
    """
    names = allowed_names(given, host)
    app = http_app(server, token_of(given, say), names)
    return serve_app(app, listen(host, port), given.log_level, say)


def serve_app(app: "Starlette", listening: socket.socket, log_level: str, say: Callable[[str], None]) -> int:
    """Serve at a socket until SIGTERM or SIGINT, whose number comes back; the answers under way are still given."""
    import uvicorn
    from sse_starlette.sse import AppStatus

    AppStatus.disable_automatic_graceful_drain()  # which would cut off the streams on which those answers go
    say(f"Listening at {_url(listening)} (Ctrl-C ends it)")
    came = remember_signals()
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level=log_level.lower(),
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
    )
    uvicorn.Server(config).run(sockets=[listening])
    return came[0] if came else 0


def http_app(server: MCPServer[State], token: str, names: Sequence[str] = (), *, stateless: bool = True) -> "Starlette":
    """The ASGI application: the protocol at /mcp for who has the token, and /healthz, which tells nothing, for all.

    `names` are host names besides those of this machine.
    """

    @server.custom_route(HEALTH, methods=["GET"])
    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    app = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=stateless,
        max_request_body_size=_LARGEST_BODY,
        transport_security=_only_from(names),
    )
    if stateless:
        app.add_middleware(OnlyPosts)
    app.add_middleware(BearerToken, token=token)
    return app


class BearerToken:
    """Lets a request pass that carries the one token.

    The SDK's `TokenVerifier` comes with `AuthSettings`, that is with an OAuth issuer, which a token from a file does not have:
    clients that were pointed to one would look for a place to log in.
    """

    def __init__(self, app: "ASGIApp", token: str) -> None:
        self.app = app
        self.token = token.encode()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http" or scope["path"] == HEALTH or self._may_pass(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        error = {"error": "This needs the header `Authorization: Bearer TOKEN` with the token of the server."}
        await JSONResponse(error, 401, {"WWW-Authenticate": "Bearer"})(scope, receive, send)

    def _may_pass(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self.token)


class OnlyPosts:
    """Without sessions there is nothing to GET: a stream on which nothing comes, and which would hold up the server's end."""

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        refused = scope["type"] == "http" and scope["path"] == PATH and scope["method"] != "POST"
        await (Response(status_code=405, headers={"Allow": "POST"}) if refused else self.app)(scope, receive, send)


def allowed_names(given: Settings, host: str) -> list[str]:
    """The host names of the settings. Raises InvalidInput where others could reach the server and it is not said how."""
    names = [name.strip() for name in given.http_hosts.split(",") if name.strip()]
    if not _is_loopback(host) and not (given.http_token and names):
        raise InvalidInput(
            f"Other machines reach {host}. Set STRATEGY_BANK_HTTP_TOKEN, a secret that clients have to show, and "
            "STRATEGY_BANK_HTTP_HOSTS, the host names they may use, with commas in between."
        )
    return names


def token_of(given: Settings, say: Callable[[str], None]) -> str:
    """The token of the settings; else that in the file in the bank's home, made when there is none."""
    if given.http_token:
        return given.http_token.get_secret_value()
    given.location.prepare()
    file = given.location.home / TOKEN_FILE
    try:
        token = _read_or_make(file)
    except (OSError, UnicodeError) as exc:
        raise BankUnavailable(f"The token in {file} cannot be read ({exc}). Remove the file to get a new one.") from exc
    if not token:
        raise BankUnavailable(f"{file} holds no token. Remove the file to get a new one.")
    say(f"Clients need the token in {file}")
    return token


def _read_or_make(file: Path) -> str:
    with suppress(FileExistsError):
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "w") as made:
            made.write(f"{secrets.token_urlsafe(32)}\n")
    return file.read_text("utf-8").strip()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises InvalidInput."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as exc:
        advice = "Choose another port with --port; 0 takes a free one."
        raise InvalidInput(f"{host}, port {port}, cannot be used: {exc.strerror or exc}. {advice}") from exc


def remember_signals() -> list[int]:
    """SIGTERM and SIGINT are only remembered from here on: uvicorn obeys them while it runs, and raises them again after."""
    came: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        came.append(number)

    signal.signal(signal.SIGINT, remember)
    signal.signal(signal.SIGTERM, remember)
    return came


def _only_from(names: Sequence[str]) -> TransportSecuritySettings:
    hosts = [*(f"{name}:*" for name in _LOOPBACK), *names, *(f"{name}:*" for name in names)]
    origins = [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _url(listening: socket.socket) -> str:
    address: tuple[Any, ...] = listening.getsockname()
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"http://{host}:{address[1]}{PATH}"
