"""Numbered steps that bring an older bank to the current format.

Step n turns format n into format n + 1 and may run again after a crash in its middle. Never edit a released step.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from strategy_bank.store.lance import Connection

Step = Callable[["Connection"], Awaitable[None]]

STEPS: dict[int, Step] = {}
FORMAT_VERSION = 1 + len(STEPS)
RESTORING = "restoring"
"""Id of the row of `meta` that stands there while a restore replaces the tables."""


async def migrate(connection: "Connection", version: int) -> None:
    """Run every step from `version` on. The caller holds the write lock and stores the new version afterwards."""
    for number in range(version, FORMAT_VERSION):
        await STEPS[number](connection)
