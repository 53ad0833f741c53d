"""Whether the bank helps: the figures of `strategy-bank value` over scopes and months, gaps, growth and age."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from strategy_bank.server.page.site import site_of
from strategy_bank.store.records import Episode, Recall, Record, Strategy, now
from strategy_bank.tools import value as figures
from strategy_bank.tools.scopes.names import choosable, scope_names
from strategy_bank.tools.viewing.helping.figures import rows
from strategy_bank.tools.viewing.helping.growth import Growth, growth

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.value import Value

_KEPT = 16
T = TypeVar("T")
_GAPS = 10


@dataclass(frozen=True)
class Helping:
    """All figures of one scope, or of all under an empty name."""

    scope: str
    all: "Value"
    by_month: "Mapping[str, Value]"
    by_scope: "Mapping[str, Value]"
    growth: Growth

    @property
    def gaps(self) -> list[tuple[str, str, int]]:
        """What was asked for in vain: scope, task, and how often, the most frequent first."""
        every = [(scope, task, times) for scope, each in self.by_scope.items() for task, times in each.gaps]
        return sorted(every, key=lambda gap: (-gap[2], gap[0], gap[1]))[:_GAPS]

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
    scope = request.query_params.get("scope", "")
    kept, today = _kept(request), now().toordinal()
    versions = await _versions(bank, Recall, Episode)
    every, by_month, by_scope = await kept.of("figures", scope, versions, lambda: _figures(bank, scope))
    of = [*await _versions(bank, Strategy, Episode), today]  # ages change with the day
    grown = await kept.of("growth", scope, of, lambda: growth(bank, scope or None))
    # of a bank in which nothing was recalled or reported there is one month without a name
    return Helping(scope, every[""], {name: each for name, each in by_month.items() if name}, by_scope, grown)


async def _versions(bank: "Bank", *kinds: type[Record]) -> list[int]:
    return [await bank.version(kind) for kind in kinds]


async def _figures(bank: "Bank", scope: str) -> "list[Mapping[str, Value]]":
    read = await figures.read(bank, scope or None)

    def count() -> "list[Mapping[str, Value]]":
        return [read.value(), read.value("month"), read.value("scope")]

    return await anyio.to_thread.run_sync(count)


class _Kept:
    """What was counted last of a few scopes, until something is written: 100,000 recalls take a third of a second."""

    def __init__(self) -> None:
        self._counted = OrderedDict[tuple[str, str], tuple[list[int], Any]]()

    async def of(self, what: str, scope: str, versions: list[int], count: Callable[[], Awaitable[T]]) -> T:
        """Return what was counted as of these versions of the tables, or count it."""
        of, found = self._counted.get((what, scope), ([], None))
        if of != versions:
            found = await count()
        self._counted[what, scope] = (versions, found)
        self._counted.move_to_end((what, scope))
        while len(self._counted) > _KEPT:
            self._counted.popitem(last=False)
        return cast("T", found)


def _kept(request: Request) -> _Kept:
    state = request.app.state
    if not hasattr(state, "helping"):
        state.helping = _Kept()
    return cast("_Kept", state.helping)
