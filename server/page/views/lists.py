"""The lists of lessons, episodes, runs and recalls: as a page, as CSV and as JSON."""

import csv
import io
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from strategy_bank.server.page.site import site_of
from strategy_bank.store.records import Record
from strategy_bank.store.visible_text import visible
from strategy_bank.tools.viewing.lists.asked import Asked
from strategy_bank.tools.viewing.lists.kinds import KINDS
from strategy_bank.tools.viewing.lists.page import everything, page_of

View = Callable[[Request], Awaitable[Response]]
_ORDERS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TITLES = {"lessons": "Lessons", "episodes": "Episodes", "runs": "Runs", "recalls": "Recalls"}
_ONE = {"lessons": "lesson", "episodes": "episode", "runs": "run", "recalls": "recall"}


def routes() -> list[BaseRoute]:
    """Return what is at `/lessons`, `/lessons.csv`, `/lessons.json`, and so on."""
    views = {"": page, ".csv": as_csv, ".json": as_json}
    return [Route(f"/{name}{suffix}", view(name)) for name in KINDS for suffix, view in views.items()]


def page(name: str) -> View:
    """Return the view that shows one page of a list."""

    async def view(request: Request) -> Response:
        site, asked = site_of(request), _asked(name, request)
        shown = await page_of(await site.bank(), asked)
        path = f"/{name}"

        def address(suffix: str = "", **changes: object) -> str:
            query = urlencode(asked.parameters(**changes))
            return f"{path}{suffix}?{query}" if query else f"{path}{suffix}"

        return site.page(
            request, "lists.html", list=shown, asked=asked, address=address, title=_TITLES[name], one=_ONE[name]
        )

    return view


def as_csv(name: str) -> View:
    """Return the view that streams a whole list as CSV. No cell of it is taken for a formula."""

    async def view(request: Request) -> Response:
        asked = _asked(name, request)
        bank = await site_of(request).bank()
        return _download(_csv(everything(bank, asked, asked.kind.cells), asked.kind.cells), f"{name}.csv", "text/csv")

    return view


def as_json(name: str) -> View:
    """Return the view that streams a whole list as a JSON array of records, trajectories left out."""

    async def view(request: Request) -> Response:
        asked = _asked(name, request)
        return _download(_json(everything(await site_of(request).bank(), asked)), f"{name}.json", "application/json")

    return view


def _asked(name: str, request: Request) -> Asked:
    return Asked.of(KINDS[name], request.query_params)


def _download(chunks: AsyncGenerator[str], name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'} if kind == "text/csv" else {}
    return StreamingResponse(chunks, media_type=f"{kind}; charset=utf-8", headers=headers)


async def _csv(records: AsyncGenerator[Record], columns: tuple[str, ...]) -> AsyncGenerator[str]:
    yield ",".join(columns) + "\r\n"
    async for record in records:
        line = io.StringIO()
        csv.writer(line).writerow(cell(getattr(record, name)) for name in columns)
        yield line.getvalue()


def cell(value: Any) -> Any:
    """Return what a cell of CSV holds: a list as words, and a text that a spreadsheet would calculate behind an apostrophe."""
    if isinstance(value, list):
        value = " ".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if value is None:
        return ""
    text = visible(str(value))  # pyright: ignore[reportUnknownArgumentType]
    return f"'{text}" if text.startswith(_ORDERS_A_FORMULA) else text


async def _json(records: AsyncGenerator[Record]) -> AsyncGenerator[str]:
    before = "[\n"
    async for record in records:
        yield before + to_json(record, exclude={"trajectory"}).decode()
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"
