"""How far long work is, live, and what came of it."""

from collections.abc import AsyncGenerator

from sse_starlette.sse import EventSourceResponse
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from strategy_bank.server.page.jobs import Job, Work
from strategy_bank.server.page.site import Site, site_of
from strategy_bank.store.errors import NotFound


async def work(request: Request) -> Response:
    return site_of(request).page(request, "work.html", job=_job(request))


def started(site: Site, job: Job, work: Work) -> Response:
    """Start work, and lead to where it is seen."""
    site.jobs.start(site.state.background, job, work)
    return RedirectResponse(f"/work/{job.id}", 303)


async def changes(request: Request) -> Response:
    """Send an event at once, since the page may be older than the work's end, and whenever something has changed."""
    job = _job(request)
    if job.state != "running" and "last-event-id" in request.headers:
        return Response(status_code=204)  # so that a browser that knows of the end does not ask again
    return EventSourceResponse(_events(site_of(request), job), ping=15, headers={"Cache-Control": "no-store"})


async def _events(site: Site, job: Job) -> AsyncGenerator[dict[str, str]]:
    async for _ in job.changes():
        yield {"event": "changed", "id": job.state, "data": f"{job.done} {job.total} {len(job.lines)}"}
        if site.closing.is_set():
            return


async def stop(request: Request) -> Response:
    job = _job(request)
    if job.may_stop:
        job.scope.cancel()
    return RedirectResponse(f"/work/{job.id}", 303)


async def file(request: Request) -> Response:
    """Send what the work has made."""
    job = _job(request)
    if job.file is None or not job.file.exists():
        raise NotFound("This file is not there any more: it is kept for an hour, while the server runs. Make it again.")
    return FileResponse(job.file, filename=job.file_name)


def _job(request: Request) -> Job:
    return site_of(request).jobs.get(request.path_params["id"])
