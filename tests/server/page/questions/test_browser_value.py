"""Whether the bank helps, in a browser: the plots are drawn of tables, which say what the JSON and the command say."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode, Recall
from tests.support.page_server import PageServer
from tests.support.records import lesson, put

HOSTILE = "<script>alert(1)</script>{{7*7}}\u202e"
ID = "st_00000000000000aa"


def at(number: int) -> datetime:
    return datetime(2026, 1 + number % 4, 5, tzinfo=UTC)


def recall(number: int) -> Recall:
    shown = [ID] if number % 3 else []
    return Recall(id=f"rc_{number:016x}", created_at=at(number), scope="project" if number % 2 else HOSTILE, tokens=100,
                  task=f"task {number}" if shown else f"Mend {HOSTILE}", strategy_ids=shown)  # fmt: skip


def episode(number: int) -> Episode:
    return Episode(id=f"ep_{number:016x}", created_at=at(number), scope="project" if number % 2 else HOSTILE,
                   recall_id=f"rc_{number:016x}", task=f"task {number}", trajectory="[1] text: done", steps=1,
                   verdict="success" if number % 5 else "failure", status="recorded", used_ids=[ID])  # fmt: skip


async def fill(bank: Bank) -> None:
    await put(
        bank, lesson(1, id=ID, created_at=at(0)), lesson(2, id="st_00000000000000bb", status="retired", scope=HOSTILE)
    )
    await bank.add_all([recall(number) for number in range(40)])
    await bank.add_all([episode(number) for number in range(40)])


@pytest.fixture
def filled(opened: PageServer) -> PageServer:
    opened.in_bank(fill)
    return opened


def show(window: Any, page: PageServer, address: str = "/value") -> None:
    window.goto(f"{page.url}{address}")
    window.wait_for_selector(".plot canvas")


def cells(window: Any, table: str) -> list[list[str]]:
    return window.evaluate(
        "table => [...document.querySelector(table).tBodies[0].rows].map(row => [...row.cells].map(cell => cell.textContent))",
        table,
    )


def command(page: PageServer, *words: str) -> Any:
    """What `strategy-bank value --json` prints."""
    told = [sys.executable, "-m", "strategy_bank.server", "value", "--json", "--home", str(page.home), *words]
    return json.loads(subprocess.run(told, env=page.environment, capture_output=True, text=True, check=True).stdout)


def colours(window: Any) -> set[str]:
    """The colours that more than a few dots of the second plot have."""
    return set(
        window.evaluate("""() => {
        const canvas = document.querySelectorAll(".plot canvas")[1];
        const dots = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        const seen = new Map();
        for (let i = 0; i < dots.length; i += 4) if (dots[i + 3] === 255) {
          const each = [dots[i], dots[i + 1], dots[i + 2]].join();
          seen.set(each, (seen.get(each) ?? 0) + 1);
        }
        return [...seen].filter(([, times]) => times > 20).map(([each]) => each);
    }""")
    )


def test_every_plot_is_drawn_and_in_the_colours_of_the_scheme(browser_page: Any, filled: PageServer) -> None:
    browser_page.emulate_media(color_scheme="light")
    show(browser_page, filled)
    assert browser_page.locator("figure .plot canvas").count() == browser_page.locator("figure[data-plot]").count() == 6
    light = colours(browser_page)
    assert "23,96,79" in light
    browser_page.evaluate("document.querySelectorAll('.plot canvas').forEach((each) => each.dataset.light = '')")
    browser_page.emulate_media(color_scheme="dark")
    browser_page.locator(".plot canvas:not([data-light])").nth(5).wait_for()
    dark = colours(browser_page)
    assert "116,207,181" in dark
    assert "23,96,79" not in dark
    browser_page.evaluate("document.querySelectorAll('.plot canvas').forEach((each) => each.dataset.wide = '')")
    browser_page.set_viewport_size({"width": 360, "height": 800})
    browser_page.locator(".plot canvas:not([data-wide])").nth(5).wait_for()
    assert browser_page.evaluate("document.querySelector('.plot canvas').clientWidth") < 330
    assert browser_page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_table_the_json_and_the_command_say_the_same(browser_page: Any, filled: PageServer) -> None:
    show(browser_page, filled)
    table, plotted = cells(browser_page, "#of-all"), cells(browser_page, "table[aria-labelledby=recalls]")
    with filled.client() as client:
        told = client.get("/value.json").json()
        of_scope = client.get("/value.json?scope=project").json()
    by_month = command(filled, "--by", "month")
    assert told["all"] == command(filled)
    assert told["by_month"] == by_month
    assert of_scope["all"] == told["by_scope"]["project"]
    assert dict(table)["recalls"] == str(told["all"]["recalls"]) == "40"
    assert plotted == [[month, str(each["recalls"]), str(each["empty"])] for month, each in by_month.items()]
    shares = dict(table)["tasks with lessons that succeeded"]
    assert shares.startswith(f"{told['all']['with_lessons']['succeeded']} of {told['all']['with_lessons']['tasks']} (")


def test_what_another_process_reports_is_counted_at_the_next_look(browser_page: Any, filled: PageServer) -> None:
    with filled.client() as client:
        assert client.get("/value.json").json()["all"]["recalls"] == 40
        filled.in_bank(lambda bank: bank.add(recall(100)))
        assert client.get("/value.json").json()["all"]["recalls"] == 41


def test_gaps_lead_to_a_new_lesson_and_are_only_text(browser_page: Any, filled: PageServer) -> None:
    show(browser_page, filled)
    gap = browser_page.locator(".gaps li").first.inner_text()
    assert gap.startswith("Mend <script>alert(1)</script>{{7*7}}\\u{202e}")
    scopes = [each.get_attribute("href") for each in browser_page.get_by_role("link", name="Write a lesson").all()]
    assert "/lessons/new?scope=project" in scopes
    browser_page.locator(".gaps button").first.click()
    browser_page.wait_for_selector("#found")
    assert browser_page.locator("#task").input_value() == f"Mend {HOSTILE}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_in_both_schemes(browser_page: Any, filled: PageServer, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    browser_page.emulate_media(color_scheme=scheme)
    show(browser_page, filled)
    for each in browser_page.locator("details").all():
        each.evaluate("each => { each.open = true }")
    assert Axe().run(browser_page).response["violations"] == []


def test_an_empty_bank_says_so(browser_page: Any, opened: PageServer) -> None:
    browser_page.goto(f"{opened.url}/value")
    assert "Nothing was recalled or reported yet." in browser_page.locator("main").inner_text()
    assert browser_page.locator(".plot").count() == 0
