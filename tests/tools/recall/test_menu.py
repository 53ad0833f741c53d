"""recall_strategies as a menu: what surely fits in full, others by title, and the agent opens what it wants."""

import time
from collections.abc import AsyncIterator

import pytest

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import GLOBAL_SCOPE, Hit, Menu, Recall, Strategy
from strategy_bank.tools import recall_strategies
from strategy_bank.tools.scopes.registry import Scope
from tests.support.connecting import Connect
from tests.support.records import lesson, put
from tests.support.samples import TASK, call, judgement, refusal, report, text_of

pytestmark = pytest.mark.anyio
SCOPE = Scope("project")
SUBJECTS = (
    "timeouts of the upload", "encodings of imported files", "a lock that is never freed", "dates in two time zones",
    "a cache that is never emptied", "retries that repeat a payment", "a migration that runs twice",
    "logs without a request id", "pages that skip a row",
)  # fmt: skip


def about(number: int, subject: str) -> Strategy:
    return lesson(
        number,
        id=f"st_{number:016x}",
        title=f"Mind {subject}",
        description=f"When the billing service has to do with {subject}.",
        content=f"Write a test about {subject} before the billing service is changed, since nobody sees it otherwise.",
        source_task=f"The billing service fails by {subject}",
    )


@pytest.fixture
async def bank(settings: Settings) -> AsyncIterator[Bank]:
    opened = await Bank.open(settings.location)
    yield opened
    await opened.close()


@pytest.fixture
async def menu(bank: Bank) -> recall_strategies.RecallResult:
    await put(bank, *(about(number, subject) for number, subject in enumerate(SUBJECTS)))
    return await recall_strategies.recall(
        bank, "The billing service repeats a payment when it retries, and jobs run twice", 1, SCOPE
    )


async def test_what_surely_fits_comes_in_full_and_the_next_ones_as_lines(menu: recall_strategies.RecallResult) -> None:
    assert [hit.title for hit in menu.strategies] == ["Mind retries that repeat a payment"]
    assert 1 <= len(menu.others) <= 7
    text = menu.as_text()
    assert text.index("</strategies>") < text.index("<others>")
    for each in menu.others:
        assert f"[{each.id}]" in text
        assert f"> {each.title}: {each.description}" in text
        assert "Write a test about" + each.title.removeprefix("Mind") not in text
    assert "recall_strategies(ids=" in text


async def test_nothing_is_offered_where_nothing_fits(bank: Bank, menu: recall_strategies.RecallResult) -> None:
    none = await recall_strategies.recall(bank, "Choose colours for the wedding invitation", 3, SCOPE)
    assert (none.strategies, none.others) == ([], [])
    assert "Nothing in the bank fits this task" in none.as_text()
    assert "ids=" not in none.as_text()


async def test_the_reply_is_no_longer_than_three_strategies_in_full() -> None:
    hits = [
        Hit(relevance=0.9, **about(n, "x" * 80).model_dump(include=set(Hit.model_fields) - {"relevance"}))
        for n in range(9)
    ]
    for full in range(4):
        menu = recall_strategies.short(Menu(hits[:full], hits[full:]))
        shown = recall_strategies.RecallResult(
            recall_id="", scope="", strategies=menu.full, guidance="",
            others=[recall_strategies.OtherStrategy.model_validate(dict(hit)) for hit in menu.others],
        ).as_text()  # fmt: skip
        assert menu.full == hits[:full]
        assert len(shown) < 2_000


async def test_an_opened_strategy_comes_in_full_under_the_recall_that_listed_it_and_is_noted_there(
    bank: Bank, menu: recall_strategies.RecallResult
) -> None:
    wanted = [menu.others[1].id, menu.others[0].id]
    opened = await recall_strategies.open_strategies(bank, wanted, SCOPE)
    assert [hit.id for hit in opened.strategies] == wanted
    assert opened.recall_id == menu.recall_id
    assert "Write a test about" in opened.as_text()
    await bank.atomically(bank.flush_recalls)
    (noted,) = await bank.all(Recall)
    assert noted.strategy_ids == [hit.id for hit in menu.strategies]
    assert noted.listed_ids == [each.id for each in menu.others]
    assert noted.opened_ids == wanted


async def test_what_is_opened_after_the_recall_was_stored_is_noted_too(
    bank: Bank, menu: recall_strategies.RecallResult
) -> None:
    for each in menu.others[:2]:
        await bank.atomically(bank.flush_recalls)
        await recall_strategies.open_strategies(bank, [each.id], SCOPE)
    await bank.atomically(bank.flush_recalls)
    (noted,) = await bank.all(Recall)
    assert noted.opened_ids == [each.id for each in menu.others[:2]]


async def test_another_process_opens_what_it_did_not_list(
    settings: Settings, menu: recall_strategies.RecallResult
) -> None:
    other = await Bank.open(settings.location)
    opened = await recall_strategies.open_strategies(other, [menu.others[0].id], SCOPE)
    await other.close()
    assert opened.recall_id == ""
    assert "recall_id:" not in opened.as_text()
    again = await Bank.open(settings.location)
    assert [each.opened_ids for each in await again.all(Recall, task="")] == [[menu.others[0].id]]
    await again.close()


async def test_opening_runs_no_model_and_takes_a_few_milliseconds(
    settings: Settings, menu: recall_strategies.RecallResult
) -> None:
    other = await Bank.open(settings.location)
    ids, took = [each.id for each in menu.others], list[float]()
    for _ in range(20):
        start = time.perf_counter()
        await recall_strategies.open_strategies(other, ids, SCOPE)
        took.append(time.perf_counter() - start)
    assert sorted(took)[10] < 0.05  # about 3 ms on a quiet machine
    assert "_loaded" not in vars(other.embedder)
    await other.close()


async def test_another_scopes_retired_and_unknown_ids_do_not_exist(
    bank: Bank, menu: recall_strategies.RecallResult
) -> None:
    theirs, retired = about(100, "a").model_copy(update={"scope": "theirs"}), about(101, "b").retired("wrong")
    everywhere = about(102, "c").model_copy(update={"scope": GLOBAL_SCOPE})
    await put(bank, theirs, retired, everywhere)
    opened = await recall_strategies.open_strategies(bank, [theirs.id, retired.id, everywhere.id, "st_ff"], SCOPE)
    assert [hit.id for hit in opened.strategies] == [everywhere.id]
    assert theirs.id in opened.guidance
    for id in (theirs.id, retired.id, "nonsense"):
        with pytest.raises(InvalidInput, match="None of these ids"):
            await recall_strategies.open_strategies(bank, [id], SCOPE)


async def test_an_agent_opens_through_the_same_tool_and_reports_what_it_used(connect: Connect) -> None:
    async with connect() as client:
        learned = (await report(client))["strategies"][0]
        recalled = await call(client, "recall_strategies", task=TASK)
        opened = await client.call_tool("recall_strategies", {"ids": [learned["id"]]})
        assert opened.structured_content is not None
        assert [each["id"] for each in opened.structured_content["strategies"]] == [learned["id"]]
        assert opened.structured_content["recall_id"] == recalled["recall_id"]
        assert "asked for" in text_of(opened)
        done = await report(
            client, task="Another file", recall_id=recalled["recall_id"], used_strategy_ids=[learned["id"]],
            judgement=judgement(strategies=[]),
        )  # fmt: skip
        assert done["warnings"] == []
        assert "task" in await refusal(client, "recall_strategies")
