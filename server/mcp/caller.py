"""Whose project a call belongs to: what the caller says counts, then where this process was started.

settings: scope ─▶ HTTP: headers or query ─▶ the client's roots ─▶ stdio: its variables ─▶ stdio: the working directory
"""

from collections.abc import Iterable
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import anyio
from mcp import MCPError
from mcp.server.context import CallNext, ServerRequestContext
from mcp.server.mcpserver import Context, ListRoots, Resolve
from mcp.types import ListRootsRequest, ListRootsResult
from mcp_types.version import is_version_at_least
from pydantic import ValidationError

from strategy_bank.server.mcp.app_state import Caller, State
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import GLOBAL_SCOPE
from strategy_bank.tools.scopes.registry import Scope
from strategy_bank.tools.scopes.workspace import Workspace, printable_name, workspace_of

if TYPE_CHECKING:
    from starlette.requests import Request


SCOPE_HEADER, PROJECT_HEADER = "strategy-bank-scope", "strategy-bank-project"
_ROOTS_CHANGED = "notifications/roots/list_changed"
_NO_REQUESTS_TO_CLIENTS = "2026-07-28"  # since this version, a server asks by an answer that requires input
_LONGEST_WAIT_S = 3  # for a client that offers roots
_request: ContextVar[ServerRequestContext[State, Any] | None] = ContextVar("request", default=None)


async def keep_request(ctx: ServerRequestContext[State, Any], call_next: CallNext) -> Any:
    """Let resources, prompts and completions, which get no context, find out who asks."""
    if ctx.method == _ROOTS_CHANGED:
        ctx.lifespan_context.caller = None
    kept = _request.set(ctx)
    try:
        return await call_next(ctx)
    finally:
        _request.reset(kept)


async def roots_of(ctx: Context[State, Any]) -> ListRoots | ListRootsResult | None:
    """Ask the client for its roots, where it offers them and they decide."""
    request = ctx.request_context
    if not _roots_decide(request):
        return None
    if is_version_at_least(request.protocol_version, _NO_REQUESTS_TO_CLIENTS):
        return ListRoots()
    return await _ask(request)


async def caller_of(ctx: Context[State, Any], roots: Annotated[ListRootsResult | None, Resolve(roots_of)]) -> Caller:
    """Return whose call of a tool this is. Raises InvalidInput."""
    return _caller(ctx.request_context, roots)


async def this_caller() -> Caller:
    """Return whose request for anything but a tool this is. Raises InvalidInput."""
    request = _request.get()
    assert request, "called outside of a request"
    asks = _roots_decide(request) and not is_version_at_least(request.protocol_version, _NO_REQUESTS_TO_CLIENTS)
    return _caller(request, await _ask(request) if asks else None, is_sure=asks)


async def scope_of_call(
    state: State, caller: Caller, asked: str | None, *, claim: bool = False
) -> tuple[Scope, list[str]]:
    """Return the scope that a call of a tool works in, and a warning where an agent asks for one that it cannot write to.

    Raises InvalidInput where it asks for another project's, which only a setting or a person opens to it.
    """
    own, asked = await state.scope_of(caller, claim=claim), printable_name(asked or "")
    if not asked or asked in own.owned:
        return own, []
    if state.settings.other_scopes:
        return Scope(asked, apart=state.settings.projects_apart), []
    if asked == GLOBAL_SCOPE:
        return own, [
            f"This went to {own.name}: a lesson gets global once {'' if own.apart else 'a second project teaches it, or '}a "
            "person moves it."
        ]
    raise InvalidInput(
        f"This connection works in the scope {own.name!r} and reads {GLOBAL_SCOPE!r} beside it. Leave out scope. "
        "A person chooses another one with `serve --scope`, or over HTTP with the header Strategy-Bank-Scope."
    )


def _roots_decide(request: ServerRequestContext[State, Any]) -> bool:
    state, offered = request.lifespan_context, request.session.client_capabilities
    told = state.settings.scope or state.caller or _said_over_http(request.request)
    return not told and offered is not None and offered.roots is not None


async def _ask(request: ServerRequestContext[State, Any]) -> ListRootsResult | None:
    """Return the roots of a client that takes requests; None where it does not answer."""
    if not request.session.can_send_request:
        return None
    with anyio.move_on_after(_LONGEST_WAIT_S):
        try:
            return await request.session.send_request(ListRootsRequest(), ListRootsResult)
        except (MCPError, ValidationError):
            return None
    return None


def _caller(
    request: ServerRequestContext[State, Any], roots: ListRootsResult | None, *, is_sure: bool = True
) -> Caller:
    state = request.lifespan_context
    said = _said_over_http(request.request)
    if fixed := state.settings.scope:
        if said and said != Caller(fixed):
            raise InvalidInput(
                f"This server works in the scope {fixed!r} only. Leave out the header or parameter that names another."
            )
        return Caller(fixed)
    if said:
        return said
    named = [_folder_of(str(root.uri)) for root in roots.roots] if roots else []
    if request.request is not None:  # over HTTP, where this process stands says nothing about the caller
        return Caller(workspace=_first(named))
    if state.caller is None:
        found = Caller(workspace=_first([*named, *state.settings.project_folders]) or workspace_of(Path.cwd()))
        if not is_sure:
            return found
        state.caller = found
    return state.caller


def _said_over_http(request: "Request | None") -> Caller | None:
    """Return the scope or the project that a request names in a header or in its query."""
    if request is None:
        return None
    scope = request.headers.get(SCOPE_HEADER) or request.query_params.get("scope")
    project = request.headers.get(PROJECT_HEADER) or request.query_params.get("project")
    for given in filter(None, [scope, project]):
        if "${" in given:
            raise InvalidInput(f"The client did not expand {given}. Write the name of the scope or the folder itself.")
    if scope and (name := printable_name(_decoded(scope))):
        return Caller(name)
    return Caller(workspace=workspace_of(_decoded(project), named=True)) if project else None


def _decoded(header: str) -> str:
    """Return what a header says, which may hold UTF-8 or percent-encoded text."""
    try:
        return unquote(header.encode("latin-1").decode())
    except UnicodeError:
        return unquote(header)


def _first(folders: Iterable[str]) -> Workspace | None:
    """Return the first of the folders that is a project."""
    return next(filter(None, (workspace_of(folder, named=True) for folder in folders if folder)), None)


def _folder_of(uri: str) -> str:
    return url2pathname(urlsplit(uri).path) if uri.startswith("file:") else ""
