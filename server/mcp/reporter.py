"""Who reports, and by which connection: what MCP and HTTP say of a caller besides what an agent can write.

stdio has one client, so the process is the session. Over HTTP without sessions of MCP's own, one is what a client with the same
token, address, program and project sends within a day: whoever works there for months is not one witness for all that time.
"""

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from mcp.server.context import ServerRequestContext

from strategy_bank.server.mcp.app_state import Caller, State
from strategy_bank.store.records import now
from strategy_bank.tools.episodes.reporter import Reporter

if TYPE_CHECKING:
    from starlette.requests import Request


def reporter_of(request: ServerRequestContext[State, Any], caller: Caller, transcript_of: str = "") -> Reporter:
    """Return who reports; `transcript_of` is the client whose transcript the report is."""
    sessions, client = request.lifespan_context.sessions, _client(request)
    if not client.startswith(transcript_of):
        client = transcript_of
    if request.request is None:
        return Reporter(client, sessions.id_of(None))
    return Reporter(client, sessions.id_of(_over_http(request.request, _client(request), caller)), shares=True)


def _client(request: ServerRequestContext[State, Any]) -> str:
    params = request.session.client_params
    return f"{params.client_info.name} {params.client_info.version}" if params else ""


def _over_http(request: "Request", client: str, caller: Caller) -> Hashable:
    address = request.client.host if request.client else ""
    return request.headers.get("authorization"), address, client, caller, now().date()
