"""Forgetting: first what would go and who would lose something, then, when the person agrees to just that, the deletion."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import Response

from strategy_bank.server.page.jobs import Job
from strategy_bank.server.page.rendering import counted
from strategy_bank.server.page.site import own_path, site_of
from strategy_bank.server.page.views import work
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Strategy, content_id

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.lance.selection import Selection
    from strategy_bank.store.records import Record
    from strategy_bank.tools.curation.forgetting import Plan

AT_ONCE = 256
"""Number of records up to which the person waits for the answer; more are deleted as work of its own, with its progress."""
SHOWN = 50
"""Number of records of a plan that are listed; the count is of all."""


@dataclass(frozen=True)
class Asked:
    """What a form asks to forget, as it was typed."""

    ids: Sequence[str] = ()
    scope: str = ""
    matching: str = ""
    before: str = ""

    @classmethod
    def of(cls, fields: QueryParams | FormData) -> "Asked":
        ids = [id for value in fields.getlist("id") for id in str(value).replace(",", " ").split()]
        scope, matching, before = (str(fields.get(name) or "").strip() for name in ("scope", "matching", "before"))
        return cls(list(dict.fromkeys(ids)), scope, matching, before)

    def __bool__(self) -> bool:
        return bool(self.ids or self.scope or self.matching or self.before)

    def selection(self) -> "Selection":
        """Return it as the command has it. Raises InvalidInput where the time is none."""
        from strategy_bank.store.lance.selection import Selection

        try:
            before = datetime.fromisoformat(self.before).replace(tzinfo=UTC) if self.before else None
        except ValueError as exc:
            raise InvalidInput("The date is like 2026-01-31. Nothing was deleted.") from exc
        return Selection(self.ids, self.scope, self.matching, before)


async def plan(request: Request) -> Response:
    """Show the form, and what would go where something is asked for."""
    return await _shown(request, Asked.of(request.query_params))


async def forget(request: Request) -> Response:
    """Delete what the person has seen, and nothing else: where more or less would go by now, show that first."""
    site, form = site_of(request), await request.form()
    asked, purge, back = Asked.of(form), bool(form.get("purge")), own_path(str(form.get("back") or "")) or "/"
    if not asked:
        raise InvalidInput("Say what to forget: ids, a scope, a text or a date. Nothing was deleted.")
    from strategy_bank.tools.curation.forgetting import carry_out

    bank = await site.bank()
    planned = await _planned(bank, asked)
    if form.get("seen") != _seen(planned):
        return await _shown(request, asked, back)
    if purge or len(planned.going) + len(planned.losing) > AT_ONCE:
        return work.started(site, Job("Forgetting", may_stop=False, back=back), partial(_delete, bank, planned, purge))
    await carry_out(bank, planned, lambda done, total: None)
    return await site.done(request, "forgotten", number=len(planned.going))


async def _delete(bank: "Bank", planned: "Plan", purge: bool, job: Job) -> None:
    from strategy_bank.tools.curation.forgetting import carry_out

    await carry_out(bank, planned, job.progress)
    job.tell(f"Deleted {counted(len(planned.going), 'record')} for good.", "good")
    if purge:
        await bank.purge(job.progress)
        job.tell(
            "The bytes are gone from the bank's folder. Backups and exports that you made still hold them.", "good"
        )


async def _shown(request: Request, asked: Asked, changed_for: str = "") -> Response:
    """Show a plan. `changed_for` is where the person wanted to go who agreed to another one."""
    site = site_of(request)
    bank = await site.bank()
    scopes = sorted(str(each) for each in await bank.tally(Strategy, "scope", {}))
    planned = await _planned(bank, asked) if asked else None
    values: dict[str, Any] = {"asked": asked, "scopes": scopes, "changed": bool(changed_for), "plan": None}
    values["after"] = changed_for or _after(request, asked)
    if planned:
        values["plan"] = {
            "going": _listed(planned.going, asked.matching),
            "losing": _listed(planned.losing, asked.matching),
            "seen": _seen(planned),
        }
    return site.page(request, "forget.html", 409 if changed_for else 200, **values)


async def _planned(bank: "Bank", asked: Asked) -> "Plan":
    from strategy_bank.tools.curation.forgetting import plan

    return await plan(bank, asked.selection())


def _seen(planned: "Plan") -> str:
    """Return a short name of what a plan does: another where it does something else."""
    return content_id("plan", *sorted(record.id for record in planned.going), "", *sorted(r.id for r in planned.losing))


def _listed(records: "Sequence[Record]", matching: str) -> dict[str, Any]:
    """Return the first records with the place where each holds the text, and the numbers of all by kind."""
    from strategy_bank.tools.curation.forgetting import counts, headline, kind_of
    from strategy_bank.tools.viewing.held_words import held_words

    names = {"strategy": "lesson"}
    first = [
        {
            "kind": names.get(kind_of(each), kind_of(each)),
            "id": each.id,
            "headline": headline(each),
            "held": held_words(each, matching) if matching else None,
        }
        for each in records[:SHOWN]
    ]
    numbers = [(names.get(kind, kind), number) for kind, number in counts(records).items()]
    return {"total": len(records), "first": first, "counts": numbers}


def _after(request: Request, asked: Asked) -> str:
    """Return where to go when it is done: to what is left of a text or scope; else where the person came from, if it stays."""
    if asked and not asked.ids:
        return f"/forget?{urlencode({name: value for name, value in vars(asked).items() if value})}"
    parts = urlsplit(request.headers.get("referer", ""))
    came_from = own_path(parts.path + (f"?{parts.query}" if parts.query else "")) if parts.path else ""
    gone = came_from.startswith("/forget") or any(id in came_from for id in asked.ids)
    return "/" if gone or not came_from else came_from
