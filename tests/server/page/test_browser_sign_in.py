"""A browser is let in by the link that the terminal prints, once."""

from typing import Any

import httpx2

from tests.support.page_server import PageServer


def test_the_link_signs_in_and_leaves_no_code_in_the_address(browser_page: Any, opened: PageServer) -> None:
    assert browser_page.url == f"{opened.url}/"
    assert browser_page.locator("h1").inner_text() == "What waits for you"
    (cookie,) = browser_page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert (
        browser_page.evaluate("document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")
        == "{}{}"
    )


def test_a_link_works_once(browser_page: Any, opened: PageServer) -> None:
    browser_page.context.clear_cookies()
    with browser_page.expect_response(lambda answer: answer.request.method == "POST") as answered:
        browser_page.goto("about:blank")
        browser_page.goto(opened.link)
    assert answered.value.status == 403


def test_without_a_session_nothing_is_shown(opened: PageServer) -> None:
    answer = httpx2.get(f"{opened.url}/lessons?q=a")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Flessons%3Fq%3Da")
    assert httpx2.post(f"{opened.url}/lessons/x/retire", headers={"Origin": opened.url}).status_code == 401
