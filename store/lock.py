"""One writer at a time on a local folder, among the tasks of this process and among processes."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
from filelock import FileLock, Timeout

from strategy_bank.store.errors import BankBusy, BankUnavailable
from strategy_bank.store.os_errors import way_out_of

LOOKED_AT_EVERY_S = 0.01
"""Who waits for another process learns no sooner that the lock is free."""


class WriteLock:
    """A file lock, taken in a worker thread so that waiting for another process never stalls the event loop.

    `path` None is for object stores, whose conditional commits take the place of the file: then only the tasks of this
    process wait for one another. The operating system frees the lock of a process that died.
    """

    def __init__(self, path: Path | None, timeout_s: float) -> None:
        self.path = path
        self._timeout_s = timeout_s
        self._tasks = anyio.Lock()
        self._file = FileLock(path, thread_local=False) if path else None

    @property
    def held(self) -> bool:
        """Whether this process holds it."""
        return self._tasks.locked()

    @asynccontextmanager
    async def hold(self) -> AsyncGenerator[None]:
        """Raises BankBusy when another process keeps the lock for longer than the timeout."""
        async with self._tasks:
            await self._acquire(self._timeout_s)
            try:
                yield
            finally:
                if self._file:
                    self._file.release()

    @asynccontextmanager
    async def hold_if_free(self) -> AsyncGenerator[bool]:
        """Without waiting for anybody; yields whether this task holds it."""
        if self.held:
            yield False
            return
        async with self._tasks:
            try:
                await self._acquire(0)
            except BankBusy:
                yield False
                return
            try:
                yield True
            finally:
                if self._file:
                    self._file.release()

    async def _acquire(self, timeout_s: float) -> None:
        if self._file is None:
            return
        try:
            await anyio.to_thread.run_sync(partial(self._file.acquire, timeout_s, LOOKED_AT_EVERY_S))
        except Timeout as exc:
            raise BankBusy(
                f"Another process has been writing to the bank for more than {timeout_s:g} s (lock {self.path}). "
                "Try again; if it goes on, look for a stopped strategy-bank process and end it."
            ) from exc
        except OSError as exc:
            raise BankUnavailable(
                f"The lock file {self.path} cannot be written ({exc.strerror or exc}). "
                f"{way_out_of(exc.errno, str(self.path)) or 'Set STRATEGY_BANK_HOME to a folder of your own.'}"
            ) from exc
