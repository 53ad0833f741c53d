"""Puts a backup in the place of a bank, once it has become a bank of its own beside it that opens and answers.

backup ─▶ a bank in a scratch folder ─▶ opened, read through, asked ─▶ written out again ─▶ the tables replaced ─▶ opened, asked
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types)

import secrets
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path

import anyio
import pyarrow as pa

from strategy_bank.store.bank import Bank
from strategy_bank.store.errors import BankError, BankUnavailable, InvalidInput, ModelUnavailable
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.table import Connection
from strategy_bank.store.location import Location
from strategy_bank.store.lock import WriteLock
from strategy_bank.store.maintenance.migrations import FORMAT_VERSION, RESTORING
from strategy_bank.store.records import Strategy
from strategy_bank.store.scratch import lend_scratch
from strategy_bank.store.transfer.archive import TABLES, Backup, opened
from strategy_bank.store.transfer.backup import write_backup

Uninterrupted = Callable[[], AbstractContextManager[None]]
"""Enters a block in which no signal ends the process."""
_SCRATCH = ".restore-"
_REMOVALS, _AFTER_REMOVAL_S = 40, 0.05
_TASK = "Does the restored bank answer?"


@asynccontextmanager
async def _tried(backup: Backup, location: Location) -> AsyncGenerator[Backup]:
    """Make a bank of a backup in a scratch folder inside the home, try it, and yield a backup of it in today's format.

    The bank at `location` stays as it is. Raises InvalidInput where the other one does not open or answer.
    """
    lend_scratch(location.home)
    # named before it is made, so that a signal at any moment finds what to remove
    folder = location.home / f"{_SCRATCH}{secrets.token_hex(4)}"
    try:
        folder.mkdir(mode=0o700)
        yield await _made(backup, Location(location.home, str(folder / "bank.lance"), location.lock_timeout_s))
    finally:
        with anyio.CancelScope(shield=True):
            await _remove(folder)


async def _remove(folder: Path) -> None:
    """Remove a folder into which threads of LanceDB may still be writing, since nothing interrupts them.

    They answer to this event loop, so it goes on for a moment in any case.
    """
    for _ in range(_REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        await anyio.sleep(_AFTER_REMOVAL_S)
        if not await anyio.Path(folder).exists():
            return


async def _made(backup: Backup, scratch: Location) -> Backup:
    try:
        await _fill(backup, scratch)
        bank = await Bank.open(scratch)
        try:
            await bank.read_through()
            await _ask(bank)
            copy = Path(scratch.tables_uri).with_suffix(".zip")
            with copy.open("wb") as file:
                rows = await write_backup(bank, file)
        finally:
            await bank.close()
    except (BankError, ModelUnavailable, ValueError) as exc:
        raise InvalidInput(f"{backup.path} does not make a bank that works. Nothing was changed. {exc}") from exc
    return Backup(copy, FORMAT_VERSION, rows)


async def _fill(backup: Backup, location: Location) -> None:
    """Make the tables of a new bank out of a backup, and its mark of the format."""
    connection = await Connection.open(location)
    try:
        await _copy_tables(backup, connection, [name for name in backup.rows if name != "meta"])
        meta = await connection.make("meta", schema.META_SCHEMA)
        await meta.insert([{"id": "format_version", "value": str(backup.format)}])
    finally:
        connection.close()


async def _copy_tables(backup: Backup, connection: Connection, names: list[str]) -> None:
    with opened(backup.path) as archive:
        for name in names:
            with archive.open(f"{name}.arrow") as member:
                reader = pa.ipc.open_stream(member)
                await connection.make(name, reader.schema, words="text" if name == "strategies" else "", rows=reader)


async def _ask(bank: Bank) -> None:
    """Have a bank answer a recall, if it holds something that can be recalled."""
    strategies = await bank.all(Strategy, status="active")
    scopes = list({strategy.scope for strategy in strategies[:100]})
    if strategies:
        await bank.search(strategies[0].source_task or _TASK, scopes, 1)


async def _replace(copy: Backup, location: Location, name: str, uninterrupted: Uninterrupted) -> None:
    """Replace whatever bank is at `location` by one that was tried. A mark names the backup to whoever finds it half done.

    Each table is replaced in one commit. Until the last one is, a mark keeps the bank from being opened. After an error every
    table is what it was. Raises the errors of the bank.
    """
    connection = await Connection.open(location)
    try:
        async with WriteLock(location.lock_file, location.lock_timeout_s).hold():
            with uninterrupted():
                await _replace_all(copy, connection, location, name)
    finally:
        connection.close()


async def _replace_all(copy: Backup, connection: Connection, location: Location, name: str) -> None:
    before = await connection.versions()
    try:
        await (await connection.make("meta", schema.META_SCHEMA)).insert([{"id": RESTORING, "value": name}])
        await _copy_tables(copy, connection, TABLES)
        await _check(location)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await connection.go_back({each: before[each] for each in [*TABLES, *before] if each in before})
        raise


async def _check(location: Location) -> None:
    bank = await Bank.open(location)
    try:
        await _ask(bank)
    finally:
        await bank.close()


async def restore_backup(backup: Backup, location: Location, uninterrupted: Uninterrupted = nullcontext) -> None:
    """Put a backup in the place of whatever bank is at `location`. After an error that bank is what it was.

    The tables are replaced while `uninterrupted` is entered. Raises InvalidInput and the errors of the bank.
    """
    location.prepare()
    try:
        # upkeep would drop the versions to go back to; and nobody else restores, so what is there was left behind
        async with WriteLock(location.upkeep_file, location.lock_timeout_s).hold():
            for left in location.home.glob(f"{_SCRATCH}*") if location.upkeep_file else ():
                shutil.rmtree(left, ignore_errors=True)
            async with _tried(backup, location) as copy:
                await _replace(copy, location, backup.path.name, uninterrupted)
    except OSError as exc:
        raise BankUnavailable(f"{backup.path} was not restored: {exc.strerror or exc}. Nothing was changed.") from exc
