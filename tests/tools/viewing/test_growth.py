"""How a bank grows: lessons and reports by month, and when lessons were followed last."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import now
from strategy_bank.tools.viewing.helping.growth import growth
from tests.support.records import episode, lesson, put

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bank(settings: Settings) -> AsyncIterator[Bank]:
    opened = await Bank.open(settings.location)
    yield opened
    await opened.close()


async def test_months_between_are_there_with_nothing_in_them(bank: Bank) -> None:
    first, last = datetime(2025, 11, 30, 23, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    await put(
        bank,
        lesson(1, created_at=first),
        lesson(2, created_at=last, status="retired"),
        lesson(3, created_at=last, scope="other"),
    )
    await bank.add_all(
        [
            episode(1).model_copy(update={"created_at": first, "verdict": "success"}),
            episode(2).model_copy(update={"created_at": first}),
        ]
    )
    told = await growth(bank, "project")
    assert list(told.lessons) == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert [each["active"] for each in told.lessons.values()] == [1, 0, 0, 0]
    assert [each["retired"] for each in told.lessons.values()] == [0, 0, 0, 1]
    assert told.reports == {"2025-11": {"success": 1, "failure": 0, "": 1}}
    assert (await growth(bank)).lessons["2026-02"]["active"] == 1
    assert (await growth(bank, "nowhere")).lessons == {}


async def test_an_active_lesson_is_as_old_as_the_last_report_that_followed_it(bank: Bank) -> None:
    await put(bank, *(lesson(number) for number in range(5)), lesson(5, status="retired"))
    followed = {1: (2, [0, 1, 5]), 2: (20, [1, 2]), 3: (80, [2]), 4: (300, [2]), 5: (500, [3])}
    await bank.add_all(
        [
            episode(number).model_copy(
                update={"created_at": now() - timedelta(days=days), "used_ids": [f"st_{each}" for each in used]}
            )
            for number, (days, used) in followed.items()
        ]
    )
    assert (await growth(bank)).last_followed == {
        "in the last 7 days": 2,
        "8 to 30 days ago": 1,
        "31 to 90 days ago": 0,
        "91 to 365 days ago": 0,
        "earlier": 1,
        "never": 1,
    }


async def test_an_empty_bank_has_nothing_to_show(bank: Bank) -> None:
    told = await growth(bank)
    assert (told.lessons, told.reports, set(told.last_followed.values())) == ({}, {}, {0})
