"""Who is let in over HTTP: the path, the method, the token, and the Host and Origin headers are looked at, in this order.

Without a token a request learns whether the server is well, that nothing but /mcp is here, and that it needs the token. So
clients do not take a 401 of another path for a place to log in.
"""

import hmac
from collections.abc import Collection
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response

from strategy_bank.server.transport.host_names import HostNames
from strategy_bank.server.transport.token import CurrentToken

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PATH, HEALTH = "/mcp", "/healthz"
LET_IN = "let_in"
"""What a connection puts into the state of its requests: to be called once the token was the right one."""


class Door:
    """Lets a request pass that may. `methods` are those of /mcp, `names` host names besides those of this machine.

    The SDK's `TokenVerifier` requires an OAuth issuer, which a token from a file does not have, and its check of Host takes
    whatever begins with a known name and a port.
    """

    def __init__(self, app: "ASGIApp", token: CurrentToken, methods: Collection[str], names: Collection[str]) -> None:
        self.app = app
        self._token = token
        self._methods = methods
        self._names = HostNames(names)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" and scope["path"] != HEALTH else None
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, scope: "Scope") -> Response | None:
        headers = Headers(scope=scope)
        if scope["path"] != PATH:
            return _error(404, f"There is nothing here; the server is at {PATH}.")
        if scope["method"] == "OPTIONS":
            return Response(status_code=204, headers=self._allow())
        if not self._shows_token(headers):
            told = "This needs the header `Authorization: Bearer TOKEN` with the token of the server."
            return _error(401, told, {"WWW-Authenticate": "Bearer"})
        scope.get("state", {}).get(LET_IN, lambda: None)()
        if headers.get("host", "") not in self._names:
            return _error(421, "This server has another name; STRATEGY_BANK_HTTP_HOSTS lists those besides localhost.")
        if not self._comes_from_here(headers.get("origin")):
            return _error(403, "Pages of other sites may not use this server.")
        return None if scope["method"] in self._methods else Response(status_code=405, headers=self._allow())

    def _allow(self) -> dict[str, str]:
        return {"Allow": ", ".join([*self._methods, "OPTIONS"])}

    def _shows_token(self, headers: Headers) -> bool:
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        token = self._token()
        right = hmac.compare_digest(shown.strip().encode(), token.encode())
        return bool(token) and scheme.lower() == "bearer" and right

    def _comes_from_here(self, origin: str | None) -> bool:
        """Tell whether a page may ask. Programs send no Origin."""
        scheme, _, authority = (origin or "").partition("://")
        return not origin or (scheme in ("http", "https") and authority in self._names)


def _error(status: int, told: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": told}, status, headers)
