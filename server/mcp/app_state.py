"""Holds what one server process shares between its calls: the settings, the judge, and the bank."""

import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import walk_packages
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

import strategy_bank.store
import strategy_bank.tools
from strategy_bank.server.freed_memory import return_all_freed_memory
from strategy_bank.server.mcp.failures import Failures
from strategy_bank.server.settings import Settings
from strategy_bank.server.unexpected import in_words
from strategy_bank.tools.judging.judge import Judge
from strategy_bank.tools.prompting import load_prompts
from strategy_bank.tools.safety.literals import find_literals
from strategy_bank.tools.safety.prompt_injection import read_as_orders
from strategy_bank.tools.safety.redact import redact
from strategy_bank.tools.scopes.registry import Scope, Scopes
from strategy_bank.tools.scopes.workspace import Workspace

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

# Seconds at least between two checks whether maintenance is due; a check costs a tenth of a recall.
_MAINTENANCE_INTERVAL_S = 1.0
_IDLE_MAINTENANCE_S = 30.0
_SESSIONS_KEPT = 4_096
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Caller:
    """What a call says of its project: a scope by name, or the workspace, which is None outside of projects."""

    scope: str = ""
    workspace: Workspace | None = None


class Sessions:
    """The sessions of one server process, each with a random id."""

    def __init__(self) -> None:
        self._ids = OrderedDict[Hashable, str]()

    def id_of(self, key: Hashable) -> str:
        """Return the id of the session that a key stands for, the same at each call; the longest unused ones are given up."""
        id = self._ids.pop(key, None) or f"se_{secrets.token_hex(8)}"
        self._ids[key] = id
        if len(self._ids) > _SESSIONS_KEPT:
            self._ids.popitem(last=False)
        return id


@dataclass
class State:
    """Holds the settings, the judge and the bank, which `bank()` opens at its first use."""

    settings: Settings
    judge: Judge
    opened: "Bank | None" = None
    caller: Caller | None = None
    """Whose project all calls over stdio belong to, once it is known."""
    sessions: Sessions = field(default_factory=Sessions)
    failures: Failures = field(default_factory=Failures)
    background: TaskGroup | None = None
    _opening: anyio.Lock = field(default_factory=anyio.Lock)
    answered: anyio.Event = field(default_factory=anyio.Event)
    """Set after the first answer to the client. Until then, nothing may delay it."""
    _maintained: float = 0.0
    _scopes: Scopes | None = None

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Warm the bank up after the first answer and keep it in order, and close it at the end."""
        async with anyio.create_task_group() as background:
            self.background = background
            background.start_soon(self.warm_up)
            background.start_soon(self.maintain_when_idle)
            yield
            background.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await self.close()

    async def bank(self) -> "Bank":
        """Return the open bank. Raises the errors of `Bank.open`; a later call tries again."""
        async with self._opening:
            if self.opened is None:
                bank = await anyio.to_thread.run_sync(_import_bank)
                self.opened = await bank.open(self.settings.location)
            return self.opened

    async def scope_of(self, caller: Caller, *, claim: bool = False) -> Scope:
        """Return the caller's scope; with `claim`, before something is written, note that its project has it."""
        if caller.scope:
            return Scope(caller.scope, apart=self.settings.projects_apart)
        if self._scopes is None:
            self._scopes = Scopes(await self.bank())
        return await (self._scopes.claim if claim else self._scopes.of)(caller.workspace)

    async def warm_up(self) -> None:
        """Make the first call fast. A failure is only logged: the call that meets it tells the user."""
        await self.answered.wait()
        try:
            bank = await self.bank()
            await anyio.to_thread.run_sync(bank.embedder.warm, abandon_on_cancel=True)
            await anyio.to_thread.run_sync(redact, "", abandon_on_cancel=True)
            await anyio.to_thread.run_sync(_load_what_is_left, abandon_on_cancel=True)
            await bank.maintain()
            await anyio.to_thread.run_sync(return_all_freed_memory)
            logger.info("The bank is open, and everything is loaded.")
        except Exception as exc:  # noqa: BLE001 whatever it is, such as no file left to open, the server goes on
            logger.warning("The first call will take longer: %s", in_words(exc))

    async def maintain_when_idle(self) -> None:
        """Do the upkeep of a bank that nobody calls for: what a command forgot leaves the disk all the same."""
        while True:
            await anyio.sleep(_IDLE_MAINTENANCE_S)
            self.maintain_soon()

    def maintain_soon(self) -> None:
        """Start maintenance in the background, unless it was looked at a moment ago."""
        now = time.monotonic()
        if self.background and self.opened and now - self._maintained >= _MAINTENANCE_INTERVAL_S:
            self._maintained = now
            self.background.start_soon(self._maintain, self.opened)

    async def _maintain(self, bank: "Bank") -> None:
        try:
            if await bank.maintain():
                await anyio.to_thread.run_sync(return_all_freed_memory)
        except Exception as exc:  # noqa: BLE001 whatever it is, the next round tries again
            logger.warning("Compaction was put off: %s", in_words(exc))

    async def close(self) -> None:
        await self.judge.aclose()
        if self.opened:
            await self.opened.close()


def _load_what_is_left() -> None:
    """Import the own modules, and read the prompts and rules that no call has needed yet: an upgrade may replace them."""
    for package in (strategy_bank.tools, strategy_bank.store):
        for found in walk_packages(package.__path__, f"{package.__name__}."):
            import_module(found.name)
    from strategy_bank.tools.consolidation.words import opposites

    load_prompts()
    opposites()
    read_as_orders("words")
    find_literals("words", "")


def _import_bank() -> "type[Bank]":
    """Import lancedb and fastembed with the bank; this takes seconds, so it runs in a worker thread."""
    from strategy_bank.store.bank import Bank

    return Bank
