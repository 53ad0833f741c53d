"""A person reads an episode of two megabytes and compares the attempts of a run, in a browser, with and without JavaScript."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Episode, LearnedStrategy, Recall, Run, content_id
from strategy_bank.tools.trajectory.normal_form import normalise
from tests.support.browsing import watching
from tests.support.page_server import PageServer, in_bank, page_open

RUN, RECALL, LESSON = content_id("run", "night"), content_id("rc", "night"), content_id("st", "night")
FIRST, SECOND, LONG_STEPS = (content_id("ep", name) for name in ("first", "second", "steps"))
LINE = "INFO worker 12: queue empty <b data-pwned onclick=alert(1)> \u202e{{7*7}}\n"
LOG = normalise(
    [
        {"role": "user", "content": "Repair the nightly import."},
        {"role": "assistant", "content": "First the log.", "tool_calls": [
            {"id": "1", "name": "bash", "input": "cat import.log"}, {"id": "2", "name": "bash", "input": "ls"}]},
        {"role": "tool", "tool_call_id": "1", "content": LINE * 14_000 + "UnicodeDecodeError in line 7\n" + LINE * 14_000},
        {"role": "tool", "tool_call_id": "2", "content": "orders.csv", "is_error": True},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "3", "name": "bash", "input": {"cmd": "pytest -q"}}]},
        {"role": "tool", "tool_call_id": "3", "content": "14 passed in 2.31s"},
    ]
)  # fmt: skip
STEPS = normalise(
    [{"thought": f"thought {n}", "action": f"go({n})", "observation": f"seen {n}"} for n in range(1, 30_001)]
)
JUDGED = {
    "reason": "The suite passed; before, the log showed the error.",
    "verdict": "failure",
    "evidence": ["14 passed in 2.31s", "UnicodeDecodeError  in line 7", "was never there"],
}


async def fill(bank: Bank) -> None:
    common: dict[str, Any] = {"scope": "project", "task": "Repair the nightly import", "run_id": RUN}
    learned = [LearnedStrategy(id=LESSON, title="Read the failing line first", action="added")]
    second = Episode(
        id=SECOND, attempt=2, trajectory=LOG.text, steps=LOG.steps, status="learned", outcome="success", self_verdict="failure",
        verdict="success", judge="agent", judgement=json.dumps(JUDGED), learned=learned, recall_id=RECALL, wrong_ids=[LESSON],
        client="some-client 1.2", session="se_0123456789abcdef", sources=["docs.example"], **common,
    )  # fmt: skip
    first = Episode(
        id=FIRST, attempt=1, trajectory="[1] text: gave up", steps=1, reason="The endpoint was away.", **common
    )
    steps = Episode(id=LONG_STEPS, scope="project", task="Many steps", trajectory=STEPS.text, steps=STEPS.steps)
    compared = json.dumps({"analysis": "The second looked at the line first.", "best_attempt": 2, "strategies": []})
    run: dict[str, Any] = {
        "id": RUN,
        "scope": "project",
        "task": "Repair the nightly import",
        "mode": "parallel",
        "attempts": 3,
    }
    await bank.add(Recall(id=RECALL, scope="project", task="Repair", strategy_ids=[LESSON]))
    await bank.add_all([first, second, steps])
    await bank.add(Run(status="finished", best_attempt=2, comparison=compared, recall_id=RECALL, **run))


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[PageServer]:
    """The page on one bank for all tests of this file, which change nothing that another one looks at."""
    home = tmp_path_factory.mktemp("episodes")
    (home / "models").symlink_to(models_dir, target_is_directory=True)
    in_bank(home, lambda bank: bank.atomically(lambda: fill(bank)))
    with page_open(home) as server:
        yield server


@pytest.fixture
def browser_page(chromium: Any, opened: PageServer) -> Iterator[Any]:
    with watching(chromium, opened, viewport={"width": 1280, "height": 900}) as watched:
        yield watched.page
        assert watched.problems == []


def comes_into_sight(page: Any, selector: str) -> None:
    page.wait_for_function(
        "s => { const b = document.querySelector(s).getBoundingClientRect(); return b.top >= 0 && b.bottom <= innerHeight; }",
        arg=selector,
        timeout=10_000,
    )


def test_the_quotes_lead_to_where_they_stand_in_two_megabytes(browser_page: Any, opened: PageServer) -> None:
    browser_page.goto(f"{opened.url}/episodes/{SECOND}")
    assert browser_page.locator(".quotes li").all_inner_texts()[2].endswith("not found in the trajectory")
    browser_page.locator(".quotes a").nth(1).click()
    browser_page.wait_for_url("**#quote-2")
    assert browser_page.locator("mark.quote").all_text_contents() == [
        "quote 2: UnicodeDecodeError in line 7",
        "quote 1: 14 passed in 2.31s",
    ]
    comes_into_sight(browser_page, "mark.quote")
    assert browser_page.locator("[data-pwned]").count() == 0
    assert "\\u{202e}" in browser_page.locator(".part.observation .words").first.inner_text()


def test_what_is_left_out_is_read_on_from_any_place(browser_page: Any, opened: PageServer) -> None:
    browser_page.goto(f"{opened.url}/episodes/{SECOND}")
    gap = browser_page.locator(".gap").first
    left = int(re.sub(r"\D", "", gap.inner_text()))
    at = int(re.findall(r"at=(\d+)", gap.locator("a").first.get_attribute("href"))[0])
    gap.locator("a").first.click()
    browser_page.wait_for_url(f"**at={at}#at")
    comes_into_sight(browser_page, "#at")
    lefts = [int(re.sub(r"\D", "", each)) for each in browser_page.locator(".gap").all_inner_texts()]
    assert lefts[0] < left
    browser_page.get_by_role("link", name="read the last of them").first.click()
    browser_page.locator("mark.quote", has_text="UnicodeDecodeError").wait_for()


def test_words_are_found_and_each_place_is_linked(browser_page: Any, opened: PageServer) -> None:
    browser_page.goto(f"{opened.url}/episodes/{SECOND}")
    browser_page.get_by_label("Find in the steps").fill("unicodedecodeerror IN line")
    browser_page.get_by_role("button", name="Find").click()
    browser_page.wait_for_url("**find=*")
    assert browser_page.locator("summary").inner_text() == "1 place with unicodedecodeerror IN line"
    browser_page.locator(".matches a").click()
    browser_page.wait_for_url("**#at")
    comes_into_sight(browser_page, "#at + mark")


def test_thirty_thousand_steps_are_paged_by_their_numbers(browser_page: Any, opened: PageServer) -> None:
    browser_page.goto(f"{opened.url}/episodes/{LONG_STEPS}")
    browser_page.get_by_label("Go to step").fill("20000")
    browser_page.get_by_role("button", name="Go", exact=True).click()
    browser_page.wait_for_url("**step=20000*")
    assert browser_page.locator(".step h3").first.inner_text() == "Step 20000"
    for name, first in (
        ("Later steps", "Step 20020"),
        ("Earlier steps", "Step 20000"),
        ("Earlier steps", "Step 19980"),
    ):
        browser_page.get_by_role("link", name=name).first.click()
        browser_page.locator(".step h3").first.filter(has_text=first).wait_for()
    browser_page.keyboard.press("j")
    browser_page.keyboard.press("j")
    assert browser_page.evaluate("document.activeElement.querySelector('h3').innerText") == "Step 19981"


def test_the_world_stands_beside_the_judge_and_calls_beside_results(browser_page: Any, opened: PageServer) -> None:
    browser_page.goto(f"{opened.url}/episodes/{SECOND}")
    verdict = browser_page.locator("section", has=browser_page.get_by_role("heading", name="Verdict", exact=True))
    assert verdict.locator("dd").all_inner_texts() == ["success", "success", "failure agent"]
    assert "They differ" in verdict.inner_text()
    labels = browser_page.locator(".step").nth(1).locator(".label").all_inner_texts()
    assert labels == ["Thought", "Call 1", "Result 1", "Call 2", "Result 2 error"]
    words = browser_page.locator("main").inner_text()
    for each in (
        "some-client 1.2",
        "se_0123456789abcdef",
        "docs.example",
        "Read the failing line first",
        "followed, it was wrong",
    ):
        assert each in words
    browser_page.get_by_role("link", name=FIRST).click()
    browser_page.wait_for_url(f"**/{FIRST}")
    waiting = browser_page.locator(".notice.warn").inner_text()
    assert "The endpoint was away." in waiting
    assert "strategy-bank distill" in waiting


def test_attempts_stand_side_by_side_and_one_above_the_other_on_a_telephone(
    browser_page: Any, opened: PageServer
) -> None:
    browser_page.goto(f"{opened.url}/runs/{RUN}")
    tops = "all => new Set(all.map(each => Math.round(each.getBoundingClientRect().top))).size"
    assert browser_page.eval_on_selector_all(".attempt", tops) == 1
    browser_page.set_viewport_size({"width": 360, "height": 740})
    assert browser_page.eval_on_selector_all(".attempt", tops) == 3
    assert browser_page.locator(".attempt.best h3").inner_text() == "Attempt 2 the best one"
    assert "14 passed in 2.31s" in browser_page.locator(".attempt.best").inner_text()
    assert "Not reported." in browser_page.locator(".attempt").nth(2).inner_text()
    assert "The second looked at the line first." in browser_page.locator("main").inner_text()


def test_an_open_run_shows_what_another_process_reports(browser_page: Any, opened: PageServer) -> None:
    other = Run(id=content_id("run", "open"), scope="project", task="Mend", mode="parallel", attempts=2)
    opened.in_bank(lambda bank: bank.atomically(lambda: bank.add(other)))
    with browser_page.expect_response("**/changes"):  # the bank is looked at from then on
        browser_page.goto(f"{opened.url}/runs/{other.id}")
    assert browser_page.get_by_text("Not reported.").count() == 2
    new = Episode(
        id=content_id("ep", "new"), scope="project", task="Mend", trajectory="done", steps=1, run_id=other.id, attempt=1
    )
    opened.in_bank(lambda bank: bank.atomically(lambda: bank.add(new)))
    browser_page.get_by_role("link", name="the whole episode").wait_for(timeout=10_000)


def test_without_javascript_everything_can_be_read(chromium: Any, opened: PageServer) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    link = opened.new_link()
    page.goto(link)
    page.get_by_label("Code").fill(link.partition("#")[2])
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{opened.url}/episodes/{SECOND}")
    page.locator(".quotes a").first.click()
    page.get_by_label("Find in the steps").fill("passed")
    page.get_by_role("button", name="Find").click()
    page.locator(".matches a").first.click()
    assert page.locator("mark").filter(has_text="passed").count() >= 1
    context.close()


def test_two_megabytes_cost_little_time_and_little_wire(opened: PageServer) -> None:
    with opened.client() as client:
        for address in (f"/episodes/{SECOND}", f"/episodes/{LONG_STEPS}?step=20000&find=seen", f"/runs/{RUN}"):
            client.get(address)
            begun = time.monotonic()
            answer = client.get(address)
            assert time.monotonic() - begun < 3  # 0.05 seconds on an idle machine
            assert int(answer.headers["content-length"]) < 40_000


def test_the_json_has_the_record_and_the_places_of_its_quotes(opened: PageServer) -> None:
    with opened.client() as client:
        found = client.get(f"/episodes/{SECOND}.json").json()
        assert client.get(f"/runs/{RUN}.json").json()["best_attempt"] == 2
        assert client.get("/episodes/ep_0.json").status_code == client.get("/runs/run_0").status_code == 404
    (start, end), *_ = found["quotes"][1]["spans"]
    assert found["trajectory"][start:end] == "UnicodeDecodeError in line 7"
    assert found["quotes"][2]["spans"] == []


def test_where_nothing_may_be_changed_nothing_can_be_forgotten(opened: PageServer) -> None:
    with opened.client() as client:
        assert f"/forget?id={SECOND}" in client.get(f"/episodes/{SECOND}").text
    with page_open(opened.home, "--read-only") as readable, readable.client() as client:
        assert "/forget" not in client.get(f"/episodes/{SECOND}").text + client.get(f"/runs/{RUN}").text
