"""Makes the tables of a new bank, or brings those of an older one to this version."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from strategy_bank.store.embedding.embedder import ModelStamp
from strategy_bank.store.errors import BankUnavailable
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.table import Connection, Table
from strategy_bank.store.location import Location
from strategy_bank.store.maintenance import migrations


async def stored_version(connection: Connection) -> int:
    """Return the bank's format, or 0 where there is no bank yet. Raises BankTooNew, and BankUnavailable during a restore."""
    if not await connection.has("meta"):
        return 0
    rows = await (await connection.table("meta")).select(["id", "value"], {})
    meta = {row["id"]: row["value"] for row in rows}
    if migrations.RESTORING in meta:
        raise BankUnavailable(
            f"The bank at {connection.uri} is being restored from {meta[migrations.RESTORING]}, or a restore was "
            "interrupted. If none is running, run `strategy-bank restore` with that file again."
        )
    version = int(meta.get("format_version", 0))
    migrations.check_format(f"The bank at {connection.uri}", version)
    return version


async def make_or_migrate(connection: Connection, location: Location, stamp: ModelStamp) -> None:
    """Make a bank whose vectors will be of this model, or migrate the one that is there. The caller holds the write lock."""
    version = await stored_version(connection)
    if version:
        await migrations.migrate(connection, version, location.models_dir)
    else:
        await connection.make("strategies", schema.strategies_schema(stamp), words="text")
        for name in schema.RECORDS.keys() - {"strategies"}:
            await connection.make(name, schema.record_schema(schema.RECORDS[name]))
    meta = await connection.make("meta", schema.META_SCHEMA)
    row = {"id": "format_version", "value": str(migrations.FORMAT_VERSION)}
    if not await meta.insert([row]):
        await meta.amend([row])


async def complete_columns(tables: Mapping[str, Table], atomically: Callable[..., Awaitable[object]]) -> None:
    """Add the columns that a table lacks, since a version may have added some without a new format."""
    for name, kind in schema.RECORDS.items():
        if schema.lacking(kind, await tables[name].schema()):
            await atomically(partial(migrations.complete, tables[name], kind))
