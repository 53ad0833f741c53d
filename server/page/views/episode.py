"""One episode: what was judged and where the proof stands, what it was shown and taught, and its trajectory by windows."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from strategy_bank.server.page.site import site_of
from strategy_bank.tools.judging.judgement import Judgement
from strategy_bank.tools.viewing.episodes.episode import Asked, episode_view, found_episode, quote_places
from strategy_bank.tools.viewing.episodes.judged import read_judged
from strategy_bank.tools.viewing.episodes.trajectory import COUNTED, SEARCHED
from strategy_bank.tools.viewing.episodes.windows import Piece, folded_text

_HEAD, _TAIL = 2_400, 800  # characters of a task, a reason, or JSON that is damaged


async def episode(request: Request) -> Response:
    site, asked = site_of(request), request.query_params
    find = asked.get("find", "")[:SEARCHED]
    at, step = number(asked.get("at", "")), number(asked.get("step", ""))
    view = await episode_view(await site.bank(), request.path_params["id"], Asked(at, step, find))
    return site.page(request, "episode.html", view=view, place=_places(find), long=long, most=COUNTED)


async def episode_json(request: Request) -> Response:
    """Return the record whole, and where the quotes of its judgement stand: offsets in the trajectory."""
    found = await found_episode(await site_of(request).bank(), request.path_params["id"])
    judgement = read_judged(Judgement, found.judgement)
    places = quote_places(found.trajectory, tuple(judgement.evidence) if judgement else ())
    return JSONResponse(found.model_dump(mode="json") | {"quotes": [asdict(each) for each in places]})


def number(text: str) -> int | None:
    """Return a number that an address names; None where it is none."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


def long(text: str) -> Sequence[Piece]:
    """Return a text that somebody wrote, without its middle where it is long."""
    return folded_text(text, _HEAD, _TAIL)


def _places(find: str) -> Callable[..., str]:
    """Return what gives the address of a place in the trajectory, where the words that are searched for stay marked."""

    def place(at: int, anchor: str = "at") -> str:
        return f"?{urlencode({'at': at} | ({'find': find} if find else {}))}#{anchor}"

    return place
