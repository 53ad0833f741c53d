"""What holds for a bank in a folder holds on an object store too, where no file lock keeps writers apart."""

import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.errors import BankBusy, Conflict
from strategy_bank.store.location import Location
from strategy_bank.store.maintenance.upkeep import COMPACT_AT
from strategy_bank.store.records import Episode, Strategy
from tests.support.records import episode, lesson, put

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.slow)])
def location(request: pytest.FixtureRequest) -> Location:
    return request.getfixturevalue(request.param)


async def test_many_writes_are_compacted_and_stay_findable(bank: Bank) -> None:
    await put(bank, lesson(1))
    for number in range(COMPACT_AT + 1):
        async with bank.lock.hold():
            await bank.add(episode(number))
            await bank.amend([(await bank.get(Strategy, "st_1")).model_copy(update={"helped": number})])
    assert await bank.maintain()
    assert max((await bank.fragments()).values()) < COMPACT_AT
    assert not await bank.maintain()
    assert await bank.count(Episode) == COMPACT_AT + 1
    assert [hit.helped for hit in await bank.search("look at the bytes", ["project"], 1)] == [COMPACT_AT]


async def test_a_change_of_a_record_that_somebody_else_changed_meanwhile_is_refused(bank: Bank) -> None:
    await put(bank, lesson(1), lesson(2))
    read = await bank.all(Strategy)
    await bank.amend([read[0].model_copy(update={"helped": 1})])
    with pytest.raises(Conflict):
        await bank.amend([strategy.model_copy(update={"hurt": 1}) for strategy in read])
    assert [(s.helped, s.hurt) for s in await bank.all(Strategy)] == [(1, 0), (0, 1)]
    await bank.forget(["st_2"])
    await bank.amend([read[1]])  # what is gone is no conflict
    assert await bank.count(Strategy) == 1


async def test_a_step_is_done_again_until_nobody_else_comes_first(bank: Bank, location: Location) -> None:
    await put(bank, lesson(1))
    tries = 0

    async def step() -> int:
        nonlocal tries
        tries += 1
        read = await bank.get(Strategy, "st_1")
        if tries <= 2:
            await bank.amend([read])  # somebody else
        await bank.amend([read.model_copy(update={"helped": read.helped + 1})])
        return tries

    assert await bank.atomically(step) == 3
    assert (await bank.get(Strategy, "st_1")).helped == 1
    tries = -1000
    with pytest.raises(BankBusy, match="try again"):
        await bank.atomically(step)
