"""The bank as a whole: what it holds, its upkeep, and the merging of lessons that say the same."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from strategy_bank.server.judges import with_endpoint
from strategy_bank.server.page.jobs import Job
from strategy_bank.server.page.rendering import counted
from strategy_bank.server.page.site import Site, site_of
from strategy_bank.server.page.views import work
from strategy_bank.server.settings import masked
from strategy_bank.store.records import Strategy
from strategy_bank.tools.curation.counts import numbers, size_of

if TYPE_CHECKING:
    from strategy_bank.tools.consolidation.sweep import Sweep


async def bank(request: Request) -> Response:
    site = site_of(request)
    opened = await site.bank()
    tables = Path(opened.location.tables_uri)
    return site.page(
        request,
        "bank.html",
        held=await numbers(opened),
        bytes=await anyio.to_thread.run_sync(size_of, tables),
        where=masked(opened.location.tables_uri),
        model=opened.embedder.name,
        scopes=sorted(await opened.tally(Strategy, "scope", {})),
        jobs=site.jobs.newest()[:5],
        endpoint=site.state.settings.llm_model,
    )


async def bank_json(request: Request) -> Response:
    opened = await site_of(request).bank()
    size = await anyio.to_thread.run_sync(size_of, Path(opened.location.tables_uri))
    return JSONResponse(await numbers(opened) | {"bytes": size})


async def purge(request: Request) -> Response:
    """Take everything off the disk that was deleted or changed."""
    site = site_of(request)

    async def run(job: Job) -> None:
        opened = await site.bank()
        await opened.purge(job.progress)
        job.tell("The bytes of what was forgotten or changed are gone from the bank's folder.", "good")
        job.tell("Backups and exports that you made still hold it.")

    return work.started(site, Job("Taking off the disk what was forgotten", may_stop=False), run)


async def merge(request: Request) -> Response:
    """Merge lessons that say the same, or only show which."""
    site, sent = site_of(request), await request.form()
    dry_run = not sent.get("really")
    title = "Looking for lessons that say the same" if dry_run else "Merging lessons that say the same"
    return work.started(site, Job(title, may_stop=True), partial(_merge, site, dry_run))


async def _merge(site: Site, dry_run: bool, job: Job) -> None:
    from strategy_bank.tools.consolidation.sweep import sweep
    from strategy_bank.tools.judging.judge import AgentJudge

    opened, settings = await site.bank(), site.state.settings
    found: Sweep
    if settings.llm_model:
        found = await with_endpoint(settings, lambda judge: sweep(opened, judge, job.progress, None, dry_run=dry_run))
    else:
        found = await sweep(opened, AgentJudge(), job.progress, None, dry_run=dry_run)
    would = "would be merged into another" if dry_run else "merged into another; reinstate brings them back"
    job.tell(f"{counted(len(found.merges), 'lesson')} {would}.", "good")
    for each in found.merges:
        job.tell(f"{each.other.title} → {each.kept.title} ({each.why})", about=(each.other.id, each.kept.id))
    for reason in found.failed:
        job.tell(f"Not decided, both stay: {reason}", "warn")
