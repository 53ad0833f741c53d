"""`serve --http` has the page where the settings allow it, and agents' token lets nobody decide."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from tests.support.http_server import TOKEN, Served, serving


@contextmanager
def signed_in(served: Served) -> Iterator[httpx2.Client]:
    found = re.search(r"(http://\S+)/sign-in#(\S+)", served.said)
    assert found
    with httpx2.Client(base_url=found[1], headers={"Origin": found[1]}, timeout=30) as client:
        assert client.post("/sign-in", data={"code": found[2]}).status_code == 303
        yield client


@pytest.fixture
def deciding(environment: dict[str, str]) -> Iterator[Served]:
    with serving(environment | {"STRATEGY_BANK_HTTP_PAGE": "decide"}) as served:
        yield served


def test_the_page_is_beside_the_protocol_and_the_protocol_stays_as_it_is(deciding: Served) -> None:
    with signed_in(deciding) as client:
        assert "What waits" in client.get("/").text
    assert deciding.post().status_code == 401
    assert deciding.post(Authorization=f"Bearer {TOKEN}").status_code == 200
    assert deciding.get("/healthz").json() == {"status": "ok"}


def test_the_token_of_agents_does_not_sign_in(deciding: Served) -> None:
    base = deciding.url.removesuffix("/mcp")
    own = {"Origin": base, "Authorization": f"Bearer {TOKEN}"}
    assert httpx2.post(f"{base}/sign-in", data={"code": TOKEN}, headers=own).status_code == 403
    assert httpx2.get(f"{base}/", headers=own).headers["location"] == "/sign-in"
    assert httpx2.post(f"{base}/forget", headers=own).status_code == 401


def test_a_page_for_reading_changes_nothing(environment: dict[str, str]) -> None:
    with serving(environment | {"STRATEGY_BANK_HTTP_PAGE": "read"}) as served, signed_in(served) as client:
        assert "opened for reading only" in client.get("/").text
        assert client.post("/lessons/st_0123456789abcdef/retire").status_code == 403


def test_without_the_setting_there_is_no_page(environment: dict[str, str]) -> None:
    with serving(environment) as served:
        assert served.get("/").status_code == 404
        assert "sign-in" not in served.said


def test_a_page_that_follows_the_bank_does_not_hold_up_the_end(deciding: Served) -> None:
    following = {"Accept": "text/event-stream"}
    with signed_in(deciding) as client, client.stream("GET", "/changes", headers=following) as stream:
        assert stream.status_code == 200
        began = time.monotonic()
        deciding.process.send_signal(signal.SIGTERM)
        deciding.process.wait(timeout=20)
    assert time.monotonic() - began < 5
