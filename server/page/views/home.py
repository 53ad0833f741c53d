"""What waits for a person, and what was handed out lately."""

from starlette.requests import Request
from starlette.responses import Response

from strategy_bank.server.page.site import site_of


async def home(request: Request) -> Response:
    return site_of(request).page(request, "home.html")
