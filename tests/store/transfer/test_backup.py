"""The bank in one file and back: whole, of one moment, while servers run; a bad file changes nothing."""

import json
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from mcp import Client, StdioServerParameters

from bench.support.lessons import report as numbered
from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.errors import BankTooNew, BankUnavailable, InvalidInput
from strategy_bank.store.lance import schema, table
from strategy_bank.store.lance.table import Connection
from strategy_bank.store.location import Location
from strategy_bank.store.maintenance import upkeep
from strategy_bank.store.maintenance.migrations import RESTORING
from strategy_bank.store.records import Episode, Strategy
from strategy_bank.store.transfer.archive import check_backup
from strategy_bank.store.transfer.backup import write_backup
from strategy_bank.store.transfer.restore import restore_backup
from tests.support.samples import PREVENTIVE, REWORDED, STRATEGY, TASK, call, judgement, report

pytestmark = pytest.mark.anyio


def shell(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "strategy_bank.server", *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
    )


def server(environment: dict[str, str]) -> Client:
    arguments = ["-m", "strategy_bank.server"]
    return Client(StdioServerParameters(command=sys.executable, args=arguments, env=environment))


async def backed_up(location: Location, file: Path) -> dict[str, int]:
    bank = await Bank.open(location)
    try:
        with file.open("wb") as target:
            return await write_backup(bank, target)
    finally:
        await bank.close()


@pytest.mark.slow
async def test_a_running_server_sees_the_restored_bank_in_its_next_call(
    environment: dict[str, str], tmp_path: Path
) -> None:
    file = str(tmp_path / "bank.zip")
    async with server(environment) as client:
        kept = await report(client)
        done = await anyio.to_thread.run_sync(shell, environment, "backup", file)
        assert done.returncode == 0, done.stderr
        assert "1 strategy, 1 episode" in done.stderr
        assert (tmp_path / "bank.zip").stat().st_mode & 0o777 == 0o600
        later = await report(client, task="Another", judgement=judgement(strategies=[PREVENTIVE]))
        done = await anyio.to_thread.run_sync(shell, environment, "restore", file, "--yes")
        assert done.returncode == 0, done.stderr
        recalled = await call(client, "recall_strategies", task=f"{REWORDED} {PREVENTIVE['content']}", limit=10)
        assert [hit["title"] for hit in recalled["strategies"]] == [STRATEGY["title"]]
        assert (await call(client, "report_outcome", episode_id=kept["episode_id"]))["status"] == "learned"
        again = await report(client, task="Another", judgement=judgement(strategies=[PREVENTIVE]))
        assert again["strategies"] == later["strategies"]


async def test_upkeep_of_others_waits_for_a_copy_and_drops_nothing_of_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "KEEP_OLD_VERSIONS", timedelta(milliseconds=1))
    for name, value in {"COMPACT_AT": 1, "GATHER_AT": 1, "STALE": 0.0}.items():
        monkeypatch.setattr(upkeep, name, value)
    copying, other = await Bank.open(Location(home)), await Bank.open(Location(home))
    numbers = [f"ep_{number}" for number in range(8)]
    for id in numbers[:4]:
        await copying.add(Episode(id=id, scope="s", task="t", trajectory="x", steps=1))
    async with copying.snapshot() as views:
        for id in numbers[4:]:
            await other.add(Episode(id=id, scope="s", task="t", trajectory="x", steps=1))
        assert not await other.maintain()
        read = [batch async for batch in views["episodes"].batches()]
    assert sorted(id for batch in read for id in batch["id"].to_pylist()) == numbers[:4]
    assert await other.maintain()
    await copying.close()
    await other.close()


@pytest.mark.slow
async def test_copies_made_while_a_server_writes_are_each_of_one_moment(
    environment: dict[str, str], home: Path, tmp_path: Path, models_dir: Path
) -> None:
    location = Settings.read(environment).location
    sizes: list[int] = []
    async with server(environment) as client, anyio.create_task_group() as tasks:

        async def write() -> None:
            for number in range(20):
                await call(client, "report_outcome", **numbered(number))

        await call(client, "report_outcome", **numbered(50))
        tasks.start_soon(write)
        for number in range(3):
            rows = await backed_up(location, tmp_path / f"{number}.zip")
            sizes.append(rows["episodes"])
    assert sizes == sorted(sizes)
    for number in range(3):
        elsewhere = Location(tmp_path / f"home{number}")
        elsewhere.home.mkdir()
        (elsewhere.home / "models").symlink_to(models_dir, target_is_directory=True)
        await restore_backup(check_backup(tmp_path / f"{number}.zip", tmp_path), elsewhere)
        bank = await Bank.open(elsewhere)
        strategies = {strategy.id for strategy in await bank.all(Strategy)}
        episodes = await bank.all(Episode)
        assert len(episodes) == sizes[number]
        assert {told.id for episode in episodes for told in episode.learned} <= strategies
        assert await bank.search(numbered(50)["task"], ["project"], 3)
        await bank.close()


@pytest.fixture
async def saved(settings: Settings, tmp_path: Path) -> Path:
    """The backup of a bank with one strategy, which is still at the settings' location."""
    bank = await Bank.open(settings.location)
    kept = Strategy(id="st_kept", title="a", description="b", content="c", outcome="success")
    async with bank.lock.hold():
        await bank.add_strategies(await bank.embed([kept]))
    await bank.close()
    await backed_up(settings.location, tmp_path / "bank.zip")
    return tmp_path / "bank.zip"


async def count(location: Location) -> int:
    bank = await Bank.open(location)
    try:
        return await bank.count(Strategy)
    finally:
        await bank.close()


@pytest.mark.parametrize("harm", ["cut", "changed", "text", "missing", "other zip", "a table less"])
async def test_a_file_that_is_no_whole_backup_changes_nothing(settings: Settings, saved: Path, harm: str) -> None:
    whole = saved.read_bytes()
    if harm == "cut":
        saved.write_bytes(whole[: len(whole) // 2])
    elif harm == "changed":
        saved.write_bytes(whole[:800] + bytes([whole[800] ^ 255]) + whole[801:])
    elif harm == "text":
        saved.write_text('{"title": "a"}\n')
    elif harm == "missing":
        saved.unlink()
    elif harm == "other zip":
        with zipfile.ZipFile(saved, "w") as archive:
            archive.writestr("manifest.json", "[]")
    else:
        with zipfile.ZipFile(saved) as old:
            members = {name: old.read(name) for name in old.namelist() if name != "episodes.arrow"}
        with zipfile.ZipFile(saved, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    with pytest.raises(InvalidInput, match=r"bank\.zip"):
        await restore_backup(check_backup(saved, settings.location.home), settings.location)
    assert await count(settings.location) == 1


async def test_a_backup_of_a_newer_version_is_refused(settings: Settings, saved: Path) -> None:
    with zipfile.ZipFile(saved) as old:
        members = {name: old.read(name) for name in old.namelist()}
    members["manifest.json"] = json.dumps(json.loads(members["manifest.json"]) | {"format": 99}).encode()
    with zipfile.ZipFile(saved, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(BankTooNew, match="format 99"):
        await restore_backup(check_backup(saved, settings.location.home), settings.location)
    assert await count(settings.location) == 1


async def test_an_interrupted_restore_is_told_at_open_and_done_again(settings: Settings, saved: Path) -> None:
    connection = await Connection.open(settings.location)
    meta = await connection.make("meta", schema.META_SCHEMA)
    await meta.insert([{"id": RESTORING, "value": saved.name}])
    connection.close()
    with pytest.raises(BankUnavailable, match=r"restored from bank\.zip.*again"):
        await Bank.open(settings.location)
    await restore_backup(check_backup(saved, settings.location.home), settings.location)
    assert await count(settings.location) == 1


@pytest.mark.slow
def test_restore_asks_before_it_replaces(environment: dict[str, str], tmp_path: Path) -> None:
    file = str(tmp_path / "bank.zip")
    assert shell(environment, "backup", file).returncode == 0
    done = shell(environment, "restore", file)
    assert done.returncode == 2
    assert "--yes" in done.stderr


def test_a_backup_that_cannot_be_written_leaves_no_file(environment: dict[str, str], tmp_path: Path) -> None:
    done = shell(environment, "backup", str(tmp_path / "no" / "bank.zip"))
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert TASK not in done.stderr
    assert list(tmp_path.glob("no*")) == []
