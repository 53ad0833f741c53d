"""Which reports are witnesses beside each other: of nearly the same task one, and of one session a few."""

import json
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import MOST_TAUGHT, Strategy
from strategy_bank.tools.consolidation.witnesses import Account, counts, in_common, independent, same_task
from tests.support.connecting import Connect
from tests.support.places import DATA, ROOT
from tests.support.samples import REWORDED, STRATEGY, TASK, chore, judgement, report

accounts = st.lists(st.builds(Account, st.sampled_from("abcdefgh"), st.sampled_from("xyz")))


@pytest.mark.parametrize(
    "again",
    [
        f"{TASK}.",
        f"  {TASK.upper()}",
        f"{TASK} 17",
        f"Lehmann: {TASK}",
        f"{TASK} Again, please!",
        " ".join(reversed(TASK.split())),
        TASK.replace("orders", "orders and invoices"),
    ],
)
def test_a_dot_a_number_a_name_the_order_or_a_word_more_makes_no_other_task(again: str) -> None:
    assert same_task(TASK, again)
    assert same_task(again, TASK)


def test_things_of_one_kind_are_different_tasks() -> None:
    assert not same_task("Put a clean mug on the shelf", "Put a clean plate on the shelf")
    assert not same_task("把干净的杯子放在架子上", "把干净的盘子放在架子上")
    assert same_task("把干净的杯子放在架子上", "把干净的杯子放在架子上。谢谢")
    assert not same_task("17", "18")


def test_a_long_task_does_not_take_in_all_short_ones() -> None:
    every = " ".join(chore(number) for number in range(20))
    assert not any(same_task(every, chore(number)) for number in range(20))


@pytest.mark.parametrize(
    ("file", "least"),
    [(ROOT / "bench/agents/records/reports.jsonl", 18), (DATA / "skillrl_alfworld_memories.json", 141)],
)
def test_tasks_that_agents_really_had_stay_apart_also_those_of_one_kind(file: Path, least: int) -> None:
    if not file.exists():
        pytest.skip(f"{file} is not there")
    if file.suffix == ".jsonl":
        tasks = {json.loads(line)["task"] for line in file.read_text("utf-8").splitlines()}
    else:
        tasks = {each["content"]["task_meta"]["original_goal"] for each in json.loads(file.read_text("utf-8"))}
    assert len(tasks) >= least
    assert not [pair for pair in combinations(sorted(tasks), 2) if same_task(*pair)]


@given(accounts, st.integers(1, 3))
def test_no_session_and_no_task_counts_more_often_than_it_may(some: list[Account], most: int) -> None:
    found = independent(some, most)
    assert len({each.task for each in found}) == len(found) <= 3 * most
    assert all(sum(each.session == name for each in found) <= most for name in "xyz")
    for number, each in enumerate(some):
        assert counts(each, some[:number], most) == (
            len(independent(some[: number + 1], most)) > len(independent(some[:number], most))
        )


def test_what_a_session_says_beyond_its_share_takes_no_task_from_others() -> None:
    many = [Account(chore(number), "se_1") for number in range(9)]
    assert not counts(Account(chore(9), "se_1"), many, 3)
    assert [counts(Account(chore(number), "se_2"), many, 3) for number in (2, 3)] == [False, True]


@given(accounts, accounts)
def test_two_lessons_have_no_more_witnesses_together_than_apart(some: list[Account], others: list[Account]) -> None:
    assert in_common(some, others, MOST_TAUGHT) >= 0
    assert in_common(some, some, MOST_TAUGHT) == len(independent(some, MOST_TAUGHT))


# through a client


async def told(connect: Connect, *reports: dict[str, object]) -> None:
    async with connect() as client:
        for each in reports:
            await report(client, **each)


async def stored(settings: Settings) -> list[Strategy]:
    bank = await Bank.open(settings.location)
    found = await bank.all(Strategy)
    await bank.close()
    return found


@pytest.mark.anyio
async def test_the_near_copies_of_one_session_do_not_lift_support_beyond_two(
    connect: Connect, settings: Settings
) -> None:
    copies = [STRATEGY | {"content": f"{STRATEGY['content']}{' ' * number}"} for number in range(20)]
    reports = [{"task": chore(number), "judgement": judgement(strategies=[copy])} for number, copy in enumerate(copies)]
    await told(connect, *reports)
    (lesson,) = await stored(settings)
    assert (lesson.support, len(lesson.episode_ids)) == (MOST_TAUGHT, len(reports))
    await told(connect, {"task": chore(20)})
    assert [each.support for each in await stored(settings)] == [MOST_TAUGHT + 1]


@pytest.mark.anyio
async def test_nearly_the_same_task_does_not_lift_support_even_in_another_session(
    connect: Connect, settings: Settings
) -> None:
    await told(connect, {})
    for again in (f"{TASK}.", f"{TASK} Again."):
        await told(connect, {"task": again})
    assert [each.support for each in await stored(settings)] == [1]
    await told(connect, {"task": REWORDED})
    assert [each.support for each in await stored(settings)] == [2]


@pytest.mark.anyio
async def test_one_session_does_not_make_a_lesson_global_by_teaching_it_in_two_projects(
    connect: Connect, settings: Settings
) -> None:
    both = {"scope": "", "other_scopes": True}
    async with connect(change=both) as client:
        await report(client, scope="one")
        await report(client, scope="two", task=REWORDED)
    assert sorted(each.scope for each in await stored(settings)) == ["one", "two"]
    async with connect(change=both) as client:
        await report(client, scope="three", task=chore(0))
    assert "global" in [each.scope for each in await stored(settings)]
