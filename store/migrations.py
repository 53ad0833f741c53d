"""Numbered steps that bring an older bank to the current format.

Step n turns format n into format n + 1 and may run again after a crash in its middle. Never edit a released step.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from strategy_bank.store.lance import Connection

Step = Callable[["Connection"], Awaitable[None]]


async def _count_revisions(connection: "Connection") -> None:
    """1 → 2: every record has a `revision`."""
    for name in ("strategies", "episodes", "runs", "recalls"):
        await (await connection.table(name)).add_column("revision", "cast(0 as bigint)")


STEPS: dict[int, Step] = {1: _count_revisions}
FORMAT_VERSION = 1 + len(STEPS)
RESTORING = "restoring"
"""Id of the row of `meta` that stands there while a restore replaces the tables."""


async def migrate(connection: "Connection", version: int) -> None:
    """Run every step from `version` on. The caller holds the write lock and stores the new version afterwards."""
    for number in range(version, FORMAT_VERSION):
        await STEPS[number](connection)
