"""One run: its attempts side by side, the comparison, and the best one."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from strategy_bank.server.page.site import site_of
from strategy_bank.server.page.views.episode import long
from strategy_bank.tools.viewing.episodes.run import found_run, run_view


async def run(request: Request) -> Response:
    site = site_of(request)
    view = await run_view(await site.bank(), request.path_params["id"])
    return site.page(request, "run.html", view=view, long=long)


async def run_json(request: Request) -> Response:
    """Return the record whole."""
    found = await found_run(await site_of(request).bank(), request.path_params["id"])
    return JSONResponse(found.model_dump(mode="json"))
