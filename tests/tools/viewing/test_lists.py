"""Lists of lessons, episodes and recalls: what an address asks for, and what is on its pages."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Recall, now
from strategy_bank.tools.viewing.lists.asked import Asked
from strategy_bank.tools.viewing.lists.kinds import EPISODES, LESSONS, RECALLS
from strategy_bank.tools.viewing.lists.page import Page, everything, page_of
from tests.support.records import episode, lesson, put

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bank(settings: Settings) -> AsyncIterator[Bank]:
    """Lessons 0 to 4: one retired, one that helped, one that is old, one of another project, one that says nothing of bytes."""
    bank = await Bank.open(settings.location)
    await put(
        bank,
        lesson(0, status="retired"),
        lesson(1, helped=2),
        lesson(2, created_at=now() - timedelta(days=500)),
        lesson(3, scope="other", hurt=1),
        lesson(4, title="Read CSV files", content="Give the encoding by name.", source_task="Parse a table"),
    )
    yield bank
    await bank.close()


async def shown(bank: Bank, **given: str) -> Page[Any]:
    return await page_of(bank, Asked.of(LESSONS, given))


async def found(bank: Bank, **given: str) -> set[str]:
    return {each.id for each in (await shown(bank, **given)).records}


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ({"status": "retired"}, "0"),
        ({"record": "helped"}, "1"),
        ({"record": "unused"}, "024"),
        ({"age": "older"}, "2"),
        ({"age": "7", "scope": "project"}, "014"),
        ({"q": "LESSON 3"}, "3"),
        ({"q": "encoding csv"}, "4"),
        ({"q": '"csv encoding"'}, ""),
        ({"q": "bytes", "status": "active"}, "123"),
        ({"unknown": "left out"}, "01234"),
    ],
)
async def test_a_list_is_narrowed_by_words_and_facets(bank: Bank, given: dict[str, str], ids: str) -> None:
    assert await found(bank, **given) == {f"st_{number}" for number in ids}


async def test_facets_say_how_many_would_be_left(bank: Bank) -> None:
    page = await shown(bank, status="active")
    numbers = {facet.name: {each.value: each.number for each in facet.choices} for facet in page.facets}
    assert numbers == {
        "scope": {"project": 3, "other": 1},
        "status": {"active": 4},
        "outcome": {"success": 4},
        "holds": {"generally": 4},
        "record": {"helped": 1, "hurt": 1, "unused": 2},
        "age": {"1": 3, "7": 3, "30": 3, "90": 3, "365": 3, "older": 1},
    }
    for name, choices in numbers.items():
        for value, number in choices.items():
            assert (await shown(bank, status="active", **({name: value} if name != "status" else {}))).total == (
                number if name != "status" else 4
            )


async def test_what_is_near_in_meaning_is_shown_beside_what_has_the_words(bank: Bank) -> None:
    page = await shown(bank, q="which character set has this spreadsheet")
    assert page.total == 0
    assert page.near[0].lesson.id == "st_4"
    assert page.near[0].cosine > page.near[-1].cosine


async def test_what_an_address_asks_for_is_kept_in_the_addresses_of_its_links() -> None:
    asked = Asked.of(LESSONS, {"q": "a b", "status": "active", "order": "title", "page": "3"})
    assert asked.parameters() == {"q": "a b", "status": "active", "order": "title"}
    assert asked.parameters(page=4) == {"q": "a b", "status": "active", "order": "title", "page": "4"}
    assert asked.parameters(status="") == {"q": "a b", "order": "title"}


@pytest.mark.parametrize("given", [{"page": "0"}, {"page": "x"}, {"order": "vector"}, {"age": "8"}, {"record": "no"}])
async def test_an_address_that_means_nothing_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match=r"is one of|is a number"):
        Asked.of(LESSONS, given)


async def test_the_work_of_an_episode_is_searched_where_that_is_asked_for(bank: Bank) -> None:
    await bank.add_all([episode(1).model_copy(update={"trajectory": "The Needle"}), episode(2)])
    assert (await page_of(bank, Asked.of(EPISODES, {"q": "needle"}))).total == 0
    page = await page_of(bank, Asked.of(EPISODES, {"q": "needle", "thorough": "yes"}))
    assert [each.id for each in page.records] == ["ep_1"]
    assert (await page_of(bank, Asked.of(EPISODES, {"verdict": "none"}))).total == 2


async def test_recalls_are_told_apart_by_what_was_handed_out(bank: Bank) -> None:
    some: list[tuple[str, list[str], list[str]]] = [
        ("full", ["st_1"], ["st_2"]),
        ("listed", [], ["st_2"]),
        ("nothing", [], []),
    ]
    await bank.add_all([Recall(id=f"rc_{n}", scope="p", task=n, strategy_ids=f, listed_ids=ls) for n, f, ls in some])
    for name, _, _ in some:
        page = await page_of(bank, Asked.of(RECALLS, {"shown": name}))
        assert [each.id for each in page.records] == [f"rc_{name}"]
        facet = next(each for each in (await page_of(bank, Asked.of(RECALLS, {}))).facets if each.name == "shown")
        assert {each.value: each.number for each in facet.choices} == {"full": 1, "listed": 1, "nothing": 1}


async def test_everything_is_all_of_the_list_in_its_order(bank: Bank) -> None:
    asked = Asked.of(LESSONS, {"order": "title", "page": "7"})
    assert [each.id async for each in everything(bank, asked)] == ["st_0", "st_1", "st_2", "st_3", "st_4"]
