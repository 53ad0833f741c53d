"""Pages of others, open in the same browser as ours: what they send does nothing, and they cannot show or read our page."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from strategy_bank.store.records import Strategy
from tests.support.browsing import Watched, watching
from tests.support.hostile_bank import HARMLESS, id_of
from tests.support.page_server import PageServer, page_on

LESSON = id_of("st", "0")


class Attacker(BaseHTTPRequestHandler):
    """Answers every request with a page that attacks the page at the address after `?`."""

    page = ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self.page.replace("TARGET", self.path.partition("?")[2]).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[PageServer]:
    with page_on(tmp_path_factory.mktemp("attacked"), models_dir, HARMLESS) as opened:
        yield opened


@pytest.fixture
def signed_in(chromium: Any, server: PageServer) -> Iterator[Watched]:
    with watching(chromium, server) as watched:
        yield watched


@pytest.fixture(params=["localhost", "127.0.0.1"])
def elsewhere(request: pytest.FixtureRequest) -> Iterator[str]:
    """Another server on this machine: under another name it is another site, under the same one the same site, to which a
    browser sends our cookie."""
    attacker = ThreadingHTTPServer(("127.0.0.1", 0), type("Attacker", (Attacker,), {}))
    thread = threading.Thread(target=attacker.serve_forever)
    thread.start()
    yield f"http://{request.param}:{attacker.server_port}"
    attacker.shutdown()
    thread.join()
    attacker.server_close()


def attack(window: Any, elsewhere: str, server: PageServer, page: str) -> None:
    Attacker.page = page
    window.goto(f"{elsewhere}/?{server.url}")


def status(server: PageServer) -> str:
    return server.in_bank(lambda bank: bank.get(Strategy, LESSON)).status


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
def test_a_form_of_another_page_decides_nothing(
    signed_in: Watched, server: PageServer, elsewhere: str, kind: str
) -> None:
    form = f"<form method=post enctype={kind} action=TARGET/lessons/{LESSON}/retire><button>Win</button></form>"
    attack(signed_in.page, elsewhere, server, form)
    with signed_in.page.expect_response(lambda answer: answer.request.method == "POST") as answered:
        signed_in.page.get_by_role("button").click()
    assert answered.value.status == 403
    assert status(server) == "active"


def test_a_script_of_another_page_reads_and_decides_nothing(
    signed_in: Watched, server: PageServer, elsewhere: str
) -> None:
    attack(signed_in.page, elsewhere, server, "<p>Nothing to see</p>")
    read = """async (url) => {
        try { return await (await fetch(url, {credentials: 'include'})).text() } catch (error) { return 'refused' }
    }"""
    sent = """async (url) => {
        try { await fetch(url, {method: 'POST', mode: 'no-cors', credentials: 'include'}) } catch { }
    }"""
    for address in ("/", "/lessons.json", "/value.json", "/changes", f"/lessons/{LESSON}"):
        assert signed_in.page.evaluate(read, f"{server.url}{address}") == "refused"
    signed_in.page.evaluate(sent, f"{server.url}/lessons/{LESSON}/retire")
    assert status(server) == "active"


def test_no_page_can_be_put_into_a_frame_or_reached_through_its_window(
    signed_in: Watched, server: PageServer, elsewhere: str
) -> None:
    attack(signed_in.page, elsewhere, server, "<iframe src=TARGET></iframe><script src=TARGET></script>")
    (frame,) = signed_in.page.frames[1:]
    assert "What waits" not in frame.content()
    opened = "(url) => { const other = open(url); try { return other.document.title } catch { return 'refused' } }"
    assert signed_in.page.evaluate(opened, server.url) in ("refused", "")


def test_stored_addresses_tell_other_sites_nothing(signed_in: Watched, server: PageServer, elsewhere: str) -> None:
    signed_in.open(f"/lessons/{LESSON}")
    tried = """async (url) => {
        const found = [];
        addEventListener('securitypolicyviolation', (event) => found.push(event.effectiveDirective));
        const image = new Image(); image.src = url;
        const style = document.createElement('style'); style.textContent = 'body{color:red}'; document.head.append(style);
        const script = document.createElement('script'); script.textContent = 'window.pwned=1'; document.head.append(script);
        const handler = document.createElement('a'); handler.setAttribute('onclick', 'window.pwned=1');
        document.body.append(handler); handler.click();
        try { await fetch(url) } catch { }
        await new Promise((done) => setTimeout(done, 50));
        return [found.map((each) => each.split('-')[0]), 'pwned' in window];
    }"""
    refused, ran = signed_in.page.evaluate(tried, f"{elsewhere}/x")
    assert {"img", "style", "script", "connect"} <= set(refused)
    assert not ran
