"""What a person decides is kept with the lesson, stays, can be undone, and is not done on what was changed meanwhile."""

from collections.abc import AsyncIterator

import pytest

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.lance.selection import Selection
from strategy_bank.store.records import Proposal, Strategy
from strategy_bank.tools.curation.decisions import change_status, keep_both, look_of, undo
from strategy_bank.tools.curation.forgetting import carry_out, forget, plan
from strategy_bank.tools.curation.words import accept, drop, revert
from strategy_bank.tools.learning.credit import HURT
from strategy_bank.tools.sharing.describe import describe
from tests.support.records import lesson, put

pytestmark = pytest.mark.anyio
ONE, OTHER, THIRD = (f"st_{number:016x}" for number in (1, 2, 3))
CORRECTION = Proposal(
    title="Look twice", description="When read.", content="Look at Example Corp twice.", proposed_by="ep_1", waits=True
)


@pytest.fixture
async def bank(settings: Settings) -> AsyncIterator[Bank]:
    """A bank with two lessons that contradict each other, and a third that has a correction."""
    opened = await Bank.open(settings.location)
    await put(
        opened,
        lesson(1, id=ONE, contradicts=[OTHER]),
        lesson(2, id=OTHER, contradicts=[THIRD, ONE]),
        lesson(3, id=THIRD, proposals=[CORRECTION]),
    )
    yield opened
    await opened.close()


async def get(bank: Bank, id: str) -> Strategy:
    return await bank.get(Strategy, id)


async def test_two_that_both_stand_contradict_each_other_no_more_and_all_else_stays(bank: Bank) -> None:
    await keep_both(bank, (ONE, OTHER))
    one, other = await get(bank, ONE), await get(bank, OTHER)
    assert (one.contradicts, other.contradicts) == ([], [THIRD])
    assert (one.status, other.status) == ("active", "active")
    assert f"stands beside its opposite {OTHER}" in describe(one)
    assert f"stands beside its opposite {ONE}" in describe(other)


@pytest.mark.parametrize("undone", [ONE, OTHER])
async def test_undo_of_either_links_both_again_and_undo_of_that_parts_them(bank: Bank, undone: str) -> None:
    await keep_both(bank, (ONE, OTHER))
    await undo(bank, undone)
    assert ((await get(bank, ONE)).contradicts, set((await get(bank, OTHER)).contradicts)) == ([OTHER], {THIRD, ONE})
    await undo(bank, undone)
    assert ((await get(bank, ONE)).contradicts, (await get(bank, OTHER)).contradicts) == ([], [THIRD])


async def test_two_that_do_not_contradict_each_other_are_left_alone(bank: Bank) -> None:
    with pytest.raises(InvalidInput, match="do not contradict"):
        await keep_both(bank, (ONE, THIRD))


async def test_a_dropped_correction_is_in_the_history_and_undo_brings_it_back(bank: Bank) -> None:
    await drop(bank, await get(bank, THIRD), CORRECTION)
    dropped = await get(bank, THIRD)
    assert dropped.proposals == []
    assert "a correction was dropped: Look twice" in describe(dropped)
    await undo(bank, THIRD)
    assert (await get(bank, THIRD)).proposals == [CORRECTION]
    with pytest.raises(InvalidInput, match="waits no more"):
        await drop(bank, dropped, CORRECTION.model_copy(update={"title": "Another"}))


async def test_what_was_changed_meanwhile_is_not_decided(bank: Bank) -> None:
    seen = look_of(await get(bank, ONE))
    await change_status(bank, [ONE], "retired", "by somebody else")
    for decide in (change_status(bank, [ONE], "active", "", seen), keep_both(bank, (ONE, OTHER), (seen, ""))):
        with pytest.raises(InvalidInput, match="changed meanwhile"):
            await decide
    with pytest.raises(InvalidInput, match="changed meanwhile"):
        await undo(bank, ONE, seen)
    assert (await get(bank, ONE)).status == "retired"


async def test_counters_that_move_are_no_change_of_what_a_person_sees(bank: Bank) -> None:
    one = await get(bank, ONE)
    await bank.atomically(lambda: bank.amend([one.model_copy(update={"helped": 4, "credited_by": ["ep_1"]})]))
    await change_status(bank, [ONE], "retired", "by hand", look_of(one))
    assert (await get(bank, ONE)).status == "retired"


async def test_a_person_can_agree_with_the_rule_that_retired_a_lesson_and_undo_that(bank: Bank) -> None:
    one = await get(bank, ONE)
    await bank.atomically(lambda: bank.amend([one.retired(f"{HURT}it failed in ep_1")]))
    await change_status(bank, [ONE], "retired", "by hand")
    assert (await get(bank, ONE)).status_reason == "by hand"
    await undo(bank, ONE)
    assert (await get(bank, ONE)).status_reason == f"{HURT}it failed in ep_1"


async def test_decisions_keep_nothing_of_what_is_forgotten(bank: Bank) -> None:
    await keep_both(bank, (ONE, OTHER))
    await drop(bank, await get(bank, THIRD), CORRECTION)
    await forget(bank, [OTHER])
    assert OTHER not in (await get(bank, ONE)).model_dump_json()
    with pytest.raises(InvalidInput, match="no longer in the bank"):
        await undo(bank, ONE)
    await change_status(bank, [ONE], "retired", "Example Corp is a customer no more")
    await change_status(bank, [ONE], "active", "")
    await carry_out(bank, await plan(bank, Selection(matching="example corp")), lambda done, total: None)
    for left in (await get(bank, ONE), await get(bank, THIRD)):
        assert "Example" not in left.model_dump_json()
        assert left.decisions
    with pytest.raises(InvalidInput, match="was forgotten"):
        await undo(bank, THIRD)


async def test_a_correction_that_is_taken_and_taken_back_waits_for_a_person_again(bank: Bank) -> None:
    before = await get(bank, THIRD)
    taken = await accept(bank, before, CORRECTION)
    assert (taken.title, taken.proposals) == (CORRECTION.title, [])
    _, back = await revert(bank, THIRD)
    assert back.title == before.title
    (again,) = back.proposals
    assert (again.content, again.proposed_by, again.waits) == (CORRECTION.content, "ep_1", True)
    _, twice = await revert(bank, THIRD)
    assert (twice.title, twice.proposals) == (CORRECTION.title, [])
