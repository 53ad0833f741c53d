"""Copies the whole bank, vectors included, to one file, and restores it.

The file is a zip with one Arrow stream per table and `manifest.json`; the zip's checksums guard every byte.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types)

import json
import zipfile
import zlib
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from strategy_bank.store.bank import Bank
from strategy_bank.store.errors import InvalidInput, ModelMismatch
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.table import Connection, Table
from strategy_bank.store.location import Location
from strategy_bank.store.lock import WriteLock
from strategy_bank.store.maintenance.migrations import FORMAT_VERSION, RESTORING, check_format
from strategy_bank.store.progress import Progress
from strategy_bank.store.records import now

KIND = "strategy-bank backup"
TABLES = [*schema.RECORDS, "meta"]  # in the order of restoring: `meta`, which says that the bank is whole, comes last
_SINCE = {"projects": 4}  # the format in which a table came
_MANIFEST = "manifest.json"


async def write_backup(bank: Bank, target: IO[bytes], progress: Progress = lambda done, total: None) -> dict[str, int]:
    """Write the bank as of this moment and return the rows per table. Other processes can read and write meanwhile.

    Raises the errors of the bank; on an object store, BankUnavailable when it takes longer than old versions stay.
    """
    async with bank.snapshot() as views:
        rows = dict.fromkeys(views, 0)
        total = sum([await view.count({}) for view in views.values()])
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for name, view in views.items():
                async for count in _write(view, archive, f"{name}.arrow"):
                    rows[name] += count
                    progress(sum(rows.values()), total)
            manifest = {"kind": KIND, "format": FORMAT_VERSION, "created_at": now().isoformat(), "rows": rows}
            archive.writestr(_MANIFEST, json.dumps(manifest, indent=2))
    return rows


async def _write(view: Table, archive: zipfile.ZipFile, member: str) -> AsyncGenerator[int]:
    """Write one table, and yield the number of rows of each batch that is written."""
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with (
        archive.open(member, "w", force_zip64=True) as file,
        pa.ipc.new_stream(file, await view.schema(), options=options) as stream,
    ):
        async for batch in view.batches():
            stream.write_batch(batch)
            yield batch.num_rows


@dataclass(frozen=True)
class Backup:
    """A backup file that `check_backup` has read to its end, with its rows per table."""

    path: Path
    rows: dict[str, int]


def check_backup(path: Path) -> Backup:
    """Read all of a backup file.

    Raises:
        InvalidInput: the file is no backup, or is damaged or cut short.
        BankTooNew: a newer version of strategy-bank wrote it.
    """
    with _readable(path), zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read(_MANIFEST))
        if not isinstance(manifest, Mapping) or manifest.get("kind") != KIND:
            raise InvalidInput(f"{path} is not a backup of strategy-bank. For JSON Lines, use `strategy-bank import`.")
        check_format(str(path), manifest["format"])
        rows = {name: _count(archive, name) for name in TABLES if manifest["format"] >= _SINCE.get(name, 1)}
        if rows != manifest["rows"]:
            raise InvalidInput(
                f"{path} is damaged: its numbers of rows differ from those in its manifest. Use another backup."
            )
        return Backup(path, rows)


async def restore_backup(backup: Backup, location: Location) -> None:
    """Replace whatever bank is at `location` by a backup. Raises the errors of the bank.

    Each table is replaced in one commit. Until the last one is, a mark keeps the bank from being opened, so that an interrupted
    restore cannot be mistaken for a bank.
    """
    location.prepare()
    connection = await Connection.open(location)
    try:
        async with WriteLock(location.lock_file, location.lock_timeout_s).hold():
            meta = await connection.make("meta", schema.META_SCHEMA)
            await meta.insert([{"id": RESTORING, "value": backup.path.name}])
            with _readable(backup.path), zipfile.ZipFile(backup.path) as archive:
                for name in backup.rows:
                    with archive.open(f"{name}.arrow") as member:
                        reader = pa.ipc.open_stream(member)
                        words = "text" if name == "strategies" else ""
                        await connection.make(name, reader.schema, words=words, rows=reader)
    finally:
        connection.close()


def _count(archive: zipfile.ZipFile, name: str) -> int:
    with archive.open(f"{name}.arrow") as member:
        reader: Any = pa.ipc.open_stream(member)
        if name == "strategies":
            schema.stamp_of(reader.schema)
        rows = sum(batch.num_rows for batch in reader)
        while member.read(1 << 20):  # to the end, where zipfile compares the checksum
            pass
        return rows


@contextmanager
def _readable(path: Path) -> Generator[None]:
    """Translate the errors of reading a backup into InvalidInput."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, pa.ArrowInvalid, KeyError, ValueError, EOFError, ModelMismatch) as exc:
        raise InvalidInput(f"{path} is not a whole backup of strategy-bank ({exc}). Use another backup.") from exc
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror or exc}.") from exc
