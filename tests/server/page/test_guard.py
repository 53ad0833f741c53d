"""Who is let in to the page, for how long, and what no other page may do: with real requests to a real process."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.hostile_bank import HARMLESS, id_of
from tests.support.page_server import PAGE, PageServer, page_on, page_open

RETIRE = f"/lessons/{id_of('st', '0')}/retire"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, models_dir: os.PathLike[str]) -> Iterator[PageServer]:
    with page_on(tmp_path_factory.mktemp("guarded"), models_dir, HARMLESS) as opened:
        yield opened


def let_in(server: PageServer, link: str) -> httpx2.Response:
    return httpx2.post(
        f"{server.url}/sign-in", data={"code": link.partition("#")[2]}, headers={"Origin": server.url}, timeout=30
    )


def end(server: PageServer, kind: str) -> None:
    """Let the time of all links or sessions be over."""
    for file in (server.home / "page" / kind).iterdir():
        os.utime(file, (time.time() - 1,) * 2)


def test_the_command_prints_another_link_for_a_page_that_is_open(server: PageServer) -> None:
    command = [*PAGE, "--home", str(server.home), "--link", "--at", server.url]
    printed = subprocess.run(command, env=server.environment, capture_output=True, text=True, check=True).stdout
    assert let_in(server, printed.strip()).status_code == 303


def test_a_link_that_is_over_lets_nobody_in(server: PageServer) -> None:
    link = server.new_link()
    end(server, "links")
    answer = let_in(server, link)
    assert answer.status_code == 403
    assert "five minutes" in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("code", ["", "a" * 39, "../../config.toml", "\0", "%00", "x" * 100_000])
def test_a_code_that_was_never_given_lets_nobody_in(server: PageServer, code: str) -> None:
    assert let_in(server, f"#{code}").status_code == 403


def test_of_two_browsers_with_the_same_link_one_is_let_in(server: PageServer) -> None:
    link = server.new_link()
    assert [let_in(server, link).status_code for _ in range(2)] == [303, 403]


def test_a_session_that_is_over_must_sign_in_again(server: PageServer) -> None:
    with server.client() as client:
        assert client.get("/").status_code == 200
        end(server, "sessions")
        assert client.get("/").headers["location"] == "/sign-in"


def test_whoever_signs_out_is_out_in_every_window_and_the_cookie_is_worth_nothing_any_more(server: PageServer) -> None:
    with server.client() as client:
        kept = dict(client.cookies)
        assert client.post("/sign-out").headers["location"] == "/sign-in"
        assert httpx2.get(server.url, cookies=kept).headers["location"] == "/sign-in"


def test_the_cookie_is_for_this_server_alone_and_for_no_script(server: PageServer) -> None:
    flags = let_in(server, server.new_link()).headers["set-cookie"].lower()
    assert all(flag in flags for flag in ("httponly", "samesite=strict", "path=/"))
    assert "domain" not in flags


def test_the_home_holds_nothing_with_which_somebody_could_sign_in(server: PageServer) -> None:
    with server.client() as client:
        (cookie,) = client.cookies.values()
        files = [file for file in (server.home / "page").rglob("*") if file.is_file()]
        assert files
        assert not any(cookie.replace("-", "") in file.name + file.read_text() for file in files)
        assert {file.stat().st_mode & 0o077 for file in files} == {0}
        for file in files:
            assert httpx2.get(server.url, cookies={next(iter(client.cookies)): file.name}).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://elsewhere.invalid"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": ""},
    ],
)
def test_what_another_page_sends_changes_nothing(server: PageServer, headers: dict[str, str]) -> None:
    with server.client() as client:
        assert client.post(RETIRE, headers=headers).status_code == 403


@pytest.mark.parametrize("name", ["elsewhere.invalid", "127.0.0.1.elsewhere.invalid", "elsewhere.invalid:80", ""])
def test_under_another_name_the_server_says_nothing(server: PageServer, name: str) -> None:
    with server.client() as client:
        answer = client.get("/", headers={"Host": name})
        assert answer.status_code in (400, 421)
        assert "<" not in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(server: PageServer, method: str) -> None:
    with server.client() as client:
        assert client.request(method, "/").status_code == 405


@pytest.mark.parametrize(
    "where", ["//elsewhere.invalid", "https://elsewhere.invalid", "/\\elsewhere.invalid", "\t//x.invalid"]
)
def test_no_address_in_a_link_or_a_form_leads_elsewhere(server: PageServer, where: str) -> None:
    code = server.new_link().partition("#")[2]
    answer = httpx2.post(f"{server.url}/sign-in", data={"code": code, "next": where}, headers={"Origin": server.url})
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    "address", ["/", "/sign-in", "/nothing", "/lessons/st_0", "/static/page.css", "/static/../app.py"]
)
def test_every_answer_has_the_policy(server: PageServer, address: str) -> None:
    with server.client() as client:
        headers = client.get(address).headers
    policy = dict(each.strip().partition(" ")[::2] for each in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert set(policy.values()) == {"'none'", "'self'"}
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] in ("same-origin", "no-referrer")


def test_nothing_that_is_shown_is_kept_by_a_browser(server: PageServer) -> None:
    with server.client() as client:
        assert client.get("/").headers["cache-control"] == "no-store"


def test_a_page_to_read_only_lets_nothing_be_changed(server: PageServer) -> None:
    with page_open(server.home, "--read-only") as opened, opened.client() as client:
        assert client.post(RETIRE).status_code == 403
        for address in ("/", "/lessons", RETIRE.removesuffix("/retire")):
            forms = client.get(address).text.count('method="post"')
            assert forms == client.get(address).text.count('action="/sign-out"') == 1, address


def test_a_new_link_leads_to_where_the_page_was_opened_last(opened: PageServer) -> None:
    command = [*PAGE, "--home", str(opened.home), "--link"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.startswith(f"{opened.url}/sign-in#")


def test_a_link_for_a_page_that_nobody_opened_is_refused(home: Path) -> None:
    refused = subprocess.run([*PAGE, "--home", str(home), "--link"], capture_output=True, text=True)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "opens one" in refused.stderr
