"""The page as a process of its own, and a browser in front of it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import anyio
import httpx2

from strategy_bank.server.page.passes import Passes
from strategy_bank.server.page.site import LINK_S
from strategy_bank.store.bank import Bank
from strategy_bank.store.location import Location
from tests.support.hostile_bank import Records, fill

T = TypeVar("T")
PAGE = [sys.executable, "-m", "strategy_bank.server", "page"]
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


@dataclass(frozen=True)
class PageServer:
    """A page that is open: where, on which bank, and a link that lets one browser in."""

    url: str
    home: Path
    link: str
    process: "subprocess.Popen[str]"
    environment: Mapping[str, str]

    def new_link(self) -> str:
        """Return what `page --link` prints, without a process for it."""
        return f"{self.url}/sign-in#{Passes(self.home / 'page' / 'links', LINK_S).issue()}"

    def client(self) -> httpx2.Client:
        """A program that has signed in as a browser does, to be closed after use."""
        sent = {"code": self.new_link().partition("#")[2]}
        answer = httpx2.post(f"{self.url}/sign-in", data=sent, headers={"Origin": self.url}, timeout=60)
        assert answer.status_code == 303
        return httpx2.Client(base_url=self.url, headers={"Origin": self.url}, cookies=answer.cookies, timeout=60)

    def in_bank(self, action: Callable[[Bank], Awaitable[T]]) -> T:
        """Do something in the bank as another process would, and return what came of it."""
        return in_bank(self.home, action)


def in_bank(home: Path, action: Callable[[Bank], Awaitable[T]]) -> T:
    """Open a bank in a thread of its own, since a browser's loop runs in this one."""

    async def run() -> T:
        bank = await Bank.open(Location(home))
        try:
            return await action(bank)
        finally:
            await bank.close()

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(anyio.run, run).result()


@contextmanager
def page_open(home: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[PageServer]:
    """Open the page on a bank, without a browser, at a free port."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STRATEGY_BANK_")}
    process = subprocess.Popen(
        [*PAGE, "--home", str(home), "--no-browser", "--port", "0", *options],
        env=environment or kept,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    with process:
        try:
            link = process.stdout.readline().strip()
            said = ""
            for line in process.stderr:
                said += line
                if found := re.search(r"Listening at (http://\S+?)/? ", line):
                    yield PageServer(found[1], home, link, process, environment or kept)
                    break
            else:
                raise AssertionError(said)
        finally:
            process.kill()


@contextmanager
def page_on(home: Path, models_dir: "os.PathLike[str]", held: Records) -> Iterator[PageServer]:
    """Open the page on a new bank with these records."""
    (home / "models").symlink_to(models_dir, target_is_directory=True)
    in_bank(home, lambda bank: fill(bank, held))
    with page_open(home) as opened:
        yield opened


def chromium_path() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def browse(playwright: Any) -> Any:
    """Start the system's browser. It shows nothing, and asks for nothing by itself."""
    return playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
