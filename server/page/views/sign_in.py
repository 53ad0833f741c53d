"""Signing in with the code of a link that works once, and leaving."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from strategy_bank.server.page.guard import session_of
from strategy_bank.server.page.site import own_path, site_of

_OVER = (
    "This link was used already or is older than five minutes. `strategy-bank page --link` makes a new one, for the "
    "page that is open too."
)


async def form(request: Request) -> Response:
    """Ask for the code. The part of a link after # never leaves the browser; a script puts it into the form."""
    return _form(request, 200, "")


async def sign_in(request: Request) -> Response:
    """Swap the code for a session that lasts half a day."""
    site, sent = site_of(request), await request.form()
    if not site.links.redeem(str(sent.get("code") or "")):
        return _form(request, 403, _OVER)
    answer = RedirectResponse(own_path(str(sent.get("next") or "")) or "/", 303)
    answer.set_cookie(
        site.cookie,
        site.sessions.issue(),
        max_age=int(site.sessions.lifetime_s),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


async def sign_out(request: Request) -> Response:
    """End the session, in all windows of this browser."""
    site = site_of(request)
    site.sessions.redeem(session_of(request.headers, site.cookie))
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(site.cookie, httponly=True, samesite="strict")
    return answer


def _form(request: Request, status: int, problem: str) -> Response:
    following = own_path(request.query_params.get("next", ""))
    return site_of(request).page(request, "sign_in.html", status, problem=problem, following=following)
