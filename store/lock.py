"""Lets one task of one process write to a local folder at a time."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import anyio
import anyio.to_thread
from filelock import FileLock, Timeout

from strategy_bank.store.errors import BankBusy, BankUnavailable
from strategy_bank.store.os_errors import way_out

POLLING_S = 0.01  # polling interval while another process holds the lock


class WriteLock:
    """A file lock. Waiting for it does not block the event loop, and the operating system frees that of a dead process.

    Without a `path` only the tasks of this process wait for one another: on an object store, conditional commits do the rest.
    """

    def __init__(self, path: Path | None, timeout_s: float) -> None:
        self.path = path
        self._timeout_s = timeout_s
        self._tasks = anyio.Lock()
        self._file = FileLock(path, thread_local=False) if path else None

    @asynccontextmanager
    async def hold_if_free(self) -> AsyncGenerator[bool]:
        """Hold the lock if it is free, without waiting; yields whether this task holds it."""
        async with AsyncExitStack() as until_released:
            ours = False
            with suppress(BankBusy):
                if not self._tasks.locked():
                    await until_released.enter_async_context(self.hold(0))
                    ours = True
            yield ours

    @asynccontextmanager
    async def hold(self, timeout_s: float | None = None) -> AsyncGenerator[None]:
        """Hold the lock. Raises BankBusy when another process keeps it for longer than the timeout."""
        async with self._tasks:
            await self._acquire(self._timeout_s if timeout_s is None else timeout_s)
            try:
                yield
            finally:
                if self._file:
                    self._file.release()

    def _is_acquired(self) -> bool:
        assert self._file
        try:
            self._file.acquire(0)
        except Timeout:
            return False
        return True

    async def _acquire(self, timeout_s: float) -> None:
        if self._file is None:
            return
        deadline = anyio.current_time() + timeout_s
        try:
            # each try in a thread is short, so that a signal need not wait for the lock
            while not await anyio.to_thread.run_sync(self._is_acquired):
                if anyio.current_time() >= deadline:
                    raise BankBusy(
                        f"Another process has been writing to the bank for more than {timeout_s:g} s (lock {self.path}). "
                        "Try again; if that does not help, look for a suspended strategy-bank process and end it."
                    )
                await anyio.sleep(POLLING_S)
        except OSError as exc:
            raise BankUnavailable(
                f"The lock file {self._file.lock_file} cannot be written ({exc.strerror or exc}). "
                f"{way_out(exc, Path(self._file.lock_file)) or 'Set STRATEGY_BANK_HOME to a folder of your own.'}"
            ) from exc
