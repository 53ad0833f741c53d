"""What a browser may not do on a page of ours, and the addresses of all pages."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Dialog, Error, Page, Request

from tests.support.hostile_bank import TRACES, Records

TRACES_LEFT = f"""() => [
    ...[...document.querySelectorAll({TRACES!r})].map((each) => each.outerHTML.slice(0, 200)),
    ...('pwned' in window ? ['window.pwned'] : []),
    ...(document.cookie ? ['a cookie that scripts see: ' + document.cookie] : []),
    ...Object.keys(localStorage).map((key) => 'localStorage: ' + key),
    ...Object.keys(sessionStorage).filter((key) => /token|code|pass|cookie/i.test(key)).map((key) => 'sessionStorage: ' + key),
]"""
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@dataclass
class Watched:
    """A page of the browser with all that went wrong on it."""

    page: Page
    problems: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", self._error)
        self.page.on("request", self._request)

    def open(self, address: str) -> list[str]:
        """Go to an address of the site that is open, and return what is wrong with what is there, the traces of texts too."""
        base = urlsplit(self.page.url)
        answer = self.page.goto(f"{base.scheme}://{base.netloc}{address}")
        assert answer
        status = [] if answer.ok else [f"status {answer.status}"]
        found = [*status, *self.problems, *self.page.evaluate(TRACES_LEFT)]
        self.problems.clear()
        return [f"{address}: {each}" for each in found]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _error(self, error: Error) -> None:
        self.problems.append(f"error: {error}")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1" and not request.url.startswith("about:"):
            self.problems.append(f"request: {request.url}")


def sideways(page: Page) -> int:
    """Return by how many pixels the page is wider than the window."""
    return page.evaluate(SIDEWAYS)


LISTS = ("/lessons", "/episodes", "/runs", "/recalls")
ALONE = ("/", "/ask", "/value", "/bank", "/bank/settings", "/bank/doctor", "/lessons/new")


def addresses(held: Records) -> list[str]:
    """Return the addresses of all pages of a bank with these records."""
    lessons = [f"/lessons/{record.id}" for record in held.lessons]
    return [
        *ALONE,
        *LISTS,
        *lessons,
        *(f"{lesson}/edit" for lesson in lessons),
        *(f"/episodes/{record.id}" for record in held.episodes),
        *(f"/runs/{record.id}" for record in held.runs),
        *(f"/recalls/{record.id}" for record in held.recalls),
        *(f"/forget?id={record.id}" for record in (held.lessons[0], held.episodes[0], held.runs[0])),
    ]
