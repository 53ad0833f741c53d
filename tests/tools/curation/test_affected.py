"""What a few records touch is found by looking for it: the same that reading every record finds."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.lance.selection import Selection
from strategy_bank.store.location import Location
from strategy_bank.store.records import (
    Episode,
    Hit,
    LearnedStrategy,
    Recall,
    Record,
    Revision,
    Run,
    StatusChange,
    Strategy,
)
from strategy_bank.tools.curation import affected
from strategy_bank.tools.curation.copies import without
from strategy_bank.tools.curation.forgetting import Plan, plan
from tests.support.hostile_bank import HARMLESS, HOSTILE, Records, fill
from tests.support.records import lesson, put

pytestmark = pytest.mark.anyio
Done = dict[str, Record | None]


def done(planned: Plan) -> Done:
    """Return what becomes of each record that the plan is about; None of one that goes."""
    return {each.id: None for each in planned.going} | {each.id: without(each, planned.gone) for each in planned.losing}


async def both(bank: Bank, selection: Selection, monkeypatch: pytest.MonkeyPatch) -> tuple[Done, Done]:
    found = done(await plan(bank, selection))
    with monkeypatch.context() as patched:
        patched.setattr(affected, "FEW", -1)
        return found, done(await plan(bank, selection))


async def filled(home: Path, held: Records) -> Bank:
    bank = await Bank.open(Location(home))
    await fill(bank, held)
    return bank


@pytest.mark.parametrize("held", [HARMLESS, HOSTILE], ids=["ordinary words", "hostile texts"])
async def test_each_record_alone(home: Path, held: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    bank = await filled(home, held)
    records: list[Record] = [*held.lessons, *held.episodes, *held.runs, *held.recalls]
    for record in records[:: max(1, len(records) // 15)]:
        found, by_reading = await both(bank, Selection([record.id]), monkeypatch)
        assert found == by_reading, record.id
    await bank.close()


@pytest.fixture
async def bank(home: Path) -> AsyncIterator[Bank]:
    """A bank in which one lesson, one episode and one run are held by others in every way there is."""
    opened = await Bank.open(Location(home))
    words = {"title": "Ask Example Corp", "description": 'When "it" pays.', "content": "Näh, ask\nfirst of all."}
    first = lesson(
        1, id="st_0000000000000001", episode_ids=["ep_1"], source_task="Mend the mill at Example Corp", **words
    )
    hit = Hit.model_validate({"relevance": 0.5, **dict(first)})
    learned = [LearnedStrategy(id=first.id, title=first.title, action="added")]
    drafts = '{"reason":"r","strategies":[{"title":"Ask Example Corp","description":"d","content":"c"}]}'
    decision = StatusChange(before="active", after="active", reason="like st_0000000000000001", opposite=first.id)
    await put(
        opened,
        first,
        lesson(2, id="st_0000000000000002", contradicts=[first.id], status_reason=f"merged into {first.id}"),
        lesson(3, id="st_0000000000000003", decisions=[decision], episode_ids=["ep_1", "ep_2"]),
        lesson(
            4,
            id="st_0000000000000004",
            revisions=[Revision(title="t", description="d", content="c", replaced_by="ep_1")],
            source_task="Mend the mill at Example Corp",
        ),
        lesson(5, id="st_0000000000000005", source_task="", run_ids=["run_1"]),
    )
    await opened.add_all(
        [
            Episode(
                id="ep_1", scope="p", task="Mend the mill at Example Corp", trajectory="t", steps=1, learned=learned
            ),
            Episode(
                id="ep_2", scope="p", task="Mend the mill at Example Corp", trajectory="t", steps=1, judgement=drafts
            ),
            Episode(id="ep_3", scope="p", task="", trajectory="t", steps=1, used_ids=[first.id], recall_id="rc_1"),
            Episode(id="ep_4", scope="p", task="x", trajectory="Example Corp", steps=1, run_id="run_1", attempt=1),
        ]
    )
    await opened.add(Run(id="run_1", scope="p", task="x", mode="parallel", attempts=2, recalled=[hit], best_attempt=1))
    await opened.add_all(
        [
            Recall(id="rc_1", scope="p", task=" Mend the mill at Example Corp ", strategy_ids=[first.id]),
            Recall(id="rc_2", scope="p", task="x", opened_ids=[first.id], answered_by="ep_2"),
            Recall(id="rc_3", scope="q", task="Mend the mill at Example Corp"),
        ]
    )
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    "selection",
    [
        *(Selection([f"st_{number:016x}"]) for number in range(1, 6)),
        *(Selection([id]) for id in ("ep_1", "ep_2", "ep_3", "ep_4", "run_1", "rc_1", "rc_2", "rc_3")),
        Selection(["ep_1", "ep_2", "st_0000000000000001"]),
        *(
            Selection(matching=text)
            for text in ("Example Corp", "example corp", "Näh", '"it"', "mill", "nothing of it")
        ),
        Selection(matching="Example", before=datetime(2120, 1, 1, tzinfo=UTC)),
        Selection(scope="p"),
        Selection(before=datetime(2120, 1, 1, tzinfo=UTC)),
    ],
    ids=str,
)
async def test_what_is_held_in_every_way(bank: Bank, selection: Selection, monkeypatch: pytest.MonkeyPatch) -> None:
    found, by_reading = await both(bank, selection, monkeypatch)
    assert found == by_reading
    assert found or selection.matching == "nothing of it"


async def test_only_what_is_touched_is_read(bank: Bank) -> None:
    there = await affected.affected(bank, {"rc_3"}, set(), Selection(["rc_3"]))
    assert [record.id for records in there.values() for record in records] == ["rc_3"]
    assert len(affected.of(await affected.everything(bank), Strategy)) == 5
