"""Whether the bank helps: the figures of `strategy-bank value` over scopes and months, gaps, growth and age."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from strategy_bank.server.page.site import site_of
from strategy_bank.store.records import Episode, Recall, Strategy
from strategy_bank.tools import value as figures
from strategy_bank.tools.scopes.names import choosable, scope_names
from strategy_bank.tools.viewing.helping.figures import rows
from strategy_bank.tools.viewing.helping.growth import Growth, growth

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.value import Value

_KEPT = 8  # results that are kept until the bank changes: to count 100,000 recalls takes a third of a second


@dataclass(frozen=True)
class Helping:
    """All figures of one scope, or of all under an empty name."""

    scope: str
    all: "Value"
    by_month: "Mapping[str, Value]"
    by_scope: "Mapping[str, Value]"
    growth: Growth

    def as_json(self) -> dict[str, Any]:
        return {
            "scope": self.scope,
            "all": self.all.as_json(),
            "by_month": {name: each.as_json() for name, each in self.by_month.items()},
            "by_scope": {name: each.as_json() for name, each in self.by_scope.items()},
            "growth": self.growth.as_json(),
        }


async def value(request: Request) -> Response:
    """Show the figures of all scopes, or of the one in the address."""
    site = site_of(request)
    bank = await site.bank()
    told, names = await _helping(request, bank), choosable(await scope_names(bank))
    scope = told.scope
    return site.page(
        request,
        "value.html",
        told=told,
        rows=rows({"all": told.all}),
        months=rows(told.by_month),
        by_scope=rows(told.by_scope) if not scope and len(told.by_scope) > 1 else [],
        scopes=names if not scope or scope in names else [scope, *names],
    )


async def value_json(request: Request) -> Response:
    """Return the same figures; those under `all` are what `strategy-bank value --json` prints."""
    return JSONResponse((await _helping(request, await site_of(request).bank())).as_json())


async def _helping(request: Request, bank: "Bank") -> Helping:
    """Return the figures, counted anew where something was written since they were counted last."""
    scope = request.query_params.get("scope", "")
    versions = [await bank.version(kind) for kind in (Recall, Episode, Strategy)]
    kept = _kept(request)
    if kept.get(scope, (None, None))[0] != versions:
        kept[scope] = versions, await _counted(bank, scope)
    kept.move_to_end(scope)
    while len(kept) > _KEPT:
        kept.popitem(last=False)
    return kept[scope][1]


def _kept(request: Request) -> "OrderedDict[str, tuple[list[int], Helping]]":
    state = request.app.state
    if not hasattr(state, "helping"):
        state.helping = OrderedDict[str, tuple[list[int], Helping]]()
    return cast("OrderedDict[str, tuple[list[int], Helping]]", state.helping)


async def _counted(bank: "Bank", scope: str) -> Helping:
    read = await figures.read(bank, scope or None)

    def count() -> "list[Mapping[str, Value]]":
        return [read.value(), read.value("month"), read.value("scope")]

    every, by_month, by_scope = await anyio.to_thread.run_sync(count)
    return Helping(scope, every[""], _with_all_months(by_month), by_scope, await growth(bank, scope or None))


def _with_all_months(by_month: "Mapping[str, Value]") -> "Mapping[str, Value]":
    """Return the figures by month; of a bank in which nothing was recalled or reported there are none."""
    return {name: each for name, each in by_month.items() if name}
