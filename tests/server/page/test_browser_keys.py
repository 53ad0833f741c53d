"""The page without a mouse, and without JavaScript: everything that is for reading and deciding works."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strategy_bank.store.records import Strategy
from tests.support.browsing import Watched, sample, watching
from tests.support.hostile_bank import HARMLESS
from tests.support.page_server import PageServer, page_on

HELD = [each for each in HARMLESS.lessons if each.status in ("waiting", "quarantined")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[PageServer]:
    with page_on(tmp_path_factory.mktemp("keys"), models_dir, HARMLESS) as opened:
        yield opened


@pytest.fixture
def watched(chromium: Any, server: PageServer) -> Iterator[Watched]:
    with watching(chromium, server) as watched:
        yield watched


def status(server: PageServer, id: str) -> str:
    return server.in_bank(lambda bank: bank.get(Strategy, id)).status


def focused(page: Any) -> str:
    return page.evaluate("document.activeElement.closest('[data-item]')?.id ?? ''")


def test_the_first_stop_leads_past_the_menu_and_every_stop_is_seen(watched: Watched) -> None:
    page = watched.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    unseen = list[str]()
    for _ in range(25):
        page.keyboard.press("Tab")
        unseen += page.evaluate("""() => {
            const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
            const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.width > 0;
            return at === document.body || seen ? [] : [at.outerHTML.slice(0, 120)];
        }""")
    assert unseen == []


def test_keys_go_through_the_items_and_decide_the_one_that_is_meant(watched: Watched, server: PageServer) -> None:
    page, (first, second) = watched.page, HELD[:2]
    page.keyboard.press("j")
    ids = page.eval_on_selector_all("[data-item]", "all => all.map(each => each.id)")
    assert focused(page) == ids[0]
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert focused(page) == ids[0]
    for key, lesson, becomes in (("a", first, "active"), ("r", second, "retired")):
        page.locator(f"article#{lesson.id}").focus()
        page.keyboard.press(key)
        page.locator(f"article#{lesson.id}").wait_for(state="detached")
        page.get_by_role("status").first.wait_for()
        assert status(server, lesson.id) == becomes
        assert focused(page) in ids  # the next one, not the beginning
    page.get_by_role("status").first.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    page.locator(f"article#{second.id}").wait_for()
    assert status(server, second.id) == second.status
    assert watched.problems == []


def test_the_keys_are_told_and_do_nothing_while_somebody_types(watched: Watched, server: PageServer) -> None:
    page = watched.page
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()
    page.keyboard.press("/")
    page.keyboard.type("jkearu?")
    assert page.locator("#search").input_value() == "jkearu?"
    assert page.url == f"{server.url}/"


def test_without_javascript_everything_is_read_and_decided(chromium: Any, server: PageServer) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page, held = context.new_page(), HELD[2]
    page.goto(f"{server.url}/")
    page.get_by_label("Code").fill(server.new_link().partition("#")[2])
    page.get_by_role("button", name="Sign in").click()
    for address in sample("0"):
        answer = page.goto(f"{server.url}{address}")
        assert answer.ok, address
        assert page.get_by_role("heading", level=1).is_visible(), address
    page.goto(f"{server.url}/")
    page.locator(f"article#{held.id}").get_by_role("button", name="Let in").click()
    assert page.locator(f"article#{held.id}").count() == 0
    assert status(server, held.id) == "active"
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    assert page.locator(f"article#{held.id}").is_visible()
    assert status(server, held.id) == held.status
    context.close()
