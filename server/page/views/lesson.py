"""One lesson: all that the bank knows of it, and its words as a form."""

from typing import Any
from urllib.parse import urlencode

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from strategy_bank.server.page.site import own_path, site_of
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import FOR_A_PERSON, LessonOutcome, Strategy, content_id, wording
from strategy_bank.store.visible_text import visible
from strategy_bank.tools.curation import words
from strategy_bank.tools.curation.decisions import look_of
from strategy_bank.tools.judging.judgement import DraftWords
from strategy_bank.tools.scopes.moving import check_name
from strategy_bank.tools.scopes.names import scope_names
from strategy_bank.tools.sharing.describe import said
from strategy_bank.tools.viewing.lesson import Lesson
from strategy_bank.tools.viewing.lesson import lesson as viewed
from strategy_bank.tools.viewing.waiting import is_whole, marked
from strategy_bank.tools.viewing.wordings import LONGEST, changes

_PARTS = ("title", "description", "content")
_OUTCOMES: dict[str, LessonOutcome] = {"success": "success", "failure": "failure", "contrast": "contrast"}


async def lesson(request: Request) -> Response:
    site = site_of(request)
    bank = await site.bank()
    asked = request.query_params
    seen = await viewed(
        bank, request.path_params["id"], page=_number(asked.get("page", "")), all_wordings="all" in asked
    )
    return site.page(
        request,
        "lesson.html",
        seen=seen,
        lesson=seen.strategy,
        look=look_of(seen.strategy),
        key_of=words.key_of,
        said=said,
        held=marked(seen.strategy) if seen.strategy.status in FOR_A_PERSON else None,
        scopes=await scope_names(bank) if site.may_change else [],
        longest=LONGEST,
        whole=_is_shown_whole(seen.strategy),
    )


def _is_shown_whole(strategy: Strategy) -> bool:
    """Return whether the page has room for all words of a lesson; for one that waits it has less, since it marks some."""
    if strategy.status in FOR_A_PERSON:
        return is_whole(strategy)
    return all(len(getattr(strategy, name)) <= LONGEST for name in _PARTS)


async def lesson_json(request: Request) -> Response:
    bank = await site_of(request).bank()
    seen = await viewed(
        bank, request.path_params["id"], page=_number(request.query_params.get("page", "")), all_wordings=True
    )
    return Response(to_json(as_fields(seen)), media_type="application/json")


def as_fields(seen: Lesson) -> dict[str, Any]:
    """Return what is known of a lesson for a program: changes as their wordings, which it compares itself."""
    return vars(seen) | {
        "former": [vars(each.revision) | {"number": each.number} for each in seen.former],
        "proposals": [proposal for proposal, _ in seen.proposals],
        "near": [{"id": each.strategy.id, "title": each.strategy.title, "cosine": each.cosine} for each in seen.near],
        "contrary": [{"id": each.strategy.id, "title": each.strategy.title} for each in seen.contrary],
        "merged": [{"id": each.strategy.id, "title": each.strategy.title} for each in seen.merged],
    }


async def edit_form(request: Request) -> Response:
    site = site_of(request)
    strategy = await (await site.bank()).get(Strategy, request.path_params["id"])
    return _edit(request, strategy, {name: getattr(strategy, name)[:LONGEST] for name in _PARTS})


async def edit(request: Request) -> Response:
    """Give a lesson the words that were sent; where somebody else changed it meanwhile, show both."""
    site, sent = site_of(request), await _sent(request)
    bank = await site.bank()
    strategy = await bank.get(Strategy, request.path_params["id"])
    typed = {name: _unescaped(strategy, name, sent.get(name, "")) for name in _PARTS}
    if sent.get("seen") != _seen(strategy):
        return _edit(request, strategy, typed, meanwhile=True)
    try:
        draft = words.checked_words(**typed)
        if strategy.wording == wording(draft.title, draft.description, draft.content):
            return RedirectResponse(own_path(sent.get("back", "")) or "/", 303)
        await words.edit(bank, strategy, draft)
    except InvalidInput as exc:
        current = await bank.get(Strategy, strategy.id)
        return _edit(request, current, typed, problem=str(exc), meanwhile=_seen(current) != _seen(strategy))
    return await site.done(request, "edited", strategy.id, title=strategy.title)


def _edit(
    request: Request, strategy: Strategy, typed: dict[str, str], *, problem: str = "", meanwhile: bool = False
) -> Response:
    back = own_path(request.query_params.get("back", ""))
    return site_of(request).page(
        request,
        "lesson_edit.html",
        409 if meanwhile else 400 if problem else 200,
        lesson=strategy,
        typed=typed,
        problem=problem,
        changed=changes(strategy, _typed_words(typed)) if meanwhile else None,
        seen=_seen(strategy),
        back=back or request.url.path.removesuffix("/edit"),
        is_long=any(len(getattr(strategy, name)) > LONGEST for name in _PARTS),
    )


def _typed_words(typed: dict[str, str]) -> DraftWords:
    """Return what was typed as words of a lesson, though they may be too long or missing."""
    return DraftWords.model_construct(None, **typed)


async def add_form(request: Request) -> Response:
    return await _add(request, {"scope": request.query_params.get("scope", "")})


async def add(request: Request) -> Response:
    """Store a lesson that a person wrote; where it is there already, show that one."""
    site, sent = site_of(request), await _sent(request)
    bank = await site.bank()
    try:
        held = words.checked_words(**{name: sent.get(name, "") for name in _PARTS})
        if sent.get("holds") == "here":
            held = held.model_copy(update={"holds": "here"})
        scope = " ".join(sent.get("scope", "").split())
        check_name(scope)
        strategy, is_new = await words.add(bank, held, _OUTCOMES.get(sent.get("outcome", ""), "success"), scope)
    except InvalidInput as exc:
        return await _add(request, sent, str(exc))
    told = {"done": "added" if is_new else "there", "id": strategy.id}
    return RedirectResponse(f"/lessons/{strategy.id}?{urlencode(told)}", 303)


async def _add(request: Request, typed: dict[str, str], problem: str = "") -> Response:
    site = site_of(request)
    scopes = await scope_names(await site.bank())
    status = 400 if problem else 200
    typed = dict.fromkeys((*_PARTS, "scope", "outcome", "holds"), "") | typed
    return site.page(request, "lesson_new.html", status, typed=typed, problem=problem, scopes=scopes)


async def _sent(request: Request) -> dict[str, str]:
    """Return the fields of a form, with line breaks as they are stored: a browser sends others."""
    form = await request.form()
    return {name: value.replace("\r\n", "\n") for name, value in form.items() if isinstance(value, str)}


def _unescaped(strategy: Strategy, part: str, typed: str) -> str:
    """Return a part of the words as it was typed; as it is stored where only hidden characters were shown as escapes."""
    stored: str = getattr(strategy, part)
    return stored if typed == visible(stored) else typed


def _seen(strategy: Strategy) -> str:
    """Return a short text that stands for the words which a form was filled with."""
    return content_id("words", strategy.wording)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 9 else 1
