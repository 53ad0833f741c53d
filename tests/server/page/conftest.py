"""A browser for the tests of a file, and the page open on a bank of the test's own."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.support.page_server import PageServer, browse, chromium_path, page_open


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The system's chromium. Skips where there is none.

    It ends with the file: as long as Playwright runs, no other event loop does in this thread.
    """
    if not chromium_path():
        pytest.skip("There is no chromium on this machine.")
    from playwright.sync_api import sync_playwright

    # a bank that was opened in this process has lent it a folder for scratch files, whose path is too long for a socket
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory(dir="/tmp") as scratch:
        patch.setenv("TMPDIR", scratch)
        with sync_playwright() as playwright:
            browser = browse(playwright)
            yield browser
            browser.close()


@pytest.fixture
def opened(home: Path) -> Iterator[PageServer]:
    """The page, open on the test's bank."""
    with page_open(home) as server:
        yield server


@pytest.fixture
def browser_page(chromium: Any, opened: PageServer) -> Iterator[Any]:
    """A window that has signed in by the link, and fails at the end if anything stood in its console."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    window, said = context.new_page(), list[str]()
    window.on("console", lambda message: said.append(message.text) if _is_fault(message) else None)
    window.on("pageerror", lambda error: said.append(str(error)))
    window.goto(opened.link)
    window.wait_for_url(f"{opened.url}/")
    yield window
    context.close()
    assert said == []


def _is_fault(message: Any) -> bool:
    """Tell whether a browser complains. That an answer was a refusal is for the tests to judge."""
    return message.type in ("error", "warning") and not message.text.endswith(
        ("400 (Bad Request)", "401 (Unauthorized)", "403 (Forbidden)", "404 (Not Found)", "409 (Conflict)")
    )
