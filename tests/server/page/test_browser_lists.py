"""The lists in a browser: narrowed step by step, searched, paged, and taken away as CSV and JSON."""

import csv
import io
import json
from typing import Any

import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Strategy
from tests.support.page_server import PageServer
from tests.support.records import episode, lesson, put

HOSTILE = '=1+1"><script>window.pwned = 1</script>'


async def fill(bank: Bank) -> None:
    """Sixty lessons, the even ones retired, one hostile; an episode."""
    lessons = [lesson(number, status="active" if number % 2 else "retired") for number in range(59)]
    await put(bank, *lessons, lesson(99, title=HOSTILE, description=HOSTILE, scope="<b>scope</b>"))
    await bank.add_all([episode(1)])


@pytest.fixture
def window(browser_page: Any, opened: PageServer) -> Any:
    opened.in_bank(fill)
    browser_page.goto(f"{opened.url}/lessons")
    return browser_page


def heading(window: Any) -> str:
    return window.locator("#found").inner_text()


def test_a_list_is_narrowed_paged_and_widened_again(window: Any) -> None:
    assert heading(window) == "60 lessons, 1 to 50"
    window.get_by_role("link", name="Next").click()
    assert heading(window) == "60 lessons, 51 to 60"
    window.get_by_role("link", name="active", exact=True).click()
    assert heading(window) == "30 lessons"
    assert window.url.endswith("/lessons?status=active")
    window.get_by_label("Words", exact=True).fill("case 17")
    window.get_by_label("Words", exact=True).press("Enter")
    assert heading(window) == "1 lesson"
    window.get_by_role("link", name="State: active").click()
    assert "status" not in window.url
    assert heading(window) == "1 lesson"
    assert window.get_by_role("heading", name="Near in meaning").is_visible()


def test_an_item_is_reached_and_edited_by_keys(window: Any) -> None:
    window.keyboard.press("j")
    window.keyboard.press("j")
    item = window.locator("article").nth(1).get_attribute("id")
    assert window.evaluate("document.activeElement.id") == item
    second = item.removeprefix("item-")
    window.keyboard.press("e")
    window.wait_for_url(f"**/lessons/{second}/edit")


def test_what_is_stored_is_shown_as_text_in_the_list_and_harmless_in_its_csv(window: Any, opened: PageServer) -> None:
    assert window.evaluate("window.pwned") is None
    assert HOSTILE in window.locator("#item-st_99").inner_text()
    answer = window.request.get(f"{opened.url}/lessons.csv?q=script")
    rows = list(csv.DictReader(io.StringIO(answer.text())))
    assert [row["title"] for row in rows] == [f"'{HOSTILE}"]
    assert "attachment" in answer.headers["content-disposition"]


def test_the_whole_list_comes_as_json(window: Any, opened: PageServer) -> None:
    listed = json.loads(window.request.get(f"{opened.url}/lessons.json?status=active&order=title").text())
    assert len([Strategy.model_validate(each) for each in listed]) == 30
    assert json.loads(window.request.get(f"{opened.url}/runs.json").text()) == []


def test_a_lesson_that_another_process_adds_appears_by_itself(window: Any, opened: PageServer) -> None:
    opened.in_bank(lambda bank: put(bank, lesson(100, title="Just written")))
    window.get_by_role("link", name="Just written", exact=True).wait_for(timeout=5_000)
    assert heading(window) == "61 lessons, 1 to 50"
