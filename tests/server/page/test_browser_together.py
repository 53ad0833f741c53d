"""Two people at two servers of one bank: what one decides, the other sees, and nothing is decided twice."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from strategy_bank.store.records import Strategy
from tests.support.browsing import Watched, watching
from tests.support.hostile_bank import HARMLESS, fill
from tests.support.page_server import PageServer, in_bank, page_open
from tests.support.records import lesson, put

WITHIN_S = 2.0
HELD = [each for each in HARMLESS.lessons if each.status == "waiting"]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[tuple[PageServer, PageServer]]:
    home = tmp_path_factory.mktemp("together")
    (home / "models").symlink_to(models_dir, target_is_directory=True)
    in_bank(home, lambda bank: fill(bank, HARMLESS))
    with page_open(home) as one, page_open(home) as other:
        yield one, other


@pytest.fixture
def both(chromium: Any, servers: tuple[PageServer, PageServer]) -> Iterator[tuple[Watched, Watched]]:
    with ExitStack() as stack:
        one, other = (stack.enter_context(watching(chromium, server)) for server in servers)
        yield one, other


def item(window: Watched, strategy: Strategy) -> Any:
    return window.page.locator(f"article#{strategy.id}")


def decide(window: Watched, strategy: Strategy, name: str) -> None:
    item(window, strategy).get_by_role("button", name=name).click()
    window.page.get_by_role("status").first.wait_for()


def stored(window: Watched, strategy: Strategy) -> Strategy:
    return window.server.in_bank(lambda bank: bank.get(Strategy, strategy.id))


def test_what_one_decides_the_other_sees_within_two_seconds(both: tuple[Watched, Watched]) -> None:
    one, other = both
    item(other, HELD[0]).wait_for()
    decide(one, HELD[0], "Let in")
    decided = monotonic()
    item(other, HELD[0]).wait_for(state="detached", timeout=10_000)
    assert monotonic() - decided < WITHIN_S
    assert stored(one, HELD[0]).status == "active"
    assert one.problems == other.problems == []


def test_what_an_agent_teaches_appears_within_two_seconds(both: tuple[Watched, Watched]) -> None:
    one, _ = both
    new = lesson(1, id="st_00000000000000aa", status="waiting", status_reason="new: nobody has let it in yet")
    one.page.wait_for_timeout(500)  # the stream of changes is open
    one.server.in_bank(lambda bank: put(bank, new))
    written = monotonic()
    item(one, new).wait_for(timeout=10_000)
    assert monotonic() - written < WITHIN_S


def test_what_was_decided_meanwhile_is_not_decided_again(both: tuple[Watched, Watched]) -> None:
    one, other = both
    other.page.route("**/changes", lambda route: route.abort())  # this window does not learn of it
    other.page.goto(f"{other.server.url}/")
    item(other, HELD[1]).wait_for()
    decide(one, HELD[1], "Keep out")
    before = stored(one, HELD[1])
    item(other, HELD[1]).get_by_role("button", name="Let in").click()
    other.page.get_by_text("was changed meanwhile").wait_for()
    assert stored(one, HELD[1]) == before


def test_somebody_who_is_typing_is_told_of_changes_and_keeps_the_words(both: tuple[Watched, Watched]) -> None:
    one, other = both
    for window in both:
        window.page.goto(f"{window.server.url}/")
    one.page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend', '<form><input id=typed aria-label=x></form>')"
    )
    one.page.locator("#typed").fill("half a sentence")
    one.page.wait_for_timeout(500)
    new = lesson(2, id="st_00000000000000ab", status="waiting", status_reason="new: nobody has let it in yet")
    other.server.in_bank(lambda bank: put(bank, new))
    one.page.get_by_text("The bank has changed.").wait_for(timeout=10_000)
    assert one.page.locator("#typed").input_value() == "half a sentence"


def test_a_session_of_one_server_is_good_at_the_other_and_over_at_both(both: tuple[Watched, Watched]) -> None:
    one, other = both
    one.page.goto(f"{other.server.url}/lessons")
    assert one.page.url == f"{other.server.url}/lessons"
    one.page.get_by_role("button", name="Sign out").click()
    one.page.wait_for_url("**/sign-in")
    one.page.goto(f"{one.server.url}/")
    assert "/sign-in" in one.page.url
