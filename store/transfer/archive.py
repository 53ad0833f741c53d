"""Reads a backup file and believes nothing of it: sizes, columns, types and values are checked before anything is kept.

A backup is a zip with one Arrow stream per table and `manifest.json`.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types)

import json
import re
import shutil
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from strategy_bank.store.errors import InvalidInput, ModelMismatch
from strategy_bank.store.lance import schema
from strategy_bank.store.maintenance.migrations import check_format
from strategy_bank.store.records import Record
from strategy_bank.store.regular_file import open_regular
from strategy_bank.store.transfer.arrow_sizes import unpacked_size
from strategy_bank.store.transfer.line_bounds import is_id

KIND = "strategy-bank backup"
TABLES = [*schema.RECORDS, "meta"]  # in the order of restoring: `meta`, which says that the bank is whole, comes last
MANIFEST = "manifest.json"
SINCE = {"projects": 4}  # the format in which a table came
COPIES = 3  # times that a restore needs the room of what is in the file
_MANIFEST_BYTES, _BATCH_BYTES, _ID_CHARS, _NAMES_CHARS = 65_536, 2 * 2**30, 200, 200
_COUNT_MOST = 10**9  # of a counter, a revision, a number of steps
_MODEL_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_WORD_PIECES_SINCE = 3  # the format in which strategies got them


@dataclass(frozen=True)
class Backup:
    """A backup file that `check_backup` has read to its end, with its format and its rows per table."""

    path: Path
    format: int
    rows: dict[str, int]


def check_backup(path: Path, folder: Path) -> Backup:
    """Read all of a backup file, which is to be restored to a bank in `folder`.

    Raises:
        InvalidInput: the file is no backup, is damaged, holds what no bank holds, or there is no room for it.
        BankTooNew: a newer version of strategy-bank wrote it.
    """
    with opened(path) as archive:
        format, rows = _manifest(path, archive)
        _check_room(path, sum(info.file_size for info in archive.infolist()), folder)
        size, counted = 0, dict[str, int]()
        for name in rows:
            checked, counted[name] = _Checked(name, format), 0
            for batch in _batches(archive, name, checked):
                size += batch.nbytes
                counted[name] += batch.num_rows
        if rows != counted:
            raise ValueError("its numbers of rows differ from those in its manifest")
        _check_room(path, size * COPIES, folder)
        return Backup(path, format, rows)


@contextmanager
def opened(path: Path) -> Generator[zipfile.ZipFile]:
    """Open a backup file, and translate the errors of reading it into InvalidInput."""
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except (InvalidInput, NotImplementedError) as exc:
        raise InvalidInput(str(exc)) from exc
    except (zipfile.BadZipFile, zlib.error, pa.ArrowException, ModelMismatch) as exc:
        raise _not_whole(path, exc) from exc
    except (ArithmeticError, LookupError, TypeError, ValueError, EOFError, RuntimeError, struct.error) as exc:
        raise _not_whole(path, exc) from exc
    except OSError as exc:
        if exc.errno is None:  # pyarrow's, about a malformed stream
            raise _not_whole(path, exc) from exc
        raise InvalidInput(f"{path} cannot be read: {exc.strerror or exc}. Nothing was changed.") from exc


def _not_whole(path: Path, exc: Exception) -> InvalidInput:
    said = " ".join(str(exc).split())[:300]
    return InvalidInput(
        f"{path} is not a whole backup of strategy-bank ({said}). Use another backup. Nothing was changed."
    )


def _manifest(path: Path, archive: zipfile.ZipFile) -> tuple[int, dict[str, int]]:
    """Return the format and the rows per table that a backup says it has."""
    if archive.getinfo(MANIFEST).file_size > _MANIFEST_BYTES:
        raise ValueError("its manifest is too large")
    manifest = json.loads(archive.read(MANIFEST))
    if not isinstance(manifest, Mapping) or manifest.get("kind") != KIND:
        raise InvalidInput(f"{path} is not a backup of strategy-bank. For JSON Lines, use `strategy-bank import`.")
    format, rows = manifest["format"], manifest["rows"]
    if type(format) is not int or format < 1 or not isinstance(rows, Mapping):
        raise ValueError("its manifest does not say its format as a number, or not its rows")
    check_format(str(path), format)
    tables = [name for name in TABLES if format >= SINCE.get(name, 1)]
    if sorted(rows) != sorted(tables) or {*archive.namelist()} != {MANIFEST, *(f"{name}.arrow" for name in tables)}:
        raise ValueError(f"it has other parts than {', '.join(tables)}")
    return format, {name: rows[name] for name in tables}


def _check_room(path: Path, size: int, folder: Path) -> None:
    there = next(each for each in [folder, *folder.parents] if each.exists())
    if size > (free := shutil.disk_usage(there).free):
        raise InvalidInput(
            f"To restore {path} takes {size >> 20} MB, and {there} has room for {free >> 20}. Make room first."
        )


def _batches(archive: zipfile.ZipFile, name: str, checked: "_Checked") -> Iterator[Any]:
    with archive.open(f"{name}.arrow") as member:
        messages = iter(pa.ipc.MessageReader.open_stream(member))
        stored = pa.ipc.read_schema(next(messages))
        checked.columns(stored)
        for message in messages:
            if message.type != "record batch" or unpacked_size(message) > _BATCH_BYTES:
                raise ValueError(f"{name} has a part of another kind, or a too large one")
            batch = pa.ipc.read_record_batch(message, stored)
            batch.validate(full=True)
            checked.values(batch)
            yield batch
        while member.read(1 << 20):  # to the end, where zipfile compares the checksum
            pass


class _Checked:
    """Checks one table of a backup, and raises ValueError at the first thing that no bank holds."""

    def __init__(self, name: str, format: int) -> None:
        self._name = name
        self._format = format
        self._kind: type[Record] | None = schema.RECORDS.get(name)
        self._vectors: list[str] = []
        self._later: list[str] = []  # columns of a newer format
        self._ids: set[str] = set()

    def columns(self, stored: Any) -> None:
        expected = schema.record_schema(self._kind) if self._kind else schema.META_SCHEMA
        if self._name == "strategies":
            expected = self._with_vectors(schema.stamp_of(stored))
        if unknown := [name for name in stored.names if name not in expected.names]:
            named = ", ".join(unknown)[:_NAMES_CHARS]
            raise ValueError(f"{self._name} has columns that this version does not know: {named}")
        fields = self._kind.model_fields if self._kind else {}
        added = [
            name for name, info in fields.items() if not info.is_required() and name not in ("created_at", "updated_at")
        ]
        for field in expected:
            if field.name not in stored.names:
                if field.name not in [*added, *self._later]:
                    raise ValueError(f"{self._name} has no column {field.name}")
            elif not _alike(stored.field(field.name).type, field.type):
                raise ValueError(
                    f"{self._name}.{field.name} is {stored.field(field.name).type} instead of {field.type}"
                )

    def _with_vectors(self, stamp: Any) -> Any:
        if not _MODEL_NAME.fullmatch(stamp.name) or not re.fullmatch("[0-9a-f]{8}", stamp.fingerprint):
            raise ValueError("the name of its embedding model is none")
        if not 1 <= stamp.dimension <= 65_536:
            raise ValueError("the dimension of its vectors is out of range")
        *self._vectors, pieces = [*schema.model_columns(stamp), ""][:3]
        self._later = [pieces] if self._format < _WORD_PIECES_SINCE else []
        return schema.strategies_schema(stamp)

    def values(self, batch: Any) -> None:
        for name in self._vectors:
            column = batch.column(name)
            if column.null_count or not np.isfinite(column.flatten().to_numpy(zero_copy_only=False)).all():
                raise ValueError(f"{self._name}.{name} has a vector that is none")
        if self._kind is None:
            self._check_meta(batch.to_pylist())
            return
        names = [name for name in self._kind.model_fields if name in batch.schema.names]
        for row in batch.select(names).to_pylist():
            self._check(schema.from_row(self._kind, row))

    def _check(self, record: Record) -> None:
        if record.id in self._ids or not is_id(record.id):
            raise ValueError(f"{self._name} has the id {record.id[:_ID_CHARS]!r} twice, or it is none")
        self._ids.add(record.id)
        for name, value in record:
            if isinstance(value, int) and not 0 <= value <= _COUNT_MOST:
                raise ValueError(f"{self._name}.{name} of {record.id} is out of range")

    def _check_meta(self, rows: list[dict[str, Any]]) -> None:
        formats = [row["value"] for row in rows if row["id"] == "format_version"]
        if formats and formats != [str(self._format)]:
            raise ValueError("its tables have another format than its manifest says")


def _alike(stored: Any, expected: Any) -> bool:
    """Return whether a column has the type that it must have; what the items of a list are called does not matter."""
    if pa.types.is_list(stored) and pa.types.is_list(expected):
        return bool(stored.value_type == expected.value_type)
    return bool(stored == expected)
