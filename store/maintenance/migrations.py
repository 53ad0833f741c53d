"""Brings an older bank to the current format, in numbered steps.

Step n turns format n into format n + 1, and can be repeated after a crash. Never edit a released step.
"""

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.store.errors import BankTooNew, ModelMismatch
from strategy_bank.store.lance import schema
from strategy_bank.store.lance.table import Connection, Table
from strategy_bank.store.records import Project, Record, Strategy
from strategy_bank.store.retrieval import strategy_vectors

Step = Callable[[Connection, Path], Awaitable[None]]
"""Takes the tables and the folder of the embedding models."""

logger = logging.getLogger(__name__)
AT_ONCE = 500  # strategies embedded between two messages of progress, about ten seconds

RESTORING = "restoring"  # id of a row that `meta` holds while a restore replaces the tables


def check_format(what: str, version: int) -> None:
    """Raise BankTooNew where a newer version of strategy-bank wrote `what`."""
    if version > FORMAT_VERSION:
        raise BankTooNew(
            f"{what} has format {version}; this version of strategy-bank knows {FORMAT_VERSION}. "
            "Upgrade with `pip install -U strategy-bank`."
        )


async def migrate(connection: Connection, version: int, models_dir: Path) -> None:
    """Run every step from `version` on. The caller holds the write lock and stores the new version afterwards."""
    for name, kind in schema.RECORDS.items():
        if await connection.has(name):
            await complete(await connection.table(name), kind)
    for number in range(version, FORMAT_VERSION):
        await STEPS[number](connection, models_dir)


async def complete(table: Table, kind: type[Record]) -> None:
    """Add the columns that a table lacks for its records, with the first value of each."""
    for name, value in schema.lacking(kind, await table.schema()).items():
        await table.add_column(name, value)


async def _count_revisions(connection: Connection, models_dir: Path) -> None:
    """Give every record a `revision`, and strategies the lists `pardoned` and `contradicts`."""
    for name in ("strategies", "episodes", "runs", "recalls"):
        await (await connection.table(name)).add_column("revision", "cast(0 as bigint)")
    strategies = await connection.table("strategies")
    for name in ("pardoned", "contradicts"):
        await strategies.add_column(name, "arrow_cast(make_array(), 'List(Utf8)')")


async def _keep_word_pieces(connection: Connection, models_dir: Path) -> None:
    """Embed the strategies again, in one commit, to store the vectors of their word pieces as well.

    Does nothing for a model that gives none, or where the bank does not name its model: `Bank.open` says what to do then.
    """
    table = await connection.table("strategies")
    try:
        stamp = schema.stamp_of(await table.schema())
    except ModelMismatch:
        return
    if not stamp.reads_pieces or schema.pieces_column(stamp) in (await table.schema()).names:
        return
    rows = await table.select(list(Strategy.model_fields), {})
    table.close()
    embedder = Embedder(models_dir, stamp.name)
    if stamp != embedder.stamp:
        return
    strategies = [schema.from_row(Strategy, row) for row in rows]
    rows = await strategy_vectors.embedded_rows(embedder, strategies, AT_ONCE, _tell)
    await connection.make("strategies", schema.strategies_schema(stamp), words="text", rows=rows)


async def _know_projects(connection: Connection, models_dir: Path) -> None:
    """Make the table of projects. Scopes keep their names: the first project of that name to come back has it from then on."""
    await connection.make("projects", schema.record_schema(Project))


async def _keep_revisions(connection: Connection, models_dir: Path) -> None:
    """Give strategies their former wordings and the corrections that wait, of which there are none yet.

    An older version would write strategies without them, so it must not open the bank any more.
    """
    strategies = await connection.table("strategies")
    await strategies.add_column("revisions", "'[]'")
    await strategies.add_column("proposals", "cast(null as string)")


async def _keep_decisions(connection: Connection, models_dir: Path) -> None:
    """Give strategies the caution that a recall shows with them, and what people decided about them.

    An older version would show what waits for a person, so it must not open the bank any more.
    """
    await complete(await connection.table("strategies"), Strategy)


async def _keep_reporters(connection: Connection, models_dir: Path) -> None:
    """Give records the client and the session that they came by, of which nothing is known yet.

    An older version would count what one session says any number of times, so it must not open the bank any more.
    """
    for name in ("strategies", "episodes", "runs"):
        await complete(await connection.table(name), schema.RECORDS[name])


def _tell(done: int, total: int) -> None:
    if done < total:
        logger.warning("Upgrading an older bank: %d of %d strategies have been embedded again.", done, total)


STEPS: dict[int, Step] = {
    1: _count_revisions,
    2: _keep_word_pieces,
    3: _know_projects,
    4: _keep_revisions,
    5: _keep_decisions,
    6: _keep_reporters,
}
FORMAT_VERSION = 1 + len(STEPS)
