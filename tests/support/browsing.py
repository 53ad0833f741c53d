"""What a browser may not find on a page of ours, and the addresses of all pages."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.routing import Route

from strategy_bank.server.page import app
from tests.support.hostile_bank import TRACES, Records, id_of
from tests.support.page_server import PageServer

TRACES_LEFT = f"""() => [
    ...[...document.querySelectorAll({TRACES!r})].map((each) => each.outerHTML.slice(0, 200)),
    ...('pwned' in window ? ['window.pwned'] : []),
    ...(document.cookie ? ['a cookie that scripts see: ' + document.cookie] : []),
    ...Object.keys(localStorage).map((key) => 'localStorage: ' + key),
    ...Object.keys(sessionStorage).map((key) => 'sessionStorage: ' + key),
]"""
SIDEWAYS = "(part) => document.querySelector(part).scrollWidth - document.querySelector(part).clientWidth"
KINDS = {"lessons": "st", "episodes": "ep", "runs": "run", "recalls": "rc"}
_ALONE = (
    "/",
    *(f"/{kind}" for kind in KINDS),
    *("/ask", "/value", "/bank", "/bank/settings", "/bank/doctor", "/lessons/new", "/forget"),
)
_ROUTES = [route for route in app._routes() if isinstance(route, Route) and "GET" in (route.methods or ())]
_FORGOTTEN = ("0", "script", "control characters")  # to plan this, the whole bank is read
_NOT_PAGES = ("/changes", "/sign-in", "/work/")  # work is there for as long as it lasts


@dataclass
class Watched:
    """A window of a browser that has signed in, with all that went wrong in it."""

    server: PageServer
    page: Any
    problems: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("request", self._request)

    def open(self, address: str) -> list[str]:
        """Go to an address and return what is wrong with what is there, traces of stored texts too."""
        answer = self.page.goto(f"{self.server.url}{address}", wait_until="load")
        status = [] if answer.ok else [f"status {answer.status}"]
        found = [*status, *self.problems, *self.page.evaluate(TRACES_LEFT)]
        self.problems.clear()
        return [f"{address}: {each}" for each in found]

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def _dialog(self, dialog: Any) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Any) -> None:
        if not request.url.startswith(f"{self.server.url}/"):
            self.problems.append(f"request: {request.url}")


@contextmanager
def watching(chromium: Any, server: PageServer, **options: Any) -> Iterator[Watched]:
    """Sign in with a browser of its own."""
    context = chromium.new_context(**options)
    try:
        window = context.new_page()
        window.goto(server.new_link())
        window.wait_for_url(f"{server.url}/")
        yield Watched(server, window)
    finally:
        context.close()


def sideways(page: Any, part: str = "html") -> int:
    """Return by how many pixels a page, or what one part of it holds, is wider than the window."""
    return page.evaluate(SIDEWAYS, part)


def record_pages(*names: str) -> list[str]:
    """Return the addresses of one record of each kind with each of these texts."""
    return [f"/{kind}/{id_of(prefix, name)}" for name in names for kind, prefix in KINDS.items()]


def sample(name: str) -> list[str]:
    """Return an address for each page that there is, with records that have this text."""
    lesson = id_of("st", name)
    forget = [f"/forget?id={lesson}"] if name in _FORGOTTEN else []
    return _there([*_ALONE, *record_pages(name), f"/lessons/{lesson}/edit", *forget])


def all_pages(held: Records) -> list[str]:
    """Return the addresses of all pages of all records."""
    once = held.lessons[::3]  # each text is in three
    records = zip(KINDS, (held.lessons, held.episodes, held.runs, held.recalls), strict=True)
    return _there(
        [
            *_ALONE,
            *(f"/{kind}/{record.id}" for kind, records in records for record in records),
            *(f"/lessons/{record.id}/edit" for record in once),
            f"/forget?id={once[0].id}",
        ]
    )


def without_address() -> list[str]:
    """Return the pages that there are and no sample has."""
    paths = [urlsplit(address).path for address in sample("0")]
    pages = [route for route in _ROUTES if "." not in route.path and not route.path.startswith(_NOT_PAGES)]
    return [route.path for route in pages if not any(route.path_regex.match(path) for path in paths)]


def _there(addresses: Iterable[str]) -> list[str]:
    return [each for each in addresses if any(route.path_regex.match(urlsplit(each).path) for route in _ROUTES)]
