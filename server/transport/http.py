"""`strategy-bank serve --http`: one process that many clients reach over streamable HTTP, each with the token.

The server is stateless: only the bank lasts from one request to the next. Each request is checked from outside in: its token,
its Host and Origin headers (against web pages that reach for servers on this machine), then the protocol, of either era.
"""

import hmac
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from strategy_bank.server.mcp.app_state import State
from strategy_bank.server.settings import Settings
from strategy_bank.server.transport.signals import on_ending_signals
from strategy_bank.store.errors import BankUnavailable, InvalidInput

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

PATH, HEALTH = "/mcp", "/healthz"
TOKEN_FILE = "http-token"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# A trajectory above 2 MB is cut, not refused, however its JSON escapes it.
_LARGEST_BODY_BYTES = 16 * 1024 * 1024
# For the answers under way when a signal comes; container engines wait for ten seconds.
_LAST_ANSWERS_S = 8


def serve_http(server: MCPServer[State], settings: Settings, host: str, port: int, say: Callable[[str], None]) -> int:
    """Serve until a signal ends it, and return the signal's number. Port 0 takes a free one.

    Raises:
        InvalidInput: the address is taken or may not be used like this.
        BankUnavailable: there is no token, and none can be made.
    """
    names = allowed_names(settings, host)
    app = http_app(server, token_of(settings, say), names)
    return serve_app(app, listen(host, port), settings.log_level, say)


def serve_app(app: "Starlette", listening: socket.socket, log_level: str, say: Callable[[str], None]) -> int:
    """Serve at a socket until a signal ends it, finish the answers under way, and return the signal's number."""
    import uvicorn
    from sse_starlette.sse import AppStatus

    AppStatus.disable_automatic_graceful_drain()  # it would cut off the streams that carry those answers
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
    server, came = uvicorn.Server(config), list[int]()

    def end(number: int) -> None:
        came.append(number)
        server.should_exit = True

    on_ending_signals(end)  # uvicorn has handlers of its own while it runs, and raises what they got again afterwards
    say(f"Listening at {_url(listening)} (Ctrl-C ends it)")
    server.run(sockets=[listening])
    return came[0] if came else 0


def http_app(server: MCPServer[State], token: str, names: Sequence[str] = (), *, stateless: bool = True) -> "Starlette":
    """Build the ASGI application: the protocol at /mcp for clients with the token, and /healthz, which tells nothing, for all.

    `names` are host names besides those of this machine.
    """

    @server.custom_route(HEALTH, methods=["GET"])
    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    app = server.streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=stateless,
        max_request_body_size=_LARGEST_BODY_BYTES,
        transport_security=_only_from(names),
    )
    if stateless:
        app.add_middleware(OnlyPosts)
    app.add_middleware(BearerToken, token=token)
    return app


class BearerToken:
    """Lets a request pass that carries the one token.

    The SDK's `TokenVerifier` requires an OAuth issuer, which a token from a file does not have: clients that were pointed to
    one would look for a place to log in.
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
    """Refuses GET: without sessions it would open a stream on which nothing comes and which holds up the server's end."""

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        refused = scope["type"] == "http" and scope["path"] == PATH and scope["method"] != "POST"
        await (Response(status_code=405, headers={"Allow": "POST"}) if refused else self.app)(scope, receive, send)


def allowed_names(settings: Settings, host: str) -> list[str]:
    """Return the host names of the settings. Raises InvalidInput where other machines need them, and a token, to be set."""
    names = [name.strip() for name in settings.http_hosts.split(",") if name.strip()]
    if not _is_loopback(host) and not (settings.http_token and names):
        raise InvalidInput(
            f"Other machines reach {host}. Set STRATEGY_BANK_HTTP_TOKEN, a secret that clients have to show, and "
            "STRATEGY_BANK_HTTP_HOSTS, the host names they may use, with commas in between."
        )
    return names


def token_of(settings: Settings, say: Callable[[str], None]) -> str:
    """Return the token of the settings, else that of the file in the bank's home, which is made when missing."""
    if settings.http_token:
        return settings.http_token.get_secret_value()
    settings.location.prepare()
    file = settings.location.home / TOKEN_FILE
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
    """Return a listening socket. Raises InvalidInput."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as exc:
        advice = "Choose another port with --port; 0 takes a free one."
        raise InvalidInput(f"{host}, port {port}, cannot be used: {exc.strerror or exc}. {advice}") from exc


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
