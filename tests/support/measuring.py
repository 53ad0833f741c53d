"""Coverage below Python 3.12 loses a coroutine, and those that wait for it, when it is resumed by an exception.

LanceDB ends each result with one (StopAsyncIteration). Run in a task of its own, the loss stays in LanceDB's frames.
"""

import asyncio  # noqa: TID251 the loop's own tasks are what this is about
import sys
from typing import Any

from lancedb.query import AsyncQueryBase


def keep_lines_after_queries() -> None:
    """Let every query run in a task of its own; nothing to do where coverage uses sys.monitoring."""
    if sys.version_info >= (3, 12):
        return
    to_arrow = AsyncQueryBase.to_arrow

    async def in_a_task(self: AsyncQueryBase, *arguments: Any, **options: Any) -> Any:
        return await asyncio.ensure_future(to_arrow(self, *arguments, **options))

    AsyncQueryBase.to_arrow = in_a_task  # type: ignore[method-assign]
