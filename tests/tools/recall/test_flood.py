"""One reporter cannot crowd another's lesson out of recalls, however many lessons it teaches."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from bench.poison.flood import by_two, near_copies, of_tasks, on_topic, put, unrelated
from bench.support.lessons import lesson
from bench.support.lessons import report as numbered
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.records import Menu, Strategy
from tests.support.connecting import Connect
from tests.support.samples import REWORDED, STRATEGY, TASK, call, judgement, report

pytestmark = pytest.mark.anyio
TASKS = [
    TASK,
    REWORDED,
    "Reading the text file of the supplier fails with a UnicodeDecodeError.",
    "A customer's file shows wrong characters after our import; find out why.",
    "The price list that another system writes has broken umlauts when we open it.",
    "Make the loader accept the bank's statement files, which it cannot decode.",
    "Since the partner changed their system, opening its text files fails with wrong characters.",
    "Add a check for the encoding of files that other systems send us.",
]
RIGHT = Strategy.model_validate(
    {"id": "st_right", **STRATEGY, "outcome": "success", "source_task": TASK, "session": "se_a"}
)


@pytest.fixture
async def bank(settings: Settings) -> AsyncIterator[Bank]:
    """The right lesson and others, by two sessions."""
    opened = await Bank.open(settings.location)
    others = [
        Strategy.model_validate(
            {"id": f"st_{number}", **lesson(7 * number), "outcome": "success", "session": f"se_{'ac'[number % 2]}"}
        )
        for number in range(12)
    ]
    await put(opened, [RIGHT, *others], "global")
    yield opened
    await opened.close()


async def menus(bank: Bank, scopes: Sequence[str] = ("global",)) -> list[Menu]:
    return [await bank.menu(task, scopes, 3) for task in TASKS]


def in_full(told: Sequence[Menu]) -> list[bool]:
    return [RIGHT.id in [hit.id for hit in menu.full] for menu in told]


def listed(told: Sequence[Menu]) -> list[bool]:
    return [RIGHT.id in [hit.id for hits in menu for hit in hits] for menu in told]


@pytest.mark.parametrize(
    "flood",
    [on_topic(RIGHT), near_copies(RIGHT), of_tasks(TASKS), on_topic(RIGHT, 17)],
    ids=["51 on the topic", "49 near copies", "51 in the words of the tasks", "17 on the topic"],
)
async def test_a_flood_takes_the_right_lesson_from_no_recall(bank: Bank, flood: list[Strategy]) -> None:
    before = await menus(bank)
    assert sum(in_full(before)) >= 5
    assert all(listed(before))
    await put(bank, flood, "flood")
    after = await menus(bank, ["global", "flood"])
    assert in_full(after) == in_full(before)
    assert all(listed(after))


@pytest.mark.slow
async def test_a_thousand_unrelated_lessons_do_not_make_the_right_one_less_likely(bank: Bank) -> None:
    before = await menus(bank)
    await put(bank, unrelated(), "flood")
    after = await menus(bank, ["global", "flood"])
    assert in_full(after) == in_full(before)
    assert all(listed(after))


async def test_few_lessons_in_the_words_of_the_tasks_still_leave_the_right_one_listed(bank: Bank) -> None:
    await put(bank, of_tasks(TASKS, 3), "flood")
    assert all(listed(await menus(bank, ["global", "flood"])))


@pytest.mark.parametrize("session", ["", "se_one"])
async def test_what_one_session_taught_is_recalled_as_if_nobody_knew_who_taught_it(bank: Bank, session: str) -> None:
    lessons = [RIGHT, *on_topic(RIGHT), *near_copies(RIGHT, 10)]
    for scope, who in (("one", session), ("nobody", "")):
        await put(bank, [each.model_copy(update={"session": who}) for each in lessons], scope)
    one, nobody = [await menus(bank, [scope]) for scope in ("one", "nobody")]
    assert [shown(menu) for menu in one] == [shown(menu) for menu in nobody]


def shown(menu: Menu) -> list[list[tuple[str, float]]]:
    return [sorted((hit.content, hit.relevance) for hit in hits) for hits in menu]


async def test_what_others_confirmed_is_not_counted_with_its_session(bank: Bank) -> None:
    flood = [each.model_copy(update={"support": 3}) for each in of_tasks(TASKS)]
    await put(bank, flood, "flood")
    told = await menus(bank, ["global", "flood"])
    assert any(len([hit for hits in menu for hit in hits if hit.scope == "flood"]) > 3 for menu in told)


async def test_where_others_leave_room_more_of_a_session_is_listed(settings: Settings) -> None:
    bank = await Bank.open(settings.location)
    await put(bank, [RIGHT, *on_topic(RIGHT, 17)], "global")
    menu = await bank.menu(TASK, ["global"], 3)
    await bank.close()
    assert RIGHT.id in [hit.id for hit in menu.full]
    assert len(menu.full) + len(menu.others) > 4


async def test_two_sessions_of_one_hand_are_two_and_each_is_bounded(bank: Bank) -> None:
    await put(bank, by_two(of_tasks(TASKS)), "flood")
    told = await menus(bank, ["global", "flood"])
    assert all(len([hit for hit in menu.full if hit.scope == "flood"]) <= 3 for menu in told)


# through reports


def flood_report(number: int) -> dict[str, Any]:
    lessons = [
        {"title": each.title, "description": each.description, "content": each.content}
        for each in of_tasks([f"{TASKS[number]} ({number})"], 3)
    ]
    lessons = [each | {"content": f"{each['content']} So it was in case {number}."} for each in lessons]
    return numbered(number) | {"judgement": judgement(evidence=["14 passed"], strategies=lessons)}


async def test_a_flood_that_is_reported_takes_the_right_lesson_from_no_recall_of_another(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        (right,) = (await report(client))["strategies"]
    async with connect() as client:
        before = [await call(client, "recall_strategies", task=task) for task in TASKS]
        for number in range(8):
            await report(client, **flood_report(number))
    async with connect() as client:
        after = [await call(client, "recall_strategies", task=task) for task in TASKS]
    bank = await Bank.open(settings.location)
    taught = [each.session for each in await bank.all(Strategy, status="active")]
    await bank.close()
    assert len(taught) > 10
    assert len(set(taught)) == 2
    for was, now in zip(before, after, strict=True):
        ids = [each["id"] for each in now["strategies"]]
        assert right["id"] in ids or right["id"] not in [each["id"] for each in was["strategies"]]
        assert right["id"] in [*ids, *(each["id"] for each in now["others"])]


async def test_long_lessons_leave_room_for_others_to_be_listed(connect: Connect, bank: Bank) -> None:
    long = [each.model_copy(update={"content": f"{each.content} {'And so on. ' * 150}"}) for each in of_tasks(TASKS, 3)]
    await put(bank, long, "project")
    async with connect() as client:
        for task in TASKS[:3]:
            told = await call(client, "recall_strategies", task=task)
            assert any(len(each["content"]) > 1500 for each in told["strategies"])
            assert RIGHT.id in [each["id"] for each in (*told["strategies"], *told["others"])]
