"""What an agent would get for a task, and why. A task is sent, not put into the address, which is kept and shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from strategy_bank.server.page.site import Site, site_of
from strategy_bank.store.errors import InvalidInput, NotFound
from strategy_bank.store.records import Strategy
from strategy_bank.tools.scopes.names import choosable, scope_names
from strategy_bank.tools.scopes.registry import Scope
from strategy_bank.tools.viewing.asking.why import TASK_CHARS, Looked, Why, why

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_ID = re.compile(r"st_[0-9a-f]{16}")
LIMITS = range(1, 11)
_LIMIT = 3
_SHOWN = 40_000  # characters of a text that the page holds; a lesson that was imported may have millions
PLACES = {"full": "in full", "listed": "by title", "missed": "not shown", "aside": "not looked at"}


@dataclass(frozen=True)
class Asked:
    """What the form says."""

    task: str = ""
    stuck_on: str = ""
    scope: str = ""
    limit: int = _LIMIT
    about: str = ""

    @classmethod
    def of(cls, sent: Mapping[str, Any]) -> "Asked":
        """Read what was sent. Raises InvalidInput where the limit is no number of results."""
        # a form sends line breaks as carriage return and line feed, and no agent does
        names = ("task", "stuck_on", "scope", "about")
        texts = {name: str(sent.get(name) or "").replace("\r\n", "\n").strip() for name in names}
        limit = str(sent.get("limit") or _LIMIT)
        if limit not in map(str, LIMITS):
            raise InvalidInput(f"The number of lessons in full is 1 to {LIMITS[-1]}.")
        return cls(**texts, limit=int(limit))


async def form(request: Request) -> Response:
    """Show the form; `scope` and `about` in the address fill it in."""
    asked = Asked(scope=request.query_params.get("scope", ""), about=request.query_params.get("about", ""))
    return await _page(request, asked)


async def ask(request: Request) -> Response:
    """Answer with the page itself; nothing is changed or noted."""
    site, asked = site_of(request), Asked()
    try:
        asked = Asked.of(await request.form())
        told = await _told(site, await site.bank(), asked)
    except (InvalidInput, NotFound) as exc:  # what was typed stays
        return await _page(request, asked, 400, problem=str(exc))
    return await _page(request, asked, told=told)


async def ask_json(request: Request) -> Response:
    """Answer with what `strategy-bank recall --why --json` prints."""
    site = site_of(request)
    asked = Asked.of(await request.form())
    return JSONResponse((await _told(site, await site.bank(), asked)).as_json())


async def _told(site: Site, bank: "Bank", asked: Asked) -> Why:
    name = asked.scope or site.state.settings.scope or (await scope_names(bank))[0]
    scope = Scope(name, apart=bank.location.apart)
    about = await _named(bank, asked.about)
    return await why(bank, asked.task, asked.limit, scope, stuck_on=asked.stuck_on, about=about)


async def _named(bank: "Bank", named: str) -> str:
    """Return the id of a lesson that is named by id or title; empty where none is named. Raises NotFound."""
    if not named or _ID.fullmatch(named):
        return named
    found = await bank.all(Strategy, title=named)
    if not found:
        raise NotFound(
            f"No lesson is called {named!r}. Give its id, st_ and 16 of 0-9 and a-f, or its title as it stands."
        )
    return found[-1].id


async def _page(
    request: Request, asked: Asked, status: int = 200, *, told: Why | None = None, problem: str = ""
) -> Response:
    site = site_of(request)
    names = choosable(await scope_names(await site.bank()))
    chosen = asked.scope or site.state.settings.scope
    return site.page(
        request,
        "ask.html",
        status,
        asked=asked,
        told=told,
        rows=_rows(told) if told else [],
        contents={hit.id: hit.content[:_SHOWN] for hit in told.result.strategies} if told else {},
        shown=_SHOWN,
        places=PLACES,
        problem=problem,
        scopes=names if not chosen or chosen in names else [chosen, *names],
        chosen=chosen or names[0],
        limits=LIMITS,
        most=TASK_CHARS,
        hold_out=site.state.settings.hold_out,
    )


def _rows(told: Why) -> list[Looked]:
    """Return each lesson once, in the order in which a recall takes them."""
    every = [*told.full, *told.listed, *told.missed, *told.kept_back, *([told.about] if told.about else [])]
    return list({each.id: each for each in every}.values())
