"""What was forgotten leaves the disk, with indexes, on an object store, and without disturbing who reads or writes."""

import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import anyio
import boto3
import numpy as np
import pytest

from strategy_bank.store.bank import Bank
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.selection import Selection
from strategy_bank.store.location import Location
from strategy_bank.store.maintenance import upkeep
from strategy_bank.store.maintenance.erasure_notes import ErasureNotes
from strategy_bank.store.records import Episode, Recall, Strategy
from strategy_bank.store.retrieval.strategy_vectors import EmbeddedStrategy
from tests.store.conftest import BUCKET
from tests.support.records import lesson, put

pytestmark = pytest.mark.anyio
MARKER = secrets.token_hex(16)


@pytest.fixture
def location(folder: Location) -> Location:
    return folder


@pytest.fixture
async def filled(location: Location) -> AsyncIterator[Bank]:
    """A bank in which one strategy and one episode hold the marker."""
    bank = await Bank.open(location)
    await put(
        bank, *[lesson(number) for number in range(20)], lesson(99, content=f"Look at the bytes of {MARKER} first.")
    )
    for number in range(5):
        trajectory = f"[1] text: {MARKER if number == 3 else 'done'}"
        step = Episode(id=f"ep_{number}", scope="project", task="t", trajectory=trajectory, steps=1)
        await bank.atomically(lambda step=step: bank.add(step))
    await bank.atomically(lambda: bank.forget(["st_99", "ep_3"]))
    yield bank
    await bank.close()


def holding(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and MARKER.encode() in file.read_bytes()]


async def test_a_purge_leaves_rows_and_searches_as_they_were(filled: Bank) -> None:
    before = {kind: await filled.all(kind) for kind in schema.RECORDS.values()}
    asked = await filled.search("Look at the bytes of the file first", ["project"], 3)
    folder = Path(filled.location.tables_uri)
    assert holding(folder)
    told: list[tuple[int, int]] = []
    await filled.purge(lambda done, total: told.append((done, total)))
    assert holding(folder) == []
    assert told[-1][0] == told[-1][1] > 0
    assert {kind: await filled.all(kind) for kind in schema.RECORDS.values()} == before
    assert await filled.search("Look at the bytes of the file first", ["project"], 3) == asked
    assert {name: table.files.versions() for name, table in filled.tables.items()} == dict.fromkeys(filled.tables, 2)
    await put(filled, lesson(100))
    assert await filled.count(Strategy) == 21


async def test_a_purge_builds_the_vector_index_anew(location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "INDEXED_FROM", 300)
    bank, random = await Bank.open(location), np.random.default_rng(1)
    made: list[EmbeddedStrategy] = []
    for number in range(600):
        vector = random.normal(size=384).astype(np.float32)
        vector /= np.linalg.norm(vector)
        made.append(EmbeddedStrategy(lesson(number), vector, vector))
    await bank.atomically(lambda: bank.add_strategies(made))
    await bank.maintain()
    column = schema.retrieval_column(bank.embedder.stamp)
    assert await bank.tables["strategies"].files.trained_on(column) == 600
    before = {file.parent.name for file in (location.home / "bank.lance" / "strategies.lance" / "_indices").rglob("*")}
    await bank.atomically(lambda: bank.forget(["st_1"]))
    await bank.purge()
    assert await bank.tables["strategies"].files.trained_on(column) == 599
    after = {file.parent.name for file in (location.home / "bank.lance" / "strategies.lance" / "_indices").rglob("*")}
    assert before & after <= {"_indices"}
    await bank.close()


async def test_what_is_forgotten_while_a_table_is_written_anew_stays_noted(filled: Bank) -> None:
    notes = ErasureNotes(await filled._connection.table("meta"))
    (old,) = await notes.due(["episodes"])
    await filled.atomically(lambda: filled.forget(["ep_4"]))
    await notes.update(old, 7)
    (new,) = await notes.due(["episodes"])
    assert (new.clean_from, new != old) == (0, True)
    await notes.drop([old])
    assert await notes.due(["episodes"]) == [new]
    await notes.update(new, 7)
    assert [note.clean_from for note in await notes.due(["episodes"])] == [7]


async def test_upkeep_waits_until_nobody_reads_the_old_versions_any_more(filled: Bank) -> None:
    folder = Path(filled.location.tables_uri)
    while await filled.maintain():
        pass
    assert holding(folder)
    for table in filled.tables.values():
        object.__setattr__(table.files, "kept", timedelta(milliseconds=1))
    with anyio.fail_after(60):
        while await filled.maintain():
            pass
    assert holding(folder) == []
    assert await filled.count(Episode) == 4


async def test_a_recall_from_before_a_forgetting_is_not_written_after_it(filled: Bank, location: Location) -> None:
    other = await Bank.open(location)
    other.recalls.note(Recall(id="rc_before", scope="project", task=MARKER))
    await filled.atomically(lambda: filled.note_forgotten([Recall]))
    other.recalls.note(Recall(id="rc_after", scope="project", task="t"))
    await other.atomically(other.flush_recalls)
    assert [recall.id for recall in await filled.all(Recall)] == ["rc_after"]
    await other.close()


@pytest.mark.parametrize("text", ['It\'s "quoted"', "a_%b", "back\\slash", "ÄÖ", "日本"])
async def test_any_text_is_found_as_it_is(location: Location, text: str) -> None:
    bank = await Bank.open(location)
    await put(bank, lesson(1, title=f"x{text}y"), lesson(2, title="a1zb"))
    assert await bank.selected(Strategy, Selection(matching=text.swapcase()), ["title"]) == ["st_1"]
    await bank.close()


@pytest.mark.slow
async def test_a_purge_on_an_object_store_leaves_nothing(bucket: Location) -> None:
    bank = await Bank.open(bucket)
    await put(bank, lesson(1), lesson(99, content=f"Look at the bytes of {MARKER} first."))
    await bank.atomically(lambda: bank.forget(["st_99"]))
    s3, prefix = boto3.client("s3", region_name="eu-central-1"), f"{bucket.home.parent.name}/"

    def holding() -> list[str]:
        found = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]]
        return [key for key in found if MARKER.encode() in s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()]

    assert holding()
    await bank.purge()
    assert holding() == []
    assert await bank.count(Strategy) == 1
    await bank.close()
