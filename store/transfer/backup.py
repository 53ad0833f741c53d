"""Copies the whole bank, vectors included, to one file. The zip's checksums guard every byte."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types)

import json
import zipfile
from collections.abc import AsyncGenerator
from typing import IO

import pyarrow as pa

from strategy_bank.store.bank import Bank
from strategy_bank.store.lance.table import Table
from strategy_bank.store.maintenance.migrations import FORMAT_VERSION
from strategy_bank.store.progress import Progress
from strategy_bank.store.records import now
from strategy_bank.store.transfer.archive import KIND, MANIFEST


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
            archive.writestr(MANIFEST, json.dumps(manifest, indent=2))
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
