"""A backup is not believed: what no bank holds is refused before anything is touched, and a failure leaves the old bank."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.errors import BankTooNew, BankUnavailable, InvalidInput
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.table import Connection
from strategy_bank.store.location import Location
from strategy_bank.store.records import Run, Strategy
from strategy_bank.store.transfer import restore as restoring
from strategy_bank.store.transfer.archive import check_backup
from strategy_bank.store.transfer.backup import write_backup
from strategy_bank.store.transfer.restore import restore_backup
from tests.support.records import episode, lesson, put

pytestmark = pytest.mark.anyio
Members = dict[str, bytes]
Change = Callable[[Members], None]


@pytest.fixture
async def saved(settings: Settings, tmp_path: Path) -> Path:
    """The backup of a bank with two strategies and an episode, which has one strategy more by now."""
    bank, file = await Bank.open(settings.location), tmp_path / "bank.zip"
    await put(bank, lesson(1), lesson(2))
    await bank.atomically(lambda: bank.add(episode(1)))
    with file.open("wb") as target:
        await write_backup(bank, target)
    await put(bank, lesson(3))
    await bank.close()
    return file


async def held(location: Location) -> list[str]:
    """The strategies of the bank, which answers a recall."""
    bank = await Bank.open(location)
    try:
        assert await bank.search("Look at the bytes of the file first", ["project"], 3)
        return [each.id for each in await bank.all(Strategy)]
    finally:
        await bank.close()


def rewritten(file: Path, change: Change, compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(file) as old:
        members = {name: old.read(name) for name in old.namelist()}
    change(members)
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def table(name: str, change: Callable[[Any], Any]) -> Change:
    """Change the pyarrow.Table of a member, and the rows in the manifest with it."""

    def changed(members: Members) -> None:
        member, sink = f"{name}.arrow", io.BytesIO()
        new = change(pa.ipc.open_stream(members[member]).read_all())
        with pa.ipc.new_stream(sink, new.schema) as stream:
            stream.write_table(new)
        members[member] = sink.getvalue()
        told = json.loads(members["manifest.json"])
        told["rows"][name] = new.num_rows
        members["manifest.json"] = json.dumps(told).encode()

    return changed


def cell(name: str, column: str, value: Any) -> Change:
    """Give every row of a table this value in a column."""

    def changed(old: Any) -> Any:
        field = old.schema.field(column).with_nullable(True)
        place = old.schema.get_field_index(column)
        return old.set_column(place, field, pa.array([value] * old.num_rows, field.type))

    return table(name, changed)


def column(name: str, column: str, type: Any) -> Change:
    def changed(old: Any) -> Any:
        return old.set_column(old.schema.get_field_index(column), column, pa.nulls(old.num_rows, type))

    return table(name, changed)


def told(**changes: Any) -> Change:
    """Change the manifest."""

    def changed(members: Members) -> None:
        members["manifest.json"] = json.dumps(json.loads(members["manifest.json"]) | changes).encode()

    return changed


def model(**changes: str) -> Change:
    """Change what the table of strategies says of its model."""

    def changed(old: Any) -> Any:
        metadata = {key.decode(): value.decode() for key, value in old.schema.metadata.items()} | changes
        return old.replace_schema_metadata(metadata)

    return table("strategies", changed)


def vectors(value: float | None) -> Change:
    def changed(old: Any) -> Any:
        place = next(number for number, name in enumerate(old.schema.names) if name.startswith("vector_"))
        whole = None if value is None else [value] * 384
        return old.set_column(
            place, old.schema.field(place), pa.array([whole] * old.num_rows, old.schema.field(place).type)
        )

    return table("strategies", changed)


def with_row(old: Any, id: str) -> Any:
    """Add a run to the table of runs."""
    run = Run(id=id, scope="project", task="Mend it", mode="parallel", attempts=2)
    return pa.Table.from_pylist([*old.to_pylist(), schema.to_row(run)], old.schema)


HOSTILE: dict[str, Change] = {
    "a column less": table("strategies", lambda old: old.drop_columns(["title"])),
    "no vectors": table("strategies", lambda old: old.drop_columns([old.schema.names[-3]])),
    "a column of another type": column("strategies", "helped", pa.string()),
    "text instead of a list": column("episodes", "used_ids", pa.string()),
    "a null where none may be": cell("strategies", "content", None),
    "a null id": cell("episodes", "id", None),
    "an empty id": cell("episodes", "id", " "),
    "an id that turns the line": table("runs", lambda old: with_row(old, "run_\u202e1")),
    "an id of two lines": table("runs", lambda old: with_row(old, "run_1\nrun_2")),
    "a column too many": table("episodes", lambda old: old.append_column("more", pa.nulls(old.num_rows))),
    "a column of another model": table("strategies", lambda old: old.append_column("vector_0", pa.nulls(old.num_rows))),
    "an id twice": cell("strategies", "id", "st_1"),
    "a status that is none": cell("strategies", "status", "great"),
    "a list that is no JSON": cell("episodes", "learned", "[{"),
    "a counter below zero": cell("strategies", "hurt", -1),
    "a counter without end": cell("strategies", "helped", 10**12),
    "the largest revision": cell("strategies", "revision", 2**63 - 1),
    "a null vector": vectors(None),
    "a vector without numbers": vectors(float("nan")),
    "a model that is a path": model(model="../../etc/passwd"),
    "a model without a name": model(model=""),
    "a model that nobody knows": model(model="nobody/knows-it"),
    "another fingerprint": model(fingerprint="../x"),
    "another dimension": model(dimension="3"),
    "a text as format": told(format="4"),
    "a format that is none": told(format=None),
    "an older format than its tables": told(format=1),
    "rows that are no list": told(rows=[1]),
    "more rows than there are": told(rows={"strategies": 9}),
    "a part too many": lambda members: members.update({"evil.arrow": b""}),
    "a manifest of lists": lambda members: members.update({"manifest.json": b"[" * 60_000}),
    "a manifest that is too large": lambda members: members.update(
        {"manifest.json": b" " * 100_000 + members["manifest.json"]}
    ),
    "a stream cut short": lambda members: members.update({"runs.arrow": members["runs.arrow"][:100]}),
    "no stream": lambda members: members.update({"runs.arrow": b""}),
    "noise": lambda members: members.update({"episodes.arrow": os.urandom(5000)}),
}


@pytest.mark.parametrize("harm", HOSTILE)
async def test_what_no_bank_holds_is_refused_and_changes_nothing(settings: Settings, saved: Path, harm: str) -> None:
    rewritten(saved, HOSTILE[harm])
    before = files(settings.location)
    with pytest.raises(InvalidInput, match=r"bank\.zip.*Nothing was changed"):
        await restore_backup(check_backup(saved, settings.location.home), settings.location)
    assert files(settings.location) == before
    assert await held(settings.location) == ["st_1", "st_2", "st_3"]


def files(location: Location) -> dict[str, bytes]:
    return {
        str(file): file.read_bytes()
        for file in location.home.rglob("*")
        if file.is_file() and "models" not in file.parts
    }


@pytest.mark.parametrize("flipped", range(40))
async def test_no_damage_passes(settings: Settings, saved: Path, flipped: int) -> None:
    content = bytearray(saved.read_bytes())
    content[flipped * len(content) // 40] ^= 0xFF
    saved.write_bytes(content)
    try:
        backup = check_backup(saved, settings.location.home)
    except (InvalidInput, BankTooNew):
        return
    await restore_backup(backup, settings.location)  # where nobody looks, as in the time of a member
    assert await held(settings.location) == ["st_1", "st_2"]


async def test_a_whole_backup_is_restored_with_every_column(settings: Settings, saved: Path) -> None:
    await restore_backup(check_backup(saved, settings.location.home), settings.location)
    assert await held(settings.location) == ["st_1", "st_2"]
    assert not list(settings.location.home.glob(".restore-*"))
    connection = await Connection.open(settings.location)
    meta = await (await connection.table("meta")).select(["id"], {})
    assert [row["id"] for row in meta] == ["format_version"]


async def test_a_backup_from_before_a_column_gets_it(settings: Settings, saved: Path) -> None:
    rewritten(saved, table("strategies", lambda old: old.drop_columns(["pardoned", "contradicts"])))
    await restore_backup(check_backup(saved, settings.location.home), settings.location)
    assert await held(settings.location) == ["st_1", "st_2"]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of memory, and pipes")
@pytest.mark.parametrize("bomb", ["manifest", "stream", "pipe", "device", "folder"])
def test_bombs_and_what_is_no_file_are_refused_at_once(environment: dict[str, str], tmp_path: Path, bomb: str) -> None:
    file = tmp_path / "bank.zip"
    if bomb == "pipe":
        os.mkfifo(file)
    elif bomb == "device":
        file = Path("/dev/zero")
    elif bomb == "folder":
        file.mkdir()
    else:
        done = command(environment, "backup", str(file))
        assert done.returncode == 0, done.stderr
        change = (
            bomb_of_a_stream
            if bomb == "stream"
            else lambda members: members.update({"manifest.json": b" " * 3 * 10**8})
        )
        rewritten(file, change, zipfile.ZIP_DEFLATED)
    done = command(environment, "restore", str(file), "--yes")
    assert done.returncode in (1, 2), done
    assert "Traceback" not in done.stderr
    if bomb == "stream":
        assert "a too large one" in done.stderr
    assert "Nothing was changed" in done.stderr or "is a directory" in done.stderr


def bomb_of_a_stream(members: Members) -> None:
    """Make a run's task say that it unpacks to three gigabytes."""
    size, sink = 1_000_000, io.BytesIO()
    run = Run(id="run_1", scope="project", task="x" * size, mode="parallel", attempts=2)
    columns = pa.ipc.open_stream(members["runs.arrow"]).schema
    with pa.ipc.new_stream(sink, columns, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_table(pa.Table.from_pylist([schema.to_row(run)], schema=columns))
    told, lie = size.to_bytes(8, "little"), (3 * 2**30).to_bytes(8, "little")
    assert told in sink.getvalue()
    members["runs.arrow"] = sink.getvalue().replace(told, lie)


def command(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command that may have two gigabytes of memory."""
    import resource  # which Windows lacks

    program = [sys.executable, "-m", "strategy_bank.server", *words]
    return subprocess.run(
        program, env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (2**31, 2**31)),
    )  # fmt: skip


@pytest.mark.parametrize("at", ["the second table", "the last table", "the check"])
async def test_a_failure_while_tables_are_replaced_leaves_the_old_bank(
    settings: Settings, saved: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    location, made = settings.location, list[str]()
    make = Connection.make

    async def fail(*arguments: Any, **options: Any) -> Any:
        raise BankUnavailable("The disk is full.")

    async def counted(self: Connection, name: str, *arguments: Any, **options: Any) -> Any:
        if self.uri == location.tables_uri and options.get("rows") is not None:
            made.append(name)
            if (len(made), at) == (2, "the second table") or (name, at) == ("meta", "the last table"):
                await fail()
        return await make(self, name, *arguments, **options)

    monkeypatch.setattr(Connection, "make", counted)
    if at == "the check":
        monkeypatch.setattr(restoring, "_check", fail)
    running = await Bank.open(location)
    with pytest.raises(BankUnavailable, match="disk is full"):
        await restore_backup(check_backup(saved, location.home), location)
    assert len(made) >= 2
    assert await held(location) == ["st_1", "st_2", "st_3"]
    assert [each.id for each in await running.all(Strategy)] == ["st_1", "st_2", "st_3"]
    await running.close()
    assert not list(location.home.glob(".restore-*"))


async def test_a_failed_restore_where_no_bank_was_leaves_none(
    settings: Settings, saved: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "models").symlink_to(home / "models")
    elsewhere = Location(tmp_path / "other")

    async def fail(location: Location) -> None:
        raise BankUnavailable("The disk is full.")

    monkeypatch.setattr(restoring, "_check", fail)
    with pytest.raises(BankUnavailable):
        await restore_backup(check_backup(saved, elsewhere.home), elsewhere)
    bank = await Bank.open(elsewhere)
    assert await bank.count(Strategy) == 0
    await bank.close()


async def test_a_backup_that_needs_more_room_than_there_is_is_refused(
    settings: Settings, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("strategy_bank.store.transfer.archive.COPIES", 10**12)
    with pytest.raises(InvalidInput, match="Make room"):
        check_backup(saved, settings.location.home)
