"""Stored texts stay texts on every page, in a real browser: nothing of them runs, loads, becomes an element or stays unseen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strategy_bank.store.visible_text import visible
from tests.support.browsing import Watched, all_pages, record_pages, sample, sideways, watching
from tests.support.hostile_bank import HOSTILE, LONG, TEXTS
from tests.support.page_server import PageServer, page_on


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[PageServer]:
    with page_on(tmp_path_factory.mktemp("hostile"), models_dir, HOSTILE) as server:
        yield server


@pytest.fixture
def watched(chromium: Any, hostile: PageServer) -> Iterator[Watched]:
    with watching(chromium, hostile) as watched:
        yield watched


def pages_of(*names: str) -> list[str]:
    """The pages that are there, once for each of the texts, and those of no record once."""
    return list(dict.fromkeys(address for name in names for address in sample(name)))


def test_nothing_that_is_stored_runs_or_loads_or_becomes_an_element(watched: Watched) -> None:
    problems = [each for address in pages_of(*TEXTS, LONG) for each in watched.open(address)]
    assert problems == []


def test_hidden_characters_are_shown_as_escapes_on_every_page(hostile: PageServer) -> None:
    with hostile.client() as client:
        for address in all_pages(HOSTILE):
            answer = client.get(address)
            assert answer.status_code == 200, address
            assert visible(answer.text) == answer.text, address


@pytest.mark.parametrize("width", [360, 3840])
def test_no_page_is_wider_than_the_window_whatever_is_stored(watched: Watched, width: int) -> None:
    watched.page.set_viewport_size({"width": width, "height": 800})
    wide = list[str]()
    for address in pages_of("one long word", "marks"):
        watched.open(address)
        wide += [f"{address} by {by} pixels"] if (by := sideways(watched.page)) > 0 else []
    for address in record_pages("one long word"):
        watched.open(address)
        wide += [f"{address} cuts off {by} pixels"] if (by := sideways(watched.page, "main")) > 0 else []
    assert wide == []
