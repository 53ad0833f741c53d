"""What waits for a person, what was handed out lately, and what was decided."""

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from strategy_bank.server.page.site import site_of
from strategy_bank.store.records import Episode, Recall, Strategy
from strategy_bank.tools.viewing.lately import decided, handed_out
from strategy_bank.tools.viewing.states import state_of
from strategy_bank.tools.viewing.waiting import LONGEST, Waiting, waiting

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


_CHARS = 1_000
"""Of a text in JSON; a record's own page has all of it."""


async def home(request: Request) -> Response:
    site = site_of(request)
    found = await look(await site.bank())
    has_endpoint = bool(site.state.settings.llm_model)
    return site.page(request, "home.html", **found, has_endpoint=has_endpoint, state_of=state_of, longest=LONGEST)


async def look(bank: "Bank") -> dict[str, Any]:
    """Return what the front page shows of a bank. The first time takes longest, so a server does it before anybody asks."""
    waits = await waiting(bank)
    return {
        "waits": waits,
        "sections": _sections(waits),
        "holds": await _holds(bank),
        "handed": await handed_out(bank),
        "decisions": await decided(bank),
    }


async def waiting_json(request: Request) -> Response:
    """Answer what waits, the first of each kind and the number of all, for scripts."""
    waits = await waiting(await site_of(request).bank())
    kinds: dict[str, tuple[int, list[dict[str, Any]]]] = {
        "held": (waits.held.total, [_of_lesson(each.lesson) for each in waits.held.items]),
        "corrections": (
            waits.corrections.total,
            [
                _of_lesson(each.lesson) | {"proposal": each.proposal.model_dump(mode="json")}
                for each in waits.corrections.items
            ],
        ),
        "opposites": (
            waits.opposites.total,
            [{"one": _of_lesson(each.one), "other": _of_lesson(each.other)} for each in waits.opposites.items],
        ),
        "retired": (
            waits.retired.total,
            [_of_lesson(each.lesson) | {"episodes": [one.id for one in each.episodes]} for each in waits.retired.items],
        ),
        "pending": (
            waits.pending.total,
            [{"id": each.id, "scope": each.scope, "reason": each.reason[:_CHARS]} for each in waits.pending.items],
        ),
    }
    return JSONResponse({name: {"total": total, "first": items} for name, (total, items) in kinds.items()})


def _of_lesson(lesson: Strategy) -> dict[str, Any]:
    return {"id": lesson.id, "title": lesson.title[:_CHARS], "scope": lesson.scope, "state": state_of(lesson)[:_CHARS]}


def _sections(waits: Waiting) -> list[tuple[str, str, Any]]:
    return [
        ("held", "Held lessons", waits.held),
        ("corrections", "Corrections", waits.corrections),
        ("opposites", "Contradictions", waits.opposites),
        ("retired", "Retired by the rule", waits.retired),
        ("pending", "Without a verdict", waits.pending),
    ]


async def _holds(bank: "Bank") -> dict[str, int]:
    """Return how much the bank holds."""
    by_status = await bank.tally(Strategy, "status", {})
    lessons, in_use = sum(by_status.values()), by_status.get("active", 0)
    episodes, recalls = await bank.count(Episode), await bank.count(Recall)
    return {
        "total": lessons + episodes + recalls,
        "in_use": in_use,
        "out": lessons - in_use,
        "episodes": episodes,
        "recalls": recalls,
    }
