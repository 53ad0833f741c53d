"""Pages of a list, in any order and through any filter, and how many records are of which kind."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.lance.filters import Between, Equal, Holding, Naming
from strategy_bank.store.lance.listing import Listing
from strategy_bank.store.location import Location
from strategy_bank.store.records import Episode, Recall, Strategy
from tests.support.records import episode, lesson, put

pytestmark = pytest.mark.anyio
START = datetime(2026, 1, 1, 23, 30, tzinfo=UTC)


@pytest.fixture
async def bank(folder: Location) -> AsyncIterator[Bank]:
    """Ten lessons, one an hour; the even ones helped, and every third is retired."""
    bank = await Bank.open(folder)
    await put(
        bank,
        *(
            lesson(
                number,
                created_at=START + timedelta(hours=number),
                helped=(number + 1) % 2,
                status="active" if number % 3 else "retired",
                contradicts=[f"st_{number + 1}", "st_77"] if number < 2 else [],
            )
            for number in range(10)
        ),
    )
    yield bank
    await bank.close()


async def ids(bank: Bank, where: Equal, order: str = "created_at", offset: int = 0, limit: int = 50) -> list[str]:
    return [each.id for each in (await bank.listed(Strategy, Listing(where, order, offset, limit))).records]


async def test_a_page_has_its_records_in_order_and_the_number_of_all(bank: Bank) -> None:
    page = await bank.listed(Strategy, Listing(offset=2, limit=3))
    assert page.total == 10
    assert page.records == [await bank.get(Strategy, f"st_{number}") for number in (7, 6, 5)]
    assert await ids(bank, {}, "created_at", 8) == ["st_8", "st_9"]
    assert await ids(bank, {}, "-helped", limit=5) == ["st_8", "st_6", "st_4", "st_2", "st_0"]
    past = await bank.listed(Strategy, Listing(offset=50))
    assert (past.total, past.records) == (10, [])


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"status": "retired", "helped": Between(1)}, [0, 6]),
        ({"helped": Between(below=1)}, [1, 3, 5, 7, 9]),
        ({"created_at": Between(START + timedelta(hours=2), START + timedelta(hours=4))}, [2, 3]),
        ({"title": Holding(["LESSON", "case 3"], ["content"])}, [3]),
        ({"title": Holding(["case 3"])}, []),
        ({"contradicts": Naming("st_1")}, [0]),
        ({"contradicts": Naming("st_77")}, [0, 1]),
        ({"contradicts": Naming("st_7")}, []),
        ({"caution": None, "status": "retired"}, [0, 3, 6, 9]),
    ],
)
async def test_a_filter_lets_through_what_it_says(bank: Bank, where: Equal, found: list[int]) -> None:
    assert await ids(bank, where) == [f"st_{number}" for number in found]


async def test_records_are_counted_by_what_their_columns_hold(bank: Bank) -> None:
    assert await bank.tally(Strategy, "status", {}) == {"active": 6, "retired": 4}
    assert await bank.tally(Strategy, "helped", {"status": "retired"}) == {1: 2, 0: 2}
    assert await bank.cross_tally(Strategy, ["status", "helped"], {"helped": 1}) == {
        ("retired", 1): 2,
        ("active", 1): 3,
    }
    assert await bank.tally(Strategy, "created_at", {}) == {date(2026, 1, 1): 1, date(2026, 1, 2): 9}
    assert await bank.tallies(Strategy, ["status", "hurt"], {"helped": 0}) == {
        "status": {"active": 3, "retired": 2},
        "hurt": {0: 5},
    }
    assert await bank.tally(Recall, "scope", {}) == {}


async def test_what_has_no_verdict_counts_as_an_empty_text_and_is_found(bank: Bank) -> None:
    await bank.add_all([episode(1), episode(2).model_copy(update={"verdict": "failure"})])
    assert await bank.tally(Episode, "verdict", {}) == {"": 1, "failure": 1}
    assert [each.id for each in (await bank.listed(Episode, Listing({"verdict": None}))).records] == ["ep_1"]


async def test_a_trajectory_is_read_only_where_it_is_named(bank: Bank) -> None:
    await bank.add_all([episode(1)])
    assert (await bank.listed(Episode, Listing())).records[0] == episode(1).model_copy(
        update={"trajectory": ""} | (await bank.get(Episode, "ep_1")).model_dump(include={"created_at", "updated_at"})
    )
    named = await bank.listed(Episode, Listing(), ["trajectory"])
    assert named.records[0].trajectory == episode(1).trajectory


async def test_a_list_shows_what_another_process_wrote_meanwhile(bank: Bank, folder: Location) -> None:
    assert (await bank.listed(Strategy, Listing())).total == 10
    other = await Bank.open(folder)
    await put(other, lesson(11))
    await other.close()
    assert (await bank.listed(Strategy, Listing(limit=1))).records[0].id == "st_11"
    assert await bank.tally(Strategy, "status", {}) == {"active": 7, "retired": 4}
