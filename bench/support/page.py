"""The page of a bank, served by a process of its own and asked as a browser asks: compressed, with all that it refers to."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import httpx2

from bench.support.servers import SERVER, environment

_REFERS = {
    "text/html": re.compile(r"<(?:link|script|img)\b[^>]*?\b(?:href|src)=\"?([^\s\">]+)"),
    "text/javascript": re.compile(r"""(?:\bfrom\s*|\bimport\s*\(?\s*)["'](\.{0,2}/[^"']+)["']"""),
    "text/css": re.compile(r"""@import\s+(?:url\()?["']([^"']+)["']"""),
}
_PAGES = re.compile(r"""rel="?(?:alternate|next|prev|canonical)""")


@dataclass(frozen=True)
class Answer:
    """One answer: seconds until its first byte and until its last, bytes of head and body as they were sent."""

    status: int
    first: float
    whole: float
    size: int
    kind: str
    text: str
    encoding: str


class Visitor:
    """A browser as the wire sees it: signed in, and with an empty cache."""

    def __init__(self, client: httpx2.Client, process: int) -> None:
        self._client = client
        self._process = process

    def processor_s(self) -> float:
        """Processor time of the server so far; nan where it cannot be read."""
        return time.clock_gettime(~self._process << 3 | 2) if sys.platform == "linux" else float("nan")

    def ask(self, address: str, form: dict[str, str] | None = None) -> Answer:
        method, started = "GET" if form is None else "POST", time.perf_counter()
        with self._client.stream(method, address, data=form) as response:
            first = time.perf_counter() - started
            text = b"".join(response.iter_bytes()).decode()
            whole = time.perf_counter() - started
            head = sum(len(name) + len(value) + 4 for name, value in response.headers.raw) + len(
                "HTTP/1.1 200 OK\r\n\r\n"
            )
            kind = response.headers.get("content-type", "").partition(";")[0]
            encoding = response.headers.get("content-encoding", "")
            return Answer(
                response.status_code, first, whole, head + response.num_bytes_downloaded, kind, text, encoding
            )

    def all_of(self, address: str, form: dict[str, str] | None = None) -> dict[str, Answer]:
        """Address → answer, of a page and of everything that it refers to."""
        page = self.ask(address, form)
        found, waiting = {address: page}, refers(address, page)
        while waiting:
            each = waiting.pop()
            if each not in found:
                found[each] = self.ask(each)
                waiting += refers(each, found[each])
        return found


def refers(address: str, answer: Answer) -> list[str]:
    """The addresses that a browser loads with this answer."""
    kind = "text/javascript" if "javascript" in answer.kind else answer.kind
    pattern = _REFERS.get(kind)
    found = pattern.finditer(answer.text) if pattern else ()
    return [urljoin(address, each[1]) for each in found if not _PAGES.search(each[0])]


@contextmanager
def visiting(home: Path) -> Iterator[Visitor]:
    """Start the page, sign in, and stop it in the end."""
    command = [sys.executable, "-m", SERVER, "page", "--no-browser", "--port", "0"]
    with subprocess.Popen(
        command, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout
            said = next(
                (found for line in process.stdout if (found := re.search(r"(http://[^/\s]+)(\S*)", line))), None
            )
            assert said, "the page did not say where it is"
            headers = {"Accept-Encoding": "gzip, br, zstd", "Origin": said[1]}
            with httpx2.Client(base_url=said[1], timeout=120, headers=headers) as client:
                sign_in(client, said[2])
                yield Visitor(client, process.pid)
        finally:
            process.terminate()


def sign_in(client: httpx2.Client, rest: str) -> None:
    """Swap the one-time code that the address ends with for a session."""
    answer = client.post("/sign-in", data={"code": rest.partition("#")[2]})
    assert answer.status_code == 303, answer.text
