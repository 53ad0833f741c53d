"""Takes off the disk what was deleted from a table or changed in it. What readers see does not change here.

LanceDB marks rows as deleted, and their bytes stay in the fragments and indexes of old versions and of the newest. So every row
is written anew, every index is built anew, and then the old versions go.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types, and lancedb's refer to them)

import os
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from strategy_bank.store.errors import BankUnavailable
from strategy_bank.store.lance.errors import committing, translated
from strategy_bank.store.lance.files import TableFiles

ROWS_READ, BYTES_WRITTEN = 64, 32_000_000  # rows that are read at once, and bytes that are written in one commit
_LONG_AGO = 86_400.0  # LanceDB looks at files that are older than the newest version only

Step = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]
"""Runs a commit while nobody else writes, as `Bank.atomically` does."""


async def write_anew(files: TableFiles, atomically: Step) -> int:
    """Write every row and index anew, and return the version from which on nothing refers to the old ones.

    Rows that are changed meanwhile are written anew by whoever changes them. The caller keeps others from compacting.
    """
    async for rows in _pieces(files):
        await atomically(partial(files.rewrite, rows))
    await files.index_anew()
    return await files.version()


async def drop_old_versions(files: TableFiles, old: list[Path]) -> None:
    """Delete all versions but the newest, with every file that it does not refer to.

    `old` are the files of a local table as they were before every row was written anew. The caller keeps others from writing
    and compacting. Who reads an old version reads again from the newest. Raises BankUnavailable where one of them is left.
    """
    newest = await files.newest()  # among them in a table without rows, since there is nothing to write anew
    for file in [file for file in old if file not in newest]:
        with suppress(FileNotFoundError):
            os.utime(file, (_LONG_AGO, _LONG_AGO))
    with warnings.catch_warnings(), committing(files.uri):
        warnings.simplefilter("ignore", UserWarning)  # it says that this disturbs others
        await files.table.optimize(cleanup_older_than=timedelta(0), delete_unverified="://" not in files.uri)
    files.drop_unfinished()
    if left := [file for file in old if file not in newest and file.exists()]:
        raise BankUnavailable(
            f"{len(left)} old files of the bank could not be deleted, {left[0]} among them. If another program has them open, "
            "end it; then run `strategy-bank forget --purge` again."
        )


async def _pieces(files: TableFiles) -> AsyncGenerator[Any]:
    """Yield all rows as of now in pyarrow.Tables of a bounded size."""
    batches, size = list[Any](), 0
    with translated(files.uri):
        async for batch in await files.table.query().to_batches(max_batch_length=ROWS_READ):
            batches.append(batch)
            size += batch.nbytes
            if size >= BYTES_WRITTEN:
                yield pa.Table.from_batches(batches)
                batches, size = [], 0
    if batches:
        yield pa.Table.from_batches(batches)
