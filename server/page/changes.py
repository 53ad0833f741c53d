"""Tells open pages when the bank changes, whichever process wrote: a page then asks for what it shows anew.

Each write to a table gives it another version, and reading that takes a millisecond.
"""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

import anyio
from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import Response

from strategy_bank.server.page.site import Site, site_of
from strategy_bank.store.errors import StrategyBankError
from strategy_bank.store.lance.schema import RECORDS

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_LOOKED_AT_EVERY_S = 1.0


async def changes(request: Request) -> Response:
    """Send an event `changed` with the versions of the tables, whenever these are others."""
    return EventSourceResponse(_versions(site_of(request)), ping=15, headers={"Cache-Control": "no-store"})


async def _versions(site: Site) -> AsyncGenerator[dict[str, str]]:
    seen = ""
    while not site.closing.is_set():
        try:
            now = await _version(await site.bank())
        except StrategyBankError:
            now = seen  # the page itself says what is wrong
        if seen and now != seen:
            yield {"event": "changed", "data": now}
        seen = now
        with anyio.move_on_after(_LOOKED_AT_EVERY_S):
            await site.closing.wait()


async def _version(bank: "Bank") -> str:
    return " ".join([str(await bank.version(kind)) for kind in RECORDS.values()])
