"""The page as an ASGI application: which view is at which address.

request ─▶ guard.py: who is let in ─▶ views/NAME.py: reads by tools/ and store/, changes by tools/ ─▶ templates/NAME.html
"""

import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from strategy_bank.server.page.changes import changes
from strategy_bank.server.page.guard import Guard
from strategy_bank.server.page.rendering import environment
from strategy_bank.server.page.site import Site, site_of
from strategy_bank.server.page.static_files import KeptFiles
from strategy_bank.server.page.views import (
    ask,
    bank,
    decisions,
    episode,
    forget,
    health,
    home,
    judging,
    lesson,
    lists,
    recall,
    run,
    sign_in,
    transfer,
    value,
    work,
)
from strategy_bank.server.transport.host_names import HostNames
from strategy_bank.server.unexpected import in_words
from strategy_bank.store.errors import InvalidInput, NotFound, StrategyBankError

_MODEL_AFTER_S = 2.0
"""Seconds after which the model is loaded, which asking needs: not while the first page is read and shown."""
logger = logging.getLogger(__name__)
_STATUS: dict[type[Exception], int] = {NotFound: 404, InvalidInput: 400}


def _routes() -> list[BaseRoute]:
    return [
        Route("/", home.home),
        Route("/waiting.json", home.waiting_json),
        Route("/sign-in", sign_in.form),
        Route("/sign-in", sign_in.sign_in, methods=["POST"]),
        Route("/sign-out", sign_in.sign_out, methods=["POST"]),
        Route("/ask", ask.form),
        Route("/ask", ask.ask, methods=["POST"]),
        Route("/ask.json", ask.ask_json, methods=["POST"]),
        Route("/forget", forget.plan),
        Route("/forget", forget.forget, methods=["POST"]),
        Route("/value", value.value),
        Route("/value.json", value.value_json),
        Route("/lessons/new", lesson.add_form),
        Route("/lessons/new", lesson.add, methods=["POST"]),
        Route("/lessons/{id}.json", lesson.lesson_json),
        Route("/lessons/{id}", lesson.lesson),
        Route("/lessons/{id}/edit", lesson.edit_form),
        Route("/lessons/{id}/edit", lesson.edit, methods=["POST"]),
        Route("/lessons/{id}/{decision}", decisions.decide, methods=["POST"]),
        Route("/recalls/{id}.json", recall.recall_json),
        Route("/recalls/{id}", recall.recall),
        *lists.routes(),
        Route("/episodes/{id}.json", episode.episode_json),
        Route("/episodes/{id}", episode.episode),
        Route("/episodes/{id}/judge", judging.judge, methods=["POST"]),
        Route("/runs/{id}.json", run.run_json),
        Route("/runs/{id}", run.run),
        Route("/bank", bank.bank),
        Route("/bank.json", bank.bank_json),
        Route("/bank/purge", bank.purge, methods=["POST"]),
        Route("/bank/merge", bank.merge, methods=["POST"]),
        Route("/bank/export.jsonl", transfer.export),
        Route("/bank/import", transfer.import_, methods=["POST"]),
        Route("/bank/backup", transfer.backup, methods=["POST"]),
        Route("/bank/doctor", health.doctor),
        Route("/bank/doctor", health.examine, methods=["POST"]),
        Route("/bank/settings", health.settings),
        Route("/bank/settings.json", health.settings_json),
        Route("/work/{id}", work.work),
        Route("/work/{id}/changes", work.changes),
        Route("/work/{id}/file", work.file),
        Route("/work/{id}/stop", work.stop, methods=["POST"]),
        Route("/changes", changes),
        Mount("/static", KeptFiles(packages=[("strategy_bank.server.page", "static")])),
    ]


def page_app(site: Site, names: Sequence[str] = (), *, own_lifespan: bool = True) -> Starlette:
    """Build the application. With `own_lifespan` it warms the bank up at its start and closes it at its end."""
    guard = Middleware(
        Guard, sessions=site.sessions, cookie=site.cookie, names=HostNames(names), may_change=site.may_change
    )
    environment()
    app = Starlette(
        routes=_routes(),
        middleware=[guard, Middleware(GZipMiddleware, minimum_size=1_000)],
        exception_handlers=_HANDLERS,
        lifespan=_lifespan(site) if own_lifespan else None,
    )
    app.state.site = site
    return app


def _lifespan(site: Site) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with site.state.running(), anyio.create_task_group() as tasks:
            tasks.start_soon(_look_first, site)
            yield
            tasks.cancel_scope.cancel()
            site.closing.set()

    return lifespan


async def _look_first(site: Site) -> None:
    """Read what the front page shows, so that the person who opens it need not wait for what is read once."""
    try:
        await home.look(await site.bank())
    except Exception as exc:  # noqa: BLE001 whatever it is, the page itself says it
        logger.info("The first page will take longer: %s", in_words(exc))
    await anyio.sleep(_MODEL_AFTER_S)
    site.state.answered.set()


async def _told(request: Request, exc: Exception) -> Response:
    """Say in words why there is no page."""
    if isinstance(exc, HTTPException):
        status, told = exc.status_code, "There is nothing at this address." if exc.status_code == 404 else exc.detail
    else:
        status, told = _STATUS.get(type(exc), 503), str(exc)
    return site_of(request).page(request, "error.html", status, told=told)


async def _unexpected(request: Request, exc: Exception) -> Response:
    """Say what went wrong, also where the page itself is what goes wrong."""
    told = f"{in_words(exc)} If you have sent something, it may be done all the same: look before you send it again."
    try:
        return site_of(request).page(request, "error.html", 500, told=told)
    except Exception:  # noqa: BLE001 whatever it is, the person is told
        return PlainTextResponse(f"{told}\n", 500)


_HANDLERS: dict[Any, Any] = {HTTPException: _told, StrategyBankError: _told, Exception: _unexpected}
