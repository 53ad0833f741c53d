"""Every page can be read by everybody: axe finds nothing, in either colour scheme, on a wide screen and on a telephone."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.support.browsing import Watched, sample, sideways, watching, without_address
from tests.support.hostile_bank import HARMLESS, id_of
from tests.support.page_server import PageServer, page_on

MORE = (
    "/nothing-here",
    f"/lessons/{id_of('st', '0', 2)}",
    f"/episodes/{id_of('ep', '0', 2)}",
    f"/runs/{id_of('run', '0', 2)}",
    f"/recalls/{id_of('rc', '0', 3)}",
)
"""Pages whose look depends on the state of what they show."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[PageServer]:
    with page_on(tmp_path_factory.mktemp("read"), models_dir, HARMLESS) as opened:
        yield opened


@pytest.fixture
def watched(chromium: Any, server: PageServer) -> Iterator[Watched]:
    with watching(chromium, server, viewport={"width": 1280, "height": 900}, color_scheme="light") as watched:
        yield watched


def violations(page: Any) -> list[str]:
    """Return what axe has to say, with the element that it is about."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"]]


def test_every_page_has_an_address_that_is_looked_at() -> None:
    assert without_address() == []


def test_axe_finds_nothing_on_any_page_in_either_scheme_and_on_a_telephone(watched: Watched) -> None:
    found = list[str]()
    for address in (*sample("0"), *MORE):
        watched.page.set_viewport_size({"width": 1280, "height": 900})
        watched.page.emulate_media(color_scheme="light")
        watched.open(address)
        found += [f"{address}: {each}" for each in violations(watched.page)]
        watched.page.emulate_media(color_scheme="dark")
        watched.page.set_viewport_size({"width": 360, "height": 740})
        found += [f"{address}, dark and narrow: {each}" for each in violations(watched.page)]
        wide = max(sideways(watched.page), sideways(watched.page, "main"))
        found += [f"{address}: {wide} pixels wider than a telephone"] if wide > 0 else []
    assert found == []


def test_axe_finds_nothing_before_somebody_signs_in(chromium: Any, server: PageServer) -> None:
    context = chromium.new_context(color_scheme="dark", viewport={"width": 360, "height": 740})
    page = context.new_page()
    page.goto(f"{server.url}/lessons?q=a")
    found = violations(page)
    page.get_by_label("Code").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    assert page.get_by_role("alert").is_visible()
    assert [*found, *violations(page)] == []
    context.close()


def test_whoever_wants_no_motion_sees_none(chromium: Any, server: PageServer) -> None:
    moving = """() => [...document.querySelectorAll('*')].filter((each) => {
        const style = getComputedStyle(each);
        return style.scrollBehavior === 'smooth' || style.animationName !== 'none'
            || style.transitionDuration.split(',').some((time) => parseFloat(time) > 0);
    }).map((each) => each.outerHTML.slice(0, 100))"""
    with watching(chromium, server, reduced_motion="reduce") as watched:
        for address in sample("0"):
            watched.open(address)
            assert watched.page.evaluate(moving) == [], address


def test_headings_are_in_order_and_there_is_one_first_on_every_page(watched: Watched) -> None:
    for address in (*sample("0"), *MORE):
        watched.open(address)
        levels = watched.page.eval_on_selector_all("h1, h2, h3, h4, h5, h6", "all => all.filter(h => h.checkVisibility())"
                                                   ".map(h => +h.tagName[1])")  # fmt: skip
        assert levels.count(1) == 1, address
        assert all(next <= level + 1 for level, next in pairwise(levels)), (address, levels)
