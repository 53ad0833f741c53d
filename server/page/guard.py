"""Who is let in to the page, and what a browser may do with it.

Each request is looked at from outside in: its name of this server, whether a page of ours sent what changes something, and
whether the person has signed in. Nothing that a page shows may run, load from elsewhere, or be put into a frame.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from strategy_bank.server.page.passes import Passes
from strategy_bank.server.transport.door import LET_IN
from strategy_bank.server.transport.host_names import HostNames

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SIGN_IN, STATIC = "/sign-in", "/static/"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_READS = ("GET", "HEAD")


@dataclass(frozen=True)
class Guard:
    """Lets a request pass that may. Where `may_change` is false, none that changes something does."""

    app: "ASGIApp"
    sessions: Passes
    cookie: str
    names: HostNames
    may_change: bool

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def guarded(message: "Message") -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await (self._refusal(scope) or self.app)(scope, receive, guarded)

    def _refusal(self, scope: "Scope") -> Response | None:
        headers, path, reads = Headers(scope=scope), scope["path"], scope["method"] in _READS
        if headers.get("host", "") not in self.names:
            return _refused(
                421, "This server has another name; STRATEGY_BANK_HTTP_HOSTS lists those besides localhost."
            )
        if not reads and scope["method"] != "POST":
            return _refused(405, "This page is read and sent forms, and nothing else.")
        if not reads and not _is_ours(headers, scope["scheme"]):
            return _refused(403, "Pages of other sites may not change anything here.")
        if path.startswith(STATIC) or path == SIGN_IN:
            return None
        if not self.sessions.is_good(session_of(headers, self.cookie)):
            return _to_sign_in(scope) if reads else _refused(401, f"You are not signed in. Open {SIGN_IN}.")
        scope.get("state", {}).get(LET_IN, lambda: None)()
        if not reads and not self.may_change and not asks_only(path):
            return _refused(
                403, "This page is for reading only. `strategy-bank page` opens one on which you can decide."
            )
        return None


def asks_only(path: str) -> bool:
    """Tell whether what is sent to an address changes nothing: a question that is too long for an address, or leaving."""
    return path in ("/ask", "/ask.json", "/bank/doctor", "/sign-out")


def session_of(headers: Mapping[str, str], cookie: str) -> str:
    """Return the session that a browser shows; empty without one."""
    try:
        return SimpleCookie(headers.get("cookie", ""))[cookie].value
    except (CookieError, KeyError):
        return ""


def _is_ours(headers: Headers, scheme: str) -> bool:
    """Tell whether a page of this server sends the request. A browser says so itself; an older one names the origin.

    Another server on this machine is the same site, but not the same origin.
    """
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    return headers.get("origin") == f"{scheme}://{headers.get('host', '')}"


def _to_sign_in(scope: "Scope") -> Response:
    asked = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
    return RedirectResponse(SIGN_IN if asked == "/" else f"{SIGN_IN}?next={quote(asked, safe='')}", 303)


def _refused(status: int, told: str) -> Response:
    return PlainTextResponse(f"{told}\n", status)
