"""What all views share: the bank, the templates, how a change answers, and who may sign in."""

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import anyio
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from strategy_bank.server.atomic_file import replacing
from strategy_bank.server.mcp.app_state import State
from strategy_bank.server.page.jobs import Jobs
from strategy_bank.server.page.passes import Passes
from strategy_bank.server.page.rendering import address, environment
from strategy_bank.server.settings import Sources
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.regular_file import read_regular

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_TOLD = ("done", "of", "number")
"""Names in an address of what was done, the record that it was done to, and the number of them."""
_DIGITS = 12
_TITLES, _TITLE_CHARS = 100, 200
LINK_S, SESSION_S = 300.0, 12 * 3600.0  # seconds that a sign-in link and a session last
DONE = {
    "edited": "Its words were changed, and agents get the new ones from now on.",
    "added": "The lesson was added.",
    "there": "The bank has this lesson already; this is it.",
    "kept": "It is kept out of recall.",
    "let-in": "Agents get it from now on.",
    "retired": "Agents do not get it any more.",
    "reinstated": "Agents get it again.",
    "undone": "The last decision was taken back.",
    "reverted": "It has its former words again.",
    "accepted": "It has the proposed words now.",
    "dropped": "The proposal was dropped, and its words stay.",
    "moved": "It was moved.",
    "forgotten": "Deleted for good. It leaves the disk within some minutes. Backups and exports that were made keep it.",
    "both": "Both are kept, and no longer compared.",
}
"""What a change says when it is done, by its name in the address: nothing that is in an address is printed."""
UNDO: dict[str, str] = {
    **dict.fromkeys(("kept", "let-in", "retired", "reinstated", "undone", "dropped", "both"), "undo"),
    **dict.fromkeys(("edited", "accepted", "reverted"), "revert"),
}
"""Changes that the command `undo` or `revert` takes back."""


@dataclass(frozen=True)
class Site:
    """What all views share: the bank, who may sign in, and whether anything may be changed."""

    state: State
    links: Passes
    sessions: Passes
    may_change: bool
    cookie: str
    sources: Sources | None = None
    """Where the settings come from."""
    jobs: Jobs = field(default_factory=Jobs)
    titles: dict[str, str] = field(default_factory=dict[str, str])
    """Of the records that were decided about last: what was done is told by title, which is in no address."""
    closing: anyio.Event = field(default_factory=anyio.Event)
    """Set when the server ends, so that streams end too."""

    @classmethod
    def of(cls, state: State, *, may_change: bool, sources: Sources | None = None) -> "Site":
        home = state.settings.location.home
        # cookies are the same for all ports of a machine, so each bank has its own
        cookie = f"strategy_bank_{hashlib.sha256(str(home).encode()).hexdigest()[:8]}"
        links, sessions = Passes(home / "page" / "links", LINK_S), Passes(home / "page" / "sessions", SESSION_S)
        return cls(state, links, sessions, may_change, cookie, sources)

    async def bank(self) -> "Bank":
        """Return the open bank. Raises the errors of `Bank.open`."""
        return await self.state.bank()

    def open_at(self, address: str) -> str:
        """Note where the page is open now, and return a link that lets one browser in there."""
        link = self.sign_in_link(address)
        with replacing(self.links.folder.parent / "address", 0o600) as file:
            file.write(address.encode())
        return link

    def sign_in_link(self, address: str = "") -> str:
        """Return a link that lets one browser in, at an address or where the page was opened last. Raises InvalidInput.

        What is after # is not sent to servers, and not in their logs.
        """
        try:
            where = address or read_regular(self.links.folder.parent / "address", 1_000).decode()
        except (OSError, UnicodeError) as exc:
            raise InvalidInput("No page was opened on this bank yet: `strategy-bank page` opens one.") from exc
        return f"{where.rstrip('/')}/sign-in#{self.links.issue()}"

    def page(self, request: Request, template: str, status: int = 200, /, **values: Any) -> Response:
        """Render a template, with what every page needs."""
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        done, about, number = (request.query_params.get(name, "") for name in _TOLD)
        shared = {
            "path": request.url.path,
            "here": here,
            "may_change": self.may_change,
            "signed_in": request.url.path != "/sign-in",
            "done": DONE.get(done, ""),
            "done_id": about if address(about) else "",
            "done_number": int(number) if number.isdecimal() and len(number) < _DIGITS else None,
            "done_title": self.titles.get(about, ""),
            "undo": UNDO.get(done, ""),
            "back_field": lambda: Markup('<input type="hidden" name="back" value="{}">').format(_without_done(here)),
        }
        return HTMLResponse(environment().get_template(template).render(shared | values), status)

    async def done(
        self, request: Request, what: str, id: str = "", *, title: str = "", number: int | None = None
    ) -> Response:
        """Lead back to the page that the form came from, which says what was done, to what, and to how many."""
        form = await request.form()
        if title:
            self.titles.pop(id, None)
            self.titles[id] = title[:_TITLE_CHARS]
            if len(self.titles) > _TITLES:
                del self.titles[next(iter(self.titles))]
        back = own_path(str(form.get("back") or "")) or address(id) or "/"
        values = (what, id, "" if number is None else str(number))
        told = urlencode({name: value for name, value in zip(_TOLD, values, strict=True) if value})
        path, _, query = back.partition("?")
        return RedirectResponse(f"{path}?{query}&{told}" if query else f"{path}?{told}", 303)


def site_of(request: Request) -> Site:
    return request.app.state.site


def own_path(where: str) -> str:
    """Return an address within this page; empty where it leads elsewhere."""
    parts = urlsplit(where)
    own = where.startswith("/") and not where.startswith(("//", "/\\")) and not parts.netloc and where.isprintable()
    return where if own else ""


def _without_done(here: str) -> str:
    path, _, query = here.partition("?")
    kept = [part for part in query.split("&") if part and part.partition("=")[0] not in _TOLD]
    return f"{path}?{'&'.join(kept)}" if kept else path
