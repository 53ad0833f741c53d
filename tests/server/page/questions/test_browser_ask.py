"""Asking as an agent in a browser: what is found, why, and what an agent reads; nothing is noted of it."""

import json
import re
from typing import Any

import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Recall
from strategy_bank.tools.recall_strategies import recall
from strategy_bank.tools.scopes.registry import Scope
from tests.support.page_server import PageServer
from tests.support.records import lesson, put
from tests.support.samples import STRATEGY, TASK

HOSTILE = '<script>alert(1)</script> "><img src=x onerror=alert(2)> {{7*7}} \x1b[31m\u202eevil'
RIGHT = lesson(1, id="st_00000000000000aa", **STRATEGY, source_task=TASK)
BREAD = lesson(
    2, id="st_00000000000000bb", title=f"Bake bread {HOSTILE}", description=HOSTILE, content=f"Let it rest. {HOSTILE}"
)
RETIRED = lesson(
    3,
    id="st_00000000000000cc",
    **STRATEGY | {"title": "Guess the encoding"},
    source_task=TASK,
    status="retired",
    status_reason="it failed",
)


@pytest.fixture
def filled(opened: PageServer) -> PageServer:
    opened.in_bank(lambda bank: put(bank, RIGHT, BREAD, RETIRED))
    return opened


def ask(window: Any, page: PageServer, **typed: str) -> None:
    window.goto(f"{page.url}/ask")
    for name, text in typed.items():
        window.fill(f"#{name}", text)
    window.click("form.ask button.main")
    window.wait_for_selector("#found, [role=alert]")


def test_what_is_found_comes_with_its_reasons_and_the_very_text_of_a_recall(
    browser_page: Any, filled: PageServer
) -> None:
    ask(browser_page, filled, task=TASK)
    assert browser_page.url == f"{filled.url}/ask"
    found = browser_page.locator(f"#{RIGHT.id}")
    assert found.locator("h3 a").get_attribute("href") == f"/lessons/{RIGHT.id}"
    assert "Read in full: it fits best" in found.inner_text()
    assert STRATEGY["content"] in found.inner_text()
    kept = browser_page.locator(f"#{RETIRED.id}").inner_text()
    assert "Not looked at: it is retired: it failed. By itself it would be" in kept
    read = browser_page.locator("#reads").text_content()

    async def recalled(bank: Bank) -> tuple[str, int]:
        before = await bank.count(Recall)
        got = await recall(bank, TASK, 3, Scope("project"))
        return got.as_text().replace(got.recall_id, "rc_0000000000000000"), before

    text, noted = filled.in_bank(recalled)
    assert noted == 0
    assert read == text


def test_one_lesson_is_asked_about(browser_page: Any, filled: PageServer) -> None:
    ask(browser_page, filled, task=TASK, about=BREAD.id)
    told = browser_page.locator(f"#{BREAD.id}").inner_text()
    assert re.search(r"Not shown: its relevance of 0\.\d+ is below 0\.01", told)
    assert "Bake bread <script>alert(1)</script>" in told
    assert "\\u{1b}[31m" in told
    ask(browser_page, filled, task=TASK, about=RIGHT.title)
    assert browser_page.get_by_role("heading", name="The lesson you asked about").is_visible()
    ask(browser_page, filled, task=TASK, about="nonsense")
    assert "No lesson is called 'nonsense'" in browser_page.locator("[role=alert]").inner_text()
    assert browser_page.locator("#task").input_value() == TASK


def test_it_works_without_javascript_and_as_json(chromium: Any, filled: PageServer) -> None:
    with filled.client() as client:
        page = client.post("/ask", data={"task": TASK, "scope": "project"})
        assert page.status_code == 200
        assert "Read in full: it fits best" in page.text
        told = client.post("/ask.json", data={"task": TASK, "scope": "project", "limit": "1"}).json()
        assert [each["id"] for each in told["full"]] == [RIGHT.id]
        assert told["text"].startswith("Lessons from earlier tasks")
        assert client.post("/ask", data={"task": ""}).status_code == 400
        assert client.post("/ask", data={"task": "x" * 9_000}).status_code == 400
        assert client.post("/ask.json", data={"task": TASK, "limit": "many"}).status_code == 400
        assert client.get("/ask?scope=theirs").text.count('value="theirs" selected') == 1
        hostile = client.post("/ask", data={"task": HOSTILE, "scope": HOSTILE, "stuck_on": HOSTILE})
        assert hostile.status_code == 200
        assert "<script>alert" not in hostile.text
        assert "<img src=x" not in hostile.text
    assert json.dumps(told)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_in_both_schemes_and_fits_a_small_screen(
    browser_page: Any, filled: PageServer, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    browser_page.emulate_media(color_scheme=scheme)
    ask(browser_page, filled, task=TASK, about=BREAD.id)
    assert Axe().run(browser_page).response["violations"] == []
    browser_page.set_viewport_size({"width": 360, "height": 800})
    assert browser_page.evaluate("document.documentElement.scrollWidth") == 360
