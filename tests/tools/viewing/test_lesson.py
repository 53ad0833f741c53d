"""What a person sees of one lesson and of one recall."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.errors import NotFound
from strategy_bank.store.records import Episode, LearnedStrategy, Proposal, Recall, Revision, Run, Strategy
from strategy_bank.tools.consolidation.merge import merged_into
from strategy_bank.tools.learning.credit import HURT
from strategy_bank.tools.viewing.lesson import lesson as viewed
from strategy_bank.tools.viewing.recall import recalled
from strategy_bank.tools.viewing.shown import PAGE, shown
from strategy_bank.tools.viewing.states import state_of
from tests.support.records import lesson, put

pytestmark = pytest.mark.anyio
ONE, TWO, THREE = (f"st_{number:016x}" for number in (1, 2, 3))
AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
async def bank(settings: Settings) -> AsyncIterator[Bank]:
    opened = await Bank.open(settings.location)
    yield opened
    await opened.close()


def recall(number: int, **changes: Any) -> Recall:
    values = {
        "id": f"rc_{number:016x}",
        "created_at": AT + timedelta(hours=number),
        "scope": "project",
        "task": "Import it",
    }
    return Recall.model_validate(values | changes)


def report(number: int, **changes: Any) -> Episode:
    values = {
        "id": f"ep_{number:016x}", "created_at": AT + timedelta(hours=number, minutes=1), "scope": "project",
        "task": "Import it", "trajectory": "[1] text: done", "steps": 1, "status": "learned", "verdict": "success",
    }  # fmt: skip
    return Episode.model_validate(values | changes)


async def test_a_lesson_tells_how_it_was_shown_and_what_the_reports_say_of_it(bank: Bank) -> None:
    await put(bank, lesson(1, id=ONE))
    await bank.add_all(
        [
            recall(1, strategy_ids=[ONE], sure_ids=[ONE]),
            recall(2, listed_ids=[TWO, ONE], opened_ids=[ONE]),
            recall(3, held_out_ids=[ONE]),
            recall(4, strategy_ids=[TWO]),
        ]
    )
    await bank.add_all(
        [
            report(1, recall_id=recall(1).id, used_ids=[ONE], helped_ids=[ONE]),
            report(2, recall_id=recall(2).id, used_ids=[ONE], wrong_ids=[ONE], verdict="failure"),
            report(3, recall_id=recall(3).id),
            report(5, used_ids=[ONE], run_id="run_1"),
        ]
    )
    seen = await shown(bank, ONE)
    assert (seen.total, seen.full, seen.line, seen.held_out, seen.opened) == (3, 1, 1, 1, 1)
    assert [(each.how, each.opened, [one.fate for one in each.reports]) for each in seen.showings] == [
        ("held_out", False, [""]),
        ("line", True, ["wrong"]),
        ("full", False, ["helped"]),
    ]
    assert seen.reported == {"helped": 1, "wrong": 1, "followed": 1, "unfit": 0}
    assert [each.run_id for each in seen.elsewhere] == ["run_1"]


async def test_many_recalls_come_by_pages_newest_first(bank: Bank) -> None:
    await bank.add_all([recall(number, strategy_ids=[ONE]) for number in range(PAGE + 3)])
    first, last, beyond = [await shown(bank, ONE, page) for page in (1, 2, 99)]
    assert (first.pages, first.total, len(first.showings), len(last.showings)) == (2, PAGE + 3, PAGE, 3)
    assert first.showings[0].recall_id == recall(PAGE + 2).id
    assert last.showings[-1].recall_id == recall(0).id
    assert beyond == last


async def test_an_id_that_another_begins_with_is_not_taken_for_it(bank: Bank) -> None:
    await bank.add_all([recall(1, strategy_ids=[f"{ONE}0"]), recall(2, strategy_ids=[ONE])])
    await bank.add(report(1, used_ids=[f"{ONE}0"]))
    seen = await shown(bank, ONE)
    assert [each.recall_id for each in seen.showings] == [recall(2).id]
    assert not seen.elsewhere


async def test_a_lesson_tells_who_taught_it_and_what_counts_for_it(bank: Bank) -> None:
    learned = [LearnedStrategy(id=ONE, title="Lesson 1", action="merged")]
    await bank.add_all(
        [report(1, learned=learned, client="codex 1.0", sources=["example.org"]), report(2, verdict="failure")]
    )
    await bank.add(
        Run(id="run_1", scope="project", task="Import it", mode="parallel", attempts=3, best_attempt=2, learned=learned)
    )
    one, two = report(1).id, report(2).id
    await put(
        bank,
        lesson(
            1, id=ONE, episode_ids=[one], run_ids=["run_1"], credited_by=[one, two], pardoned=[two], helped=1, hurt=1
        ),
    )
    seen = await viewed(bank, ONE)
    assert [(each.id, each.action, each.client, each.sources) for each in seen.teachers] == [
        (one, "merged", "codex 1.0", ["example.org"])
    ]
    assert [(each.id, each.action, each.best_attempt) for each in seen.comparisons] == [("run_1", "merged", 2)]
    assert [(each.id, each.verdict, each.pardoned) for each in seen.uses] == [
        (two, "failure", True),
        (one, "success", False),
    ]
    assert (seen.record.helped, seen.record.hurt) == (1, 1)
    assert 0.09 < seen.record.low < 0.1
    assert 0.9 < seen.record.high < 0.91


async def test_a_lesson_tells_which_others_are_near_contrary_and_merged_into_it(bank: Bank) -> None:
    await put(
        bank,
        lesson(1, id=ONE, contradicts=[THREE]),
        lesson(2, id=TWO, status="retired", status_reason=merged_into(ONE)),
        lesson(3, id=THREE, contradicts=[ONE], title="Never look at the bytes"),
    )
    seen, other = await viewed(bank, ONE), await viewed(bank, TWO)
    assert [each.strategy.id for each in seen.contrary] == [THREE]
    assert [each.strategy.id for each in seen.merged] == [TWO]
    assert [each.strategy.id for each in seen.near] == [THREE]
    assert all(each.cosine is not None and 0.5 < each.cosine <= 1.001 for each in seen.near)
    assert other.merged_into == ONE


async def test_former_wordings_come_newest_first_with_what_changed(bank: Bank) -> None:
    revisions = [
        Revision(title=f"Title {number}", description="When.", content="Look.", replaced_by="edit")
        for number in range(30)
    ]
    proposal = Proposal(
        title="Lesson 1", description="When files of other systems are read.", content="Look.", proposed_by="ep_1"
    )
    await put(bank, lesson(1, id=ONE, revisions=revisions, proposals=[proposal]))
    seen, whole = await viewed(bank, ONE), await viewed(bank, ONE, all_wordings=True)
    assert [each.number for each in seen.former] == list(range(30, 10, -1))
    assert len(whole.former) == 30
    changed = seen.former[1].changes.title
    assert [(span.kind, span.text) for span in changed] == [("same", "Title "), ("removed", "28"), ("added", "29")]
    assert [span.kind for span in seen.proposals[0][1].title] == ["same"]
    assert seen.proposals[0][1].content != seen.proposals[0][1].title


async def test_a_lesson_that_is_not_there_is_not_found(bank: Bank) -> None:
    with pytest.raises(NotFound, match="no lesson"):
        await viewed(bank, ONE)


async def test_a_recall_tells_what_was_shown_and_what_was_reported_then(bank: Bank) -> None:
    await put(bank, lesson(1, id=ONE), lesson(2, id=TWO))
    shown_then = recall(
        1, strategy_ids=[ONE], listed_ids=[TWO, THREE], opened_ids=[TWO], sure_ids=[ONE], answered_by=report(2).id
    )
    await bank.add(shown_then)
    await bank.add_all(
        [report(1, recall_id=shown_then.id, used_ids=[ONE], unfit_ids=[TWO]), report(2, verdict="failure")]
    )
    seen = await recalled(bank, shown_then.id)
    assert [(each.id, each.sure, each.fates) for each in seen.full] == [(ONE, True, ["followed"])]
    assert [(each.id, each.opened, each.fates, each.strategy is None) for each in seen.listed] == [
        (TWO, True, ["unfit"], False),
        (THREE, False, [], True),
    ]
    assert [(each.id, each.verdict) for each in seen.reports] == [(report(1).id, "success"), (report(2).id, "failure")]


def test_states_are_said_in_words() -> None:
    def state(**changes: Any) -> str:
        return state_of(Strategy.model_validate(lesson(1).model_dump() | changes))

    assert state() == "In use"
    assert state(caution="following it may do harm") == "In use with a caution: following it may do harm"
    assert (
        state(status="quarantined", status_reason="quarantined: reads as an order")
        == "Waits for you: reads as an order"
    )
    assert (
        state(status="waiting", status_reason="new: nobody has let it in yet")
        == "Waits for you: new: nobody has let it in yet"
    )
    assert state(status="retired", status_reason="no longer used") == "Out of recall: no longer used"
    assert state(status="retired", status_reason=f"{HURT}0 of 6 tasks") == "Out of recall by the rule: 0 of 6 tasks"
    assert "taught independently in a and b" in state(status_reason="global: taught independently in a and b")
