"""An episode and a run are read with what belongs to them, also where that was forgotten or is damaged."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.errors import NotFound
from strategy_bank.store.location import Location
from strategy_bank.store.records import Episode, Hit, Recall, Run, content_id
from strategy_bank.tools.viewing.episodes.episode import Asked, Told, episode_view
from strategy_bank.tools.viewing.episodes.run import run_view
from tests.support.records import lesson, put

pytestmark = pytest.mark.anyio
TRAJECTORY = "[1] action: pytest -q\n[1] observation: 1 failed\n[2] action: pytest -q\n[2] observation: 2 passed"
RUN, RECALL = content_id("run", "1"), content_id("rc", "1")


def told(number: int) -> str:
    return content_id("st", str(number))


def judged(**changes: Any) -> str:
    said = {"reason": "The tests passed.", "verdict": "success", "evidence": ["2 PASSED", "pytest -q", "nowhere"]}
    return json.dumps(said | changes)


def attempt(number: int, **changes: Any) -> Episode:
    values: dict[str, Any] = {
        "id": content_id("ep", str(number)), "scope": "project", "task": "Mend the test", "trajectory": TRAJECTORY, "steps": 2,
        "run_id": RUN, "attempt": number,
    }  # fmt: skip
    return Episode.model_validate(values | changes)


@pytest.fixture
async def bank(home: Path) -> AsyncIterator[Bank]:
    opened = await Bank.open(Location(home))
    yield opened
    await opened.close()


async def test_an_episode_says_of_each_lesson_how_it_was_shown_and_what_came_of_it(bank: Bank) -> None:
    await put(bank, lesson(1, id=told(1)), lesson(2, id=told(2), status="retired"), lesson(4, id=told(4)))
    recall = Recall(
        id=RECALL,
        scope="project",
        task="Mend",
        strategy_ids=[told(1)],
        listed_ids=[told(2), told(3)],
        opened_ids=[told(2)],
    )
    fates = {"used_ids": [told(1), told(2), told(4)], "helped_ids": [told(2)], "wrong_ids": [told(4)]}
    await bank.add(recall)
    await bank.add(attempt(1, recall_id=RECALL, unfit_ids=[told(3)], **fates))
    view = await episode_view(bank, attempt(1).id, Asked())
    assert view.lessons == [
        Told(told(1), "Lesson 1", "active", "in full", opened=False, echoed=False, fate="followed"),
        Told(told(2), "Lesson 2", "retired", "as a line", opened=True, echoed=False, fate="helped"),
        Told(told(3), "", None, "as a line", opened=False, echoed=False, fate="unfit"),
        Told(told(4), "Lesson 4", "active", "", opened=False, echoed=False, fate="wrong"),
    ]


async def test_an_episode_knows_its_sisters_also_of_a_run_that_was_forgotten(bank: Bank) -> None:
    await bank.add_all([attempt(2, verdict="success", status="recorded"), attempt(1, outcome="failure")])
    view = await episode_view(bank, attempt(2).id, Asked())
    assert view.run
    assert view.run.status is None
    assert [(sister.attempt, sister.verdict) for sister in view.run.reported] == [(1, "failure"), (2, "success")]
    assert (view.recall, view.lessons, view.judgement) == (None, [], None)


async def test_quotes_name_the_step_in_which_they_stand(bank: Bank) -> None:
    await bank.add(attempt(1, judgement=judged()))
    view = await episode_view(bank, attempt(1).id, Asked())
    assert [(quote.text, quote.step, quote.others, quote.here) for quote in view.quotes] == [
        ("2 PASSED", None, 0, False),  # too short to be found in another case
        ("pytest -q", 1, 1, True),
        ("nowhere", None, 0, False),
    ]


@pytest.mark.parametrize("asked", [Asked(step=2), Asked(at=TRAJECTORY.index("2 passed")), Asked(at=10**9)])
async def test_a_page_begins_with_what_was_asked_for(bank: Bank, asked: Asked) -> None:
    await bank.add(attempt(1))
    shown = (await episode_view(bank, attempt(1).id, asked)).trajectory
    assert [step.number for step in shown.steps] == [2]
    assert shown.before == 0


@pytest.mark.parametrize("damaged", ["{", "[]", '{"reason": "x"}', "null", judged(verdict="perhaps")])
async def test_a_judgement_that_cannot_be_read_is_left_as_it_is(bank: Bank, damaged: str) -> None:
    await bank.add(attempt(1, judgement=damaged))
    view = await episode_view(bank, attempt(1).id, Asked())
    assert (view.judgement, view.quotes, view.episode.judgement) == (None, [], damaged)


async def test_a_run_has_its_attempts_in_order_with_their_ends_and_those_that_are_missing(bank: Bank) -> None:
    await put(bank, lesson(1, id=told(1)))
    known, gone = (
        Hit(
            id=id,
            title="T",
            description="D",
            content="C",
            outcome="success",
            relevance=0.8,
            helped=0,
            hurt=0,
            scope="project",
        )
        for id in (told(1), told(2))
    )
    compared = json.dumps({"analysis": "The second looked first.", "best_attempt": 2, "strategies": []})
    values: dict[str, Any] = {
        "status": "finished",
        "best_attempt": 2,
        "comparison": compared,
        "recalled": [known, gone],
    }
    await bank.add(Run(id=RUN, scope="project", task="Mend the test", mode="parallel", attempts=3, **values))
    await bank.add_all([attempt(2, judgement=judged()), attempt(1, judgement="{")])
    view = await run_view(bank, RUN)
    assert [(each.number, each.is_best, each.episode is not None) for each in view.attempts] == [
        (1, False, True), (2, True, True), (3, False, False),
    ]  # fmt: skip
    assert [bool(each.judgement) for each in view.attempts] == [False, True, False]
    assert "".join(s.text for piece in view.attempts[1].last[-1].pieces for s in piece.stretches) == "2 passed"
    assert view.comparison
    assert view.comparison.analysis == "The second looked first."
    assert view.statuses == {told(1): "active"}


async def test_what_is_not_there_says_so(bank: Bank) -> None:
    with pytest.raises(NotFound, match="There is no episode 'ep_1'"):
        await episode_view(bank, "ep_1", Asked())
    with pytest.raises(NotFound, match="There is no run 'run_1'"):
        await run_view(bank, "run_1")
