"""The bank itself: durable, shared, honest about what it cannot do."""

import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import anyio
import pyarrow as pa
import pytest
from filelock import FileLock

from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding.embedder import DEFAULT_MODEL, Embedder, ModelStamp, download
from strategy_bank.store.embedding.known_models import available
from strategy_bank.store.errors import (
    BankBusy,
    BankTooNew,
    BankUnavailable,
    ModelMismatch,
    ModelUnavailable,
    NotFound,
)
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.table import Connection
from strategy_bank.store.location import Location
from strategy_bank.store.maintenance import migrations
from strategy_bank.store.recall_buffer import RECALLS_BUFFERED
from strategy_bank.store.records import Episode, Proposal, Recall, Record, Revision, Run, Strategy
from strategy_bank.store.retrieval import ranking
from tests.support.records import episode, lesson, put

pytestmark = pytest.mark.anyio


@pytest.fixture
def location(home: Path) -> Location:
    return Location(home, lock_timeout_s=0.5)


@pytest.fixture
async def bank(location: Location) -> AsyncIterator[Bank]:
    opened = await Bank.open(location)
    yield opened
    await opened.close()


async def test_every_field_of_every_record_comes_back_as_it_was(bank: Bank) -> None:
    strategy = lesson(1, episode_ids=["ep_1"], run_ids=["run_1"], credited_by=["ep_2"], helped=2, status_reason="why")
    await put(bank, strategy)
    hits = await bank.search("reading a file of another system", ["project"], 1)
    run = Run(id="run_1", scope="project", task="t", mode="parallel", attempts=2, recalled=hits)
    recall = Recall(id="rc_1", scope="project", task="t", strategy_ids=["st_1"])
    async with bank.lock.hold():
        for record in (episode(1), run, recall):
            assert await bank.add(record)
    for record in (strategy, episode(1), run, recall):
        found = await bank.get(type(record), record.id)
        assert found.model_copy(update={"created_at": record.created_at}) == record.model_copy(
            update={"updated_at": getattr(found, "updated_at", None)} if hasattr(found, "updated_at") else {}
        )


async def test_adding_keeps_what_is_there_and_amending_adds_nothing(bank: Bank) -> None:
    async with bank.lock.hold():
        assert await bank.add(episode(1))
        assert not await bank.add(episode(1).model_copy(update={"task": "another"}))
        await bank.amend([episode(2)])
    assert (await bank.get(Episode, "ep_1")).task == "task 1"
    assert await bank.find(Episode, "ep_2") is None


async def test_amending_a_strategy_leaves_its_vectors(bank: Bank) -> None:
    await put(bank, lesson(1))
    before = await bank.search("read foreign bytes", ["project"], 1)
    async with bank.lock.hold():
        await bank.amend([lesson(1, helped=5)])
    (after,) = await bank.search("read foreign bytes", ["project"], 1)
    assert after == before[0].model_copy(update={"helped": 5, "relevance": after.relevance})
    assert after.relevance >= before[0].relevance


async def test_what_is_not_there_is_named(bank: Bank) -> None:
    with pytest.raises(NotFound, match="strategy 'st_9'"):
        await bank.get(Strategy, "st_9")


async def test_only_active_strategies_of_the_scopes_are_found(bank: Bank) -> None:
    await put(
        bank,
        lesson(1),
        lesson(2, status="retired"),
        lesson(3, status="quarantined"),
        lesson(4, scope="elsewhere"),
        lesson(5, scope="global"),
    )
    menu = await bank.menu("reading files of other systems: look at the bytes", ["project", "global"], 10)
    assert {hit.id for hits in menu for hit in hits} == {"st_1", "st_5"}


async def test_a_near_lesson_of_another_project_does_not_crowd_out_this_projects(bank: Bank) -> None:
    """Filtered before the nearest are taken."""
    crowd = [lesson(number, scope="elsewhere") for number in range(100, 160)]
    await put(bank, *crowd, lesson(1))
    assert [hit.id for hit in await bank.search("Look at the bytes of the file first", ["project"], 3)] == ["st_1"]


async def test_what_no_vector_holds_is_found_by_its_name(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "NEAREST", 1)
    named = lesson(
        2, content="ERR_7QX2Z means that another process holds the port.", description="When a port is taken."
    )
    await put(bank, lesson(1), named)
    task = "Look at the bytes of this file of another system first"
    assert [hit.id for hit in await bank.search(task, ["project"], 3)] == ["st_1"]
    assert {hit.id for hit in await bank.search(f"{task}: err_7qx2z", ["project"], 3)} == {"st_1", "st_2"}


async def test_forgetting_removes_strategies_episodes_and_runs(bank: Bank) -> None:
    await put(bank, lesson(1), lesson(2))
    async with bank.lock.hold():
        await bank.add(episode(1))
        assert sorted(await bank.forget(["st_1", "ep_1", "st_none"])) == ["ep_1", "st_1"]
    assert [strategy.id for strategy in await bank.all(Strategy)] == ["st_2"]
    assert await bank.count(Episode) == 0


async def test_recalls_are_written_in_the_background_once_there_are_many(bank: Bank) -> None:
    for number in range(RECALLS_BUFFERED):
        bank.recalls.note(Recall(id=f"rc_{number}", scope="project", task="t"))
    await bank.maintain()
    assert await bank.count(Recall) == RECALLS_BUFFERED


async def test_buffered_recalls_are_written_at_the_end(location: Location) -> None:
    bank = await Bank.open(location)
    bank.recalls.note(Recall(id="rc_1", scope="project", task="t"))
    await bank.close()
    bank = await Bank.open(location)
    assert await bank.count(Recall) == 1
    await bank.close()


async def test_two_banks_on_one_folder_see_each_other_at_once(bank: Bank, location: Location) -> None:
    other = await Bank.open(location)
    await put(bank, lesson(1))
    assert await other.count(Strategy) == 1
    await put(other, lesson(1), lesson(2))
    assert await bank.count(Strategy) == 2
    await other.close()


async def test_what_is_counted_again_is_what_is_there_now(bank: Bank, location: Location) -> None:
    other = await Bank.open(location)
    counts: list[tuple[int, int]] = []
    for change in (
        put(other, lesson(1)),
        put(other, lesson(2), lesson(3)),
        put(bank, lesson(4)),
        other.forget(["st_1"]),
    ):
        await change
        for _ in range(2):
            counts.append((await bank.count(Strategy), await bank.count(Strategy, id=["st_1", "st_2"])))
    await other.close()
    assert counts[::2] == counts[1::2] == [(1, 1), (3, 2), (4, 2), (3, 1)]


async def test_a_lock_that_another_process_keeps_is_an_error_after_the_wait(bank: Bank) -> None:
    assert bank.location.lock_file
    with FileLock(bank.location.lock_file), pytest.raises(BankBusy, match="strategy-bank process"):
        async with bank.lock.hold():
            pass
    async with bank.lock.hold():
        pass


async def test_waiting_for_the_lock_does_not_stall_reading(home: Path) -> None:
    bank = await Bank.open(Location(home, lock_timeout_s=5))
    assert bank.location.lock_file
    lock = FileLock(bank.location.lock_file)
    lock.acquire()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(put, bank, lesson(1))
        await bank.embed([lesson(2)])
        assert await bank.count(Strategy) == 0
        lock.release()
    assert await bank.count(Strategy) == 1
    await bank.close()


async def test_a_process_that_was_killed_leaves_no_lock(bank: Bank) -> None:
    code = f"""
import os, signal
from filelock import FileLock
FileLock({str(bank.location.lock_file)!r}).acquire()
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    async with bank.lock.hold():
        pass


async def test_a_bank_that_another_process_is_making_is_looked_at_again_when_it_is_made(
    bank: Bank, location: Location, tmp_path: Path
) -> None:
    versions, aside = Path(location.tables_uri) / "meta.lance" / "_versions", tmp_path / "not written yet"
    opened: list[Bank] = []

    async def open_too() -> None:
        opened.append(await Bank.open(location))

    async with anyio.create_task_group() as tasks, bank.lock.hold():
        versions.rename(aside)
        tasks.start_soon(open_too)
        await anyio.sleep(0.3)
        assert not opened
        aside.rename(versions)
    assert await opened[0].count(Strategy) == 0
    await opened[0].close()


async def test_a_bank_of_a_newer_version_is_refused_and_left_alone(bank: Bank, location: Location) -> None:
    meta = await Connection.open(location)
    await (await meta.table("meta")).amend([{"id": "format_version", "value": "99"}])
    with pytest.raises(BankTooNew, match="pip install -U"):
        await Bank.open(location)
    await (await meta.table("meta")).amend([{"id": "format_version", "value": str(migrations.FORMAT_VERSION)}])
    meta.close()


async def test_an_older_bank_is_migrated_step_by_step(
    bank: Bank, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []

    async def step(connection: Connection, models_dir: Path) -> None:
        done.append(len(done) + 1)

    newest = migrations.FORMAT_VERSION
    monkeypatch.setattr(migrations, "STEPS", {newest: step, newest + 1: step})
    monkeypatch.setattr(migrations, "FORMAT_VERSION", newest + 2)
    migrated = await Bank.open(location)
    await migrated.close()
    await (await Bank.open(location)).close()
    assert done == [1, 2]
    monkeypatch.undo()
    with pytest.raises(BankTooNew):
        await Bank.open(location)


async def test_a_bank_of_the_first_format_is_brought_up_with_all_that_is_in_it(bank: Bank, location: Location) -> None:
    await put(bank, lesson(1, helped=3))
    await bank.atomically(lambda: bank.add(episode(1)))
    connection = await Connection.open(location)
    for name in schema.RECORDS:
        await (await connection.table(name))._table.drop_columns(["revision"])
    await (await connection.table("strategies"))._table.drop_columns(["pardoned", "contradicts"])
    await (await connection.table("meta")).amend([{"id": "format_version", "value": "1"}])
    connection.close()
    for _ in range(2):  # the second time there is nothing to do
        opened = await Bank.open(location)
        strategy = await opened.get(Strategy, "st_1")
        assert (strategy.helped, await opened.count(Episode)) == (3, 1)
        assert strategy.pardoned == strategy.contradicts == (["st_2"] if strategy.hurt else [])
        marked = {"hurt": strategy.hurt + 1, "pardoned": ["st_2"], "contradicts": ["st_2"]}
        await opened.amend([strategy.model_copy(update=marked)])
        await opened.close()
    assert (await bank.get(Strategy, "st_1")).hurt == 2


async def test_a_bank_of_format_4_gets_room_for_former_wordings_and_older_versions_leave_it_alone(
    bank: Bank, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(bank, lesson(1, helped=3), lesson(2))
    before = await bank.all(Strategy)
    connection = await Connection.open(location)
    await (await connection.table("strategies"))._table.drop_columns(["revisions", "proposals"])
    for _ in range(2):  # the second time there is nothing to do
        await (await connection.table("meta")).amend([{"id": "format_version", "value": "4"}])
        opened = await Bank.open(location)
        assert await opened.all(Strategy) == before
        await opened.close()
    connection.close()
    words = {"title": "Then", "description": "When.", "content": "Once."}
    said = {
        "revisions": [Revision(**words, replaced_by="ep_1")],
        "proposals": [Proposal(**words, proposed_by="ep_2")],
    }
    amended = (await bank.get(Strategy, "st_1")).model_copy(update=said)
    await bank.amend([amended])
    assert await bank.get(Strategy, "st_1") == amended.model_copy(update={"revision": amended.revision + 1})
    monkeypatch.setattr(migrations, "FORMAT_VERSION", 4)
    with pytest.raises(BankTooNew):
        await Bank.open(location)


async def test_a_bank_of_format_6_gets_room_for_who_reported_and_older_versions_leave_it_alone(
    bank: Bank, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(id="run_1", scope="project", task="t", mode="parallel", attempts=2)
    await put(bank, lesson(1, helped=3), lesson(2))
    for record in (episode(1), run):
        await bank.atomically(partial(bank.add, record))
    before = {kind: await bank.all(kind) for kind in (Strategy, Episode, Run)}
    connection = await Connection.open(location)
    for name, columns in {
        "strategies": ["session", "copied"],
        "episodes": ["client", "session", "sources"],
        "runs": ["session"],
    }.items():
        await (await connection.table(name))._table.drop_columns(columns)
    for _ in range(2):  # the second time there is nothing to do
        await (await connection.table("meta")).amend([{"id": "format_version", "value": "6"}])
        opened = await Bank.open(location)
        assert {kind: await opened.all(kind) for kind in (Strategy, Episode, Run)} == before
        await opened.close()
    connection.close()
    known = (await bank.get(Strategy, "st_1")).model_copy(update={"session": "se_1", "copied": 0.25})
    await bank.amend([known])
    assert await bank.get(Strategy, "st_1") == known.model_copy(update={"revision": known.revision + 1})
    rows = await bank.cells(Strategy, ["session", "copied"], id="st_2")
    assert [(row["session"], row["copied"]) for row in rows] == [(None, None)]
    monkeypatch.setattr(migrations, "FORMAT_VERSION", 6)
    with pytest.raises(BankTooNew):
        await Bank.open(location)


async def test_a_bank_of_this_format_gets_the_columns_that_it_lacks(bank: Bank, location: Location) -> None:
    run = Run(id="run_1", scope="project", task="t", mode="parallel", attempts=2)
    await put(bank, lesson(1))
    for record in (episode(1), run, Recall(id="rc_1", scope="project", task="t")):
        await bank.atomically(partial(bank.add, record))
    before = {kind: await bank.all(kind) for kind in schema.RECORDS.values()}
    connection = await Connection.open(location)
    for name, kind in schema.RECORDS.items():
        added = [field for field, info in kind.model_fields.items() if not info.is_required() and field != "created_at"]
        await (await connection.table(name))._table.drop_columns(added)
    connection.close()
    for _ in range(2):  # the second time there is nothing to do
        opened = await Bank.open(location)
        for kind, records in before.items():
            changed = [_untaught(record) for record in records]
            assert await opened.all(kind) == changed
        await opened.close()


def _untaught(record: Record) -> Record:
    """The record with the default of every field that has one, as if just made."""
    required = {name for name, info in type(record).model_fields.items() if info.is_required()}
    made = type(record).model_validate(record.model_dump(include=required | {"created_at"}))
    return made.model_copy(
        update={"updated_at": record.created_at} if "updated_at" in type(record).model_fields else {}
    )


async def test_a_bank_of_format_1_gets_the_word_pieces_of_its_strategies(
    bank: Bank, location: Location, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(migrations, "AT_ONCE", 1)
    await put(bank, lesson(1, helped=4, status_reason="kept"), lesson(2, source_task=""))
    before = await bank.all(Strategy)
    task = "the bytes of a file that another system wrote"
    asked = await bank.search(task, ["project"], 3)
    assert asked
    await back_to_format_1(location)
    for _ in range(2):  # the step may run again
        connection = await Connection.open(location)
        await (await connection.table("meta")).amend([{"id": "format_version", "value": "1"}])
        connection.close()
        migrated = await Bank.open(location)
        assert await migrated.all(Strategy) == before
        assert await migrated.search(task, ["project"], 3) == asked
        await migrated.close()
    assert "1 of 2 strategies have been embedded again" in caplog.text


async def test_a_bank_of_format_1_that_names_no_model_waits_to_be_reembedded(bank: Bank, location: Location) -> None:
    await put(bank, lesson(1))
    rows = [schema.to_row(strategy) for strategy in await bank.all(Strategy)]
    connection = await Connection.open(location)
    await connection.make("strategies", schema.record_schema(Strategy), rows=rows)
    await (await connection.table("meta")).amend([{"id": "format_version", "value": "1"}])
    connection.close()
    with pytest.raises(ModelMismatch, match="models use"):
        await Bank.open(location)
    mended = await Bank.open(location, any_model=True)
    await mended.reembed(DEFAULT_MODEL)
    assert [hit.id for hit in await mended.search("look at the bytes first", ["project"], 1)] == ["st_1"]
    await mended.close()


async def back_to_format_1(location: Location) -> None:
    """The strategies as an older version kept them: without the word pieces."""
    connection = await Connection.open(location)
    table = await connection.table("strategies")
    columns = await table.schema()
    tokens = schema.pieces_column(schema.stamp_of(columns))
    older = pa.schema([field for field in columns if field.name != tokens], columns.metadata)
    rows = await table.select(older.names, {})
    await connection.make("strategies", older, words="text", rows=rows)
    connection.close()


async def test_a_bank_whose_making_was_interrupted_is_finished(location: Location) -> None:
    connection = await Connection.open(location)
    await connection.make("episodes", schema.record_schema(Episode))
    connection.close()
    bank = await Bank.open(location)
    await put(bank, lesson(1))
    assert await bank.count(Strategy) == 1
    await bank.close()


async def test_vectors_of_another_model_are_refused_with_the_way_out(bank: Bank, location: Location) -> None:
    await replace_strategies(location, ModelStamp(DEFAULT_MODEL, 384, "0badcafe"))
    with pytest.raises(ModelMismatch, match="strategy-bank models use"):
        await Bank.open(location)
    with pytest.raises(ModelMismatch, match="Restart"):
        await bank.search("anything", ["project"], 1)
    with pytest.raises(ModelMismatch):
        await put(bank, lesson(1))
    mended = await Bank.open(location, any_model=True)
    await mended.reembed(DEFAULT_MODEL)
    await mended.close()
    await put(bank, lesson(1))
    assert any(await bank.menu("look at the bytes first", ["project"], 1))


async def test_a_model_that_fastembed_no_longer_knows_is_named_with_the_way_out(bank: Bank, location: Location) -> None:
    await replace_strategies(location, ModelStamp("old/model", 384, "0badcafe"))
    with pytest.raises(ModelUnavailable, match="old/model"):
        await Bank.open(location)


async def test_a_bank_that_does_not_name_its_model_is_refused_with_the_way_out(bank: Bank, location: Location) -> None:
    connection = await Connection.open(location)
    await connection.make("strategies", schema.record_schema(Strategy), rows=[])
    connection.close()
    with pytest.raises(ModelMismatch, match="models use"):
        await Bank.open(location)


async def replace_strategies(location: Location, stamp: ModelStamp) -> None:
    connection = await Connection.open(location)
    await connection.make("strategies", schema.strategies_schema(stamp), words="text", rows=[])
    connection.close()


@pytest.mark.slow
async def test_reembedding_keeps_every_strategy_and_tells_how_far_it_is(bank: Bank) -> None:
    await put(bank, *(lesson(number) for number in range(70)))
    seen: list[tuple[int, int]] = []
    before = await bank.all(Strategy)
    await bank.reembed(DEFAULT_MODEL, lambda done, total: seen.append((done, total)))
    assert await bank.all(Strategy) == before
    assert seen == [(64, 70), (70, 70)]
    assert await bank.search("look at the bytes first", ["project"], 1)


async def test_an_unknown_model_is_refused_before_anything_changes(bank: Bank, tmp_path: Path) -> None:
    await put(bank, lesson(1))
    with pytest.raises(ModelUnavailable, match="no text model"):
        download(tmp_path, "no/such-model")


async def test_a_model_that_is_not_here_fails_at_once_and_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"strategy-bank models use BAAI/bge-small-en-v1\.5"):
        Embedder(tmp_path, "BAAI/bge-small-en-v1.5").warm()
    ready = {model.name: model.is_here for model in available(tmp_path)}
    assert ready[DEFAULT_MODEL]
    assert not ready["BAAI/bge-small-en-v1.5"]


@pytest.mark.parametrize("name", ["model.onnx", "weights.bin", "tokenizer.json", "sha256.json"])
async def test_damaged_model_files_are_replaced(tmp_path: Path, models_dir: Path, name: str) -> None:
    shutil.copytree(models_dir, tmp_path / "models")
    (file,) = tmp_path.glob(f"models/*/{name}")
    file.write_bytes(b"broken")
    assert Embedder(tmp_path / "models").read_query("still works").vector.shape == (384,)


async def test_the_model_of_another_version_of_onnxruntime_makes_room(tmp_path: Path) -> None:
    older = tmp_path / "all-MiniLM-L6-v2-int8-8199be6f"
    older.mkdir()
    Embedder(tmp_path).warm()
    assert not older.exists()
    assert len(list(tmp_path.iterdir())) == 1


async def test_vectors_are_of_unit_length_and_tell_texts_apart(home: Path) -> None:
    embedder = Embedder(home / "models")
    texts = ["fix the failing test", "repair the broken test", "bake a cake"]
    same, close, far = (reading.vector for reading in embedder.read_documents(texts))
    assert same @ same == pytest.approx(1, abs=1e-5)
    assert same @ close > 0.5 > same @ far


@pytest.mark.parametrize("name", ["home", "bank.lance"])
async def test_a_place_that_is_no_folder_is_named(tmp_path: Path, name: str) -> None:
    file = tmp_path / "a file"
    file.write_text("x")
    with pytest.raises(BankUnavailable, match="a file"):
        await Bank.open(Location(file / name))


async def test_a_missing_table_is_an_error_that_names_the_place(bank: Bank, location: Location) -> None:
    for file in (Path(location.tables_uri) / "episodes.lance").rglob("*"):
        if file.is_file():
            file.unlink()
    with pytest.raises(BankUnavailable, match=r"bank\.lance"):
        await Bank.open(location)


async def test_an_object_store_needs_no_lock_file(tmp_path: Path) -> None:
    location = Location(tmp_path, "s3://bucket/bank")
    assert location.lock_file is None
    assert location.tables_uri == "s3://bucket/bank"


async def test_a_folder_given_as_an_address_is_the_same_bank_with_the_same_locks(home: Path) -> None:
    folder = home / "team bank"
    plain, address = Location(home, str(folder)), Location(home, folder.as_uri())
    assert address.tables_uri == plain.tables_uri
    assert address.lock_file == plain.lock_file is not None
    assert address.upkeep_file == plain.upkeep_file is not None
    one, other = await Bank.open(address), await Bank.open(plain)
    await put(one, lesson(1))
    assert await other.count(Strategy) == 1
    await one.close()
    await other.close()


async def test_folders_are_private(tmp_path: Path) -> None:
    bank = await Bank.open(Location(tmp_path / "new"))
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    await bank.close()
