"""One recall: the task, what an agent was shown for it, and what came of it."""

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from strategy_bank.server.page.site import site_of
from strategy_bank.tools.viewing.recall import Recalled, recalled


async def recall(request: Request) -> Response:
    seen = await _found(request)
    return site_of(request).page(request, "recall.html", seen=seen, recall=seen.recall)


async def recall_json(request: Request) -> Response:
    return Response(to_json(await _found(request)), media_type="application/json")


async def _found(request: Request) -> Recalled:
    return await recalled(await site_of(request).bank(), request.path_params["id"])
