"""What one server process shares between its calls: the settings, the judge, and the bank, opened once in the background."""

import importlib
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from strategy_bank.server.allocator import return_all_freed_memory
from strategy_bank.server.settings import Settings
from strategy_bank.store.errors import StrategyBankError
from strategy_bank.tools.judging.judge import Judge
from strategy_bank.tools.safety.redact import redact

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

TIDIED_EVERY_S = 1.0
"""At most; looking whether anything is due costs a recall's tenth."""
logger = logging.getLogger(__name__)


@dataclass
class State:
    """`bank()` opens the bank at its first use; lancedb and fastembed are imported then, in a worker thread."""

    settings: Settings
    scope: str
    judge: Judge
    opened: "Bank | None" = None
    background: TaskGroup | None = None
    _opening: anyio.Lock = field(default_factory=anyio.Lock)
    answered: anyio.Event = field(default_factory=anyio.Event)
    """Set after the first answer to the client: until then, nothing may delay it."""
    _tidied: float = 0.0

    async def bank(self) -> "Bank":
        """Raises the errors of `Bank.open`; a later call tries again."""
        async with self._opening:
            if self.opened is None:
                module = await anyio.to_thread.run_sync(importlib.import_module, "strategy_bank.store.bank")
                self.opened = cast("Bank", await module.Bank.open(self.settings.location))
            return self.opened

    async def warm_up(self) -> None:
        """Make the first call fast. A failure is told by the call that meets it, where the user sees it."""
        await self.answered.wait()
        try:
            bank = await self.bank()
            await anyio.to_thread.run_sync(bank.embedder.warm, abandon_on_cancel=True)
            await anyio.to_thread.run_sync(redact, "", abandon_on_cancel=True)
            await bank.maintain()
            await anyio.to_thread.run_sync(return_all_freed_memory)
        except StrategyBankError as exc:
            logger.warning("%s", exc)

    def tidy_soon(self) -> None:
        now = time.monotonic()
        if self.background and self.opened and now - self._tidied >= TIDIED_EVERY_S:
            self._tidied = now
            self.background.start_soon(self._tidy)

    async def _tidy(self) -> None:
        """Compact when it is due. Never the caller's problem."""
        try:
            assert self.opened
            if await self.opened.maintain():
                await anyio.to_thread.run_sync(return_all_freed_memory)
        except StrategyBankError as exc:
            logger.warning("Compaction was put off: %s", exc)

    async def close(self) -> None:
        await self.judge.aclose()
        if self.opened:
            await self.opened.close()
