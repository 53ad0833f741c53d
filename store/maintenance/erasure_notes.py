"""Notes in `meta` which tables still hold the bytes of what was forgotten, so that whoever does the upkeep takes them away.

forgotten_at       when something was forgotten last
forgotten_TABLE    when something was forgotten from this table; with a number, once every row was written anew: the version
                   from which on nothing refers to the old ones
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from strategy_bank.store.lance.table import Row, Table
from strategy_bank.store.records import now

_AT, _TABLE = "forgotten_at", "forgotten_"


@dataclass(frozen=True)
class Note:
    """A table holds bytes of what was forgotten: in all versions, or in those before one."""

    table: str
    forgotten_at: str
    clean_from: int = 0

    @property
    def row(self) -> Row:
        return {"id": f"{_TABLE}{self.table}", "value": f"{self.forgotten_at} {self.clean_from or ''}".rstrip()}


class ErasureNotes:
    """The notes of one bank, read again only when `meta` has changed. Changes belong into steps of `Bank.atomically`."""

    def __init__(self, meta: Table) -> None:
        self._meta = meta
        self._read_at = -1  # version of `meta`
        self._values: dict[str, str] = {}

    async def add(self, tables: Collection[str]) -> None:
        """Note that something is forgotten now from these tables."""
        at = now().isoformat()
        last = [{"id": _AT, "value": at}] if "recalls" in tables else []
        await self._put([*last, *(Note(name, at).row for name in tables)])

    async def forgotten_at(self) -> datetime | None:
        """Return when something was forgotten last that recalls may hold, also those that nobody has written yet."""
        at = (await self._stored()).get(_AT)
        return datetime.fromisoformat(at) if at else None

    async def due(self, tables: Collection[str]) -> list[Note]:
        """Return the notes about these tables."""
        stored = await self._stored()
        values = {name: stored[f"{_TABLE}{name}"].split() for name in tables if f"{_TABLE}{name}" in stored}
        return [Note(name, at, *map(int, version)) for name, (at, *version) in values.items()]

    async def update(self, note: Note, clean_from: int) -> None:
        """Note from which version on the table is clean, unless something was forgotten since the note was read."""
        if note in await self.due([note.table]):
            await self._put([Note(note.table, note.forgotten_at, clean_from).row])

    async def drop(self, notes: Sequence[Note]) -> None:
        """Drop the notes of tables that are clean, but those where something was forgotten since they were read."""
        there = await self.due([note.table for note in notes])
        if done := [note.row["id"] for note in notes if note in there]:
            await self._meta.delete(done)

    async def _put(self, rows: Sequence[Row]) -> None:
        await self._meta.insert(rows)
        await self._meta.amend(rows)

    async def _stored(self) -> dict[str, str]:
        version = await self._meta.files.version()
        if version != self._read_at:
            self._values = {row["id"]: row["value"] for row in await self._meta.select(["id", "value"], {})}
            self._read_at = version
        return self._values
