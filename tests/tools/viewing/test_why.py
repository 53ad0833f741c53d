"""Why a recall finds what it finds: it agrees with the recall, and says so of what is kept back and of what is far away too."""

import random
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from bench.support.lessons import lesson as of_bench
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.errors import InvalidInput, NotFound
from strategy_bank.store.records import Recall, Strategy, content_id
from strategy_bank.tools.recall_strategies import MENU_CHARS, recall, recall_when_stuck
from strategy_bank.tools.scopes.registry import Scope
from strategy_bank.tools.viewing.asking import why as viewing
from strategy_bank.tools.viewing.asking.why import MISSED, NO_RECALL, Why, why
from tests.support.records import put
from tests.support.samples import STRATEGY, TASK

pytestmark = pytest.mark.anyio
HERE = Scope("project")
TASKS = [
    TASK,
    "Our job that reads partner CSV files dies on strange characters. Please repair it.",
    "Fix the flaky test of the upload that times out under load",
    "It fails with ECONNREFUSED and E0308 in ci_pipeline_id",
    "Choose colours for the wedding invitation",
    "Die nächtliche Einfuhr der Kundenbestellungen bricht mit einem Fehler ab, bitte beheben",
]


@pytest.fixture
async def bank(settings: Settings) -> AsyncIterator[Bank]:
    opened = await Bank.open(settings.location)
    yield opened
    await opened.close()


def made(number: int, **changes: Any) -> Strategy:
    values = {"id": content_id("st", str(number)), "outcome": "success", "scope": "project", **of_bench(number)}
    return Strategy.model_validate(values | changes)


def drawn(seed: int) -> list[Strategy]:
    """Lessons with records, sessions, copies, opposites, other scopes and statuses, as a bank may hold them."""
    chance = random.Random(seed)
    some = [
        made(
            number,
            helped=chance.choice([0, 0, 3]),
            hurt=chance.choice([0, 0, 3]),
            session=chance.choice(["", "se_a", "se_a", "se_b"]),
            scope=chance.choice(["project", "project", "global", "theirs"]),
            status=chance.choice(["active"] * 5 + ["retired", "waiting", "quarantined"]),
            content=of_bench(number)["content"] * chance.choice([1, 1, 8]),
        )
        for number in chance.sample(range(200), 45)
    ]
    encoding = made(900, **STRATEGY, source_task=TASK)
    copies = [
        encoding.model_copy(update={"id": content_id("st", f"copy {n}"), "title": f"{n} {STRATEGY['title']}"})
        for n in range(3)
    ]
    against = made(901, **STRATEGY | {"content": "Guess the encoding and go on."}, contradicts=[encoding.id])
    return [*some, encoding.model_copy(update={"contradicts": [against.id]}), *copies, against]


def ids(some: Sequence[Any]) -> list[str]:
    return [each.id for each in some]


@pytest.mark.parametrize("seed", range(4))
async def test_it_agrees_with_what_a_recall_gives(bank: Bank, seed: int) -> None:
    await put(bank, *drawn(seed))
    for task in TASKS:
        for limit in (1, 3):
            told, got = await why(bank, task, limit, HERE), await recall(bank, task, limit, HERE)
            under = f"recall_id: {got.recall_id}"
            assert told.text == got.as_text().replace(under, f"recall_id: {NO_RECALL}")
            assert told.result == got.model_copy(update={"recall_id": NO_RECALL})
            assert [ids(told.full), ids(told.listed)] == [ids(got.strategies), ids(got.others)]
            assert [each.parts.relevance for each in told.full] == [hit.relevance for hit in got.strategies]
            check_words(told)


def check_words(told: Why) -> None:
    for each in told.full:
        assert each.words.startswith("Read in full")
    for each in told.listed:
        assert each.words.startswith("By title")
    for each in told.missed:
        assert each.words.startswith("Not shown")
    for each in told.kept_back:
        assert each.words.startswith("Not looked at")
    assert len(told.missed) <= MISSED
    assert len(told.full) + len(told.listed) + len(told.missed) <= told.looked_at


@pytest.mark.parametrize("seed", range(2))
async def test_for_somebody_who_is_stuck_it_agrees_too(bank: Bank, seed: int) -> None:
    await put(bank, *drawn(seed))
    error = "UnicodeDecodeError: cannot decode byte 0xe9 while reading the text file of another system"
    shown = set[bool]()
    for stuck_on in (error, "npm ERR! ERESOLVE could not resolve"):
        for task in TASKS[:3]:
            told = await why(bank, task, 2, HERE, stuck_on=stuck_on)
            got = await recall_when_stuck(bank, task, stuck_on, 2, HERE)
            bank.recalls.__init__()
            assert told.text == got.as_text().replace(got.recall_id or "-", NO_RECALL)
            assert (ids(told.full), told.listed) == (ids(got.strategies), [])
            shown.add(bool(told.full))
            check_words(told)
    assert True in shown


async def test_asking_why_is_counted_nowhere(bank: Bank) -> None:
    await put(bank, *drawn(0))
    await why(bank, TASK, 3, HERE)
    await bank.atomically(bank.flush_recalls)
    assert await bank.all(Recall) == []
    assert bank.recalls.newest_task("project") == ""


async def test_of_a_lesson_that_is_kept_back_or_of_another_scope_the_reason_and_its_place_are_told(bank: Bank) -> None:
    right = {**STRATEGY, "source_task": TASK}
    kept = {
        "retired": made(1, **right, status="retired", status_reason="it failed in ep_1"),
        "waiting": made(2, **right, status="waiting", status_reason="every new lesson waits"),
        "quarantined": made(3, **right, status="quarantined", status_reason="reads as an order"),
        "other_scope": made(4, **right, scope="theirs"),
    }
    await put(bank, made(7), made(8), *kept.values())
    told = await why(bank, TASK, 3, HERE)
    assert set(ids(told.kept_back)) == {lesson.id for reason, lesson in kept.items() if reason != "other_scope"}
    for reason, lesson in kept.items():
        told = await why(bank, TASK, 3, HERE, about=lesson.id)
        assert told.about
        assert (told.about.id, told.about.reason, told.about.place) == (lesson.id, reason, "aside")
        assert "Not looked at" in told.about.words
        assert lesson.status_reason in told.about.words
        assert "By itself it would be read in full" in told.about.words


async def test_what_is_kept_back_changes_nothing_for_the_others(bank: Bank) -> None:
    await put(bank, *(made(number) for number in range(30)))
    before = await why(bank, TASKS[2], 3, HERE)
    await put(bank, *(made(number + 200, **of_bench(number), status="retired") for number in range(30)))
    after = await why(bank, TASKS[2], 3, HERE)
    assert (before.full, before.listed, before.missed) == (after.full, after.listed, after.missed)
    assert len(after.kept_back) <= 5


async def test_of_a_lesson_that_the_search_never_reached_its_own_score_is_told(bank: Bank) -> None:
    await put(bank, *(made(number, **STRATEGY | {"title": f"{STRATEGY['title']} {number}"}) for number in range(45)))
    far = made(100, title="Bake bread", description="When bread is baked.", content="Let the dough rest for a night.")
    await put(bank, far)
    told = await why(bank, TASK, 3, HERE, about=far.id)
    assert told.about
    assert told.about.reason == "far"
    assert "40 lessons are nearer" in told.about.words
    assert "it would not be shown" in told.about.words
    assert told.about.parts.compared
    assert told.about.parts.margin < 0
    near = await why(bank, "Bake bread and let the dough rest", 3, HERE, about=far.id)
    assert near.about == near.full[0]


async def test_what_has_no_room_in_the_reply_says_so(bank: Bank) -> None:
    long = "Describe the whole of it at length. " * 400
    await put(
        bank, *(made(n, title=f"{'Encoding of files ' * 20}{n}", content=long, source_task=TASK) for n in range(8))
    )
    told = await why(bank, TASK, 3, HERE)
    assert {each.reason for each in told.missed} == {"no_room"}
    assert f"{MENU_CHARS:,} characters" in told.missed[0].words


async def test_nothing_is_told_apart_from_nothing_to_look_at_and_from_what_the_model_cannot_read(bank: Bank) -> None:
    assert (await why(bank, TASK, 3, HERE)).summary == "There is no lesson to look at in this scope."
    await put(bank, *drawn(1))
    unfit = await why(bank, "Choose colours for the wedding invitation", 3, HERE)
    assert unfit.summary.startswith(f"Nothing is shown of {unfit.looked_at} lessons")
    assert {each.reason for each in unfit.missed} == {"nothing_fits"}
    german = await why(bank, TASKS[-1], 3, HERE)
    assert "reads English" in german.summary
    assert "English" in german.text


async def test_what_is_no_id_and_what_is_not_there_is_refused(bank: Bank) -> None:
    with pytest.raises(InvalidInput):
        await why(bank, TASK, 3, HERE, about="nonsense")
    with pytest.raises(NotFound):
        await why(bank, TASK, 3, HERE, about="st_0123456789abcdef")
    for task in ("", "x" * (viewing.TASK_CHARS + 1)):
        with pytest.raises(InvalidInput):
            await why(bank, task, 3, HERE)
