"""A session that teaches very many lessons within a day: the further ones wait for a person."""

from datetime import timedelta
from typing import Any

import anyio
import anyio.to_thread
import pytest

from bench.support.lessons import lesson
from bench.support.lessons import report as numbered
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Strategy, now
from strategy_bank.tools.safety import admission
from strategy_bank.tools.safety.admission import A_DAY, MANY, within_a_day
from tests.support.connecting import Connect
from tests.support.records import lesson as stored_lesson
from tests.support.records import put, stored
from tests.support.samples import call
from tests.support.shell import run

pytestmark = pytest.mark.anyio


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three lessons within a day are the most."""
    monkeypatch.setattr(admission, "A_DAY", 3)


@pytest.mark.usefixtures("three")
async def test_the_further_lessons_of_a_session_wait_and_its_reports_are_told_so(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        told = [await call(client, "report_outcome", **numbered(number)) for number in range(5)]
    assert [[each["action"] for each in one["strategies"]] for one in told] == [["added"]] * 3 + [["waiting"]] * 2
    assert ["within a day" in " ".join(one["warnings"]) for one in told] == [False] * 3 + [True] * 2
    waiting = [each for each in await stored(settings, Strategy) if each.status == "waiting"]
    assert [each.status_reason for each in waiting] == [MANY] * 2
    listed = await run(settings, "review", "--list")
    assert listed.stdout.count("within a day") == 2
    await run(settings, "review", answers="l\nl\n")
    assert {each.status for each in await stored(settings, Strategy)} == {"active"}


@pytest.mark.usefixtures("three")
async def test_reports_that_a_session_sends_at_once_are_counted_together(connect: Connect, settings: Settings) -> None:
    async with connect() as client, anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(lambda given: call(client, "report_outcome", **given), numbered(number))
    assert sorted(each.status for each in await stored(settings, Strategy)) == ["active"] * 3 + ["waiting"] * 2


@pytest.mark.usefixtures("three")
async def test_another_session_may_teach_as_many_again(connect: Connect, settings: Settings) -> None:
    for first in (0, 3):
        async with connect() as client:
            for number in range(first, first + 3):
                await call(client, "report_outcome", **numbered(number))
    assert {each.status for each in await stored(settings, Strategy)} == {"active"}


@pytest.mark.usefixtures("three")
async def test_what_was_taught_more_than_a_day_ago_no_longer_counts(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        await call(client, "report_outcome", **numbered(0))
        (first,) = await stored(settings, Strategy)
        bank = await Bank.open(settings.location)
        for number, hours in ((1, 23), (2, 25), (3, 25)):
            at = now() - timedelta(hours=hours)
            await put(bank, stored_lesson(number, session=first.session, created_at=at))
        await bank.close()
        told = [await call(client, "report_outcome", **numbered(number)) for number in (4, 5)]
    assert [[each["action"] for each in one["strategies"]] for one in told] == [["added"], ["waiting"]]


@pytest.mark.usefixtures("three")
async def test_what_says_what_is_known_needs_no_room(connect: Connect, settings: Settings) -> None:
    async with connect() as client:
        for number in (0, 1, 2):
            await call(client, "report_outcome", **numbered(number))
        known = numbered(0)
        again: dict[str, Any] = known | {
            "task": "Repair it on the other machine as well.",
            "trajectory": "14 passed in 2.31s",
        }
        told = await call(client, "report_outcome", **again)
    assert [each["action"] for each in told["strategies"]] == ["merged"]
    assert told["warnings"] == []
    assert {each.status for each in await stored(settings, Strategy)} == {"active"}


def test_the_bound_leaves_what_is_quarantined_as_it_is_and_counts_what_was_taught() -> None:
    drafts = [
        Strategy.model_validate({"id": f"st_{number}", "outcome": "success", **lesson(number), "status": status})
        for number, status in enumerate(["active", "quarantined", "active"])
    ]
    for taught, statuses in {
        A_DAY - 3: ["active", "quarantined", "active"],
        A_DAY - 2: ["active", "quarantined", "waiting"],
        A_DAY: ["waiting", "quarantined", "waiting"],
        2 * A_DAY: ["waiting", "quarantined", "waiting"],
    }.items():
        assert [each.status for each in within_a_day(drafts, taught)] == statuses
