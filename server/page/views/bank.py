"""The bank as a whole: what it holds, export, import, backup, upkeep, and the program's own health and settings."""

import os
import tempfile
from collections.abc import AsyncGenerator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import anyio.from_thread
import anyio.to_thread
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from strategy_bank.server.judges import with_endpoint
from strategy_bank.server.page.jobs import Job, Tone
from strategy_bank.server.page.rendering import counted
from strategy_bank.server.page.site import Site, site_of
from strategy_bank.server.page.views import work
from strategy_bank.server.settings import FIELDS, Given, Sources, masked
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Strategy, now
from strategy_bank.store.scratch import lend_scratch
from strategy_bank.tools.curation.counts import numbers, size_of

if TYPE_CHECKING:
    from starlette.types import Message

    from strategy_bank.server.doctor.checks import Finding
    from strategy_bank.tools.consolidation.sweep import Sweep
    from strategy_bank.tools.sharing.arrival import Arrival

UPLOAD_BYTES = 2_000_000_000
_NAMES = {"strategy": "lesson", "episode": "episode", "run": "run", "recall": "recall"}
_TONES: dict[str, Tone] = {"ok": "good", "warn": "warn", "fail": "bad"}


def routes() -> list[BaseRoute]:
    """Return what is at `/bank` and below, and at `/work`."""
    return [
        Route("/bank", bank),
        Route("/bank.json", bank_json),
        Route("/bank/export.jsonl", export),
        Route("/bank/import", import_, methods=["POST"]),
        Route("/bank/backup", backup, methods=["POST"]),
        Route("/bank/purge", purge, methods=["POST"]),
        Route("/bank/merge", merge, methods=["POST"]),
        Route("/bank/doctor", doctor),
        Route("/bank/doctor", examine, methods=["POST"]),
        Route("/bank/settings", settings),
        Route("/bank/settings.json", settings_json),
        Route("/work/{id}", work.work),
        Route("/work/{id}/changes", work.changes),
        Route("/work/{id}/file", work.file),
        Route("/work/{id}/stop", work.stop, methods=["POST"]),
    ]


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


async def export(request: Request) -> Response:
    """Stream the bank as JSON Lines, as `strategy-bank export` writes it."""
    from strategy_bank.store.transfer.jsonl import KINDS
    from strategy_bank.store.transfer.jsonl import export as lines_of

    opened, given = await site_of(request).bank(), request.query_params
    scope, kinds = given.get("scope") or None, ["strategy"] if given.get("lessons") else list(KINDS)

    async def lines() -> AsyncGenerator[str]:
        async for _, line in lines_of(opened, scope, kinds):
            yield f"{line}\n"

    headers = {"Content-Disposition": f'attachment; filename="strategy-bank-{now():%Y-%m-%d}.jsonl"'}
    return StreamingResponse(lines(), media_type="application/x-ndjson", headers=headers)


async def import_(request: Request) -> Response:
    """Take a file of JSON Lines and add it beside this request, with the checks of `strategy-bank import`."""
    site = site_of(request)
    sent = await bounded(request, UPLOAD_BYTES).form(max_files=1, max_fields=8)
    upload = sent.get("file")
    if not isinstance(upload, UploadFile) or not upload.filename:
        await sent.close()
        raise InvalidInput("No file was sent. Choose one with JSON Lines, as `export` writes them.")
    from strategy_bank.tools.sharing.arrival import Arrival

    trusted, scope = bool(sent.get("trust")), str(sent.get("scope") or "").strip()
    arrival = Arrival(scope, trusted, site.state.settings.trust)
    job = Job("Import", may_stop=True)
    try:
        return work.started(site, job, partial(_add, site, arrival, upload.file))
    except InvalidInput:
        await sent.close()
        raise


async def _add(site: Site, arrival: "Arrival", file: IO[bytes], job: Job) -> None:
    from strategy_bank.tools.sharing.import_file import accepted, add

    opened, scratch = await site.bank(), lend_scratch(site.state.settings.location.home)

    def count() -> None:
        anyio.from_thread.check_cancelled()
        if arrival.total % 200 == 0:
            anyio.from_thread.run_sync(job.progress, arrival.total, 0)

    with ExitStack() as until_added:
        until_added.callback(file.close)
        plain = site.state.settings.scope or "global"
        whole = accepted(file, "The file", arrival, plain, scratch, count)
        lines = await anyio.to_thread.run_sync(until_added.enter_context, whole)
        result = await add(opened, arrival, lines, job.progress)
    job.tell(f"Added {_counted(result.added)}.", "good")
    if result.present:
        job.tell(f"There already, and left as they are: {_counted(result.present)}.")
    if arrival.orders:
        held = "These read as orders to the agent. Look at them" if arrival.trusted else "Held: they read as orders"
        job.tell(f"{held}: {counted(len(arrival.orders), 'lesson')}.", "warn", about=tuple(arrival.orders[:20]))


def _counted(by_kind: dict[str, int]) -> str:
    return ", ".join(counted(number, _NAMES[kind]) for kind, number in by_kind.items() if number) or "nothing"


async def backup(request: Request) -> Response:
    """Copy the whole bank into a file for download."""
    site = site_of(request)
    return work.started(site, Job("Backup", may_stop=True), partial(_back_up, site))


async def _back_up(site: Site, job: Job) -> None:
    from strategy_bank.store.transfer.backup import write_backup

    opened = await site.bank()
    scratch = lend_scratch(site.state.settings.location.home) or Path(tempfile.gettempdir())
    number, name = tempfile.mkstemp(".zip", "backup-", scratch)
    job.file, job.file_name = Path(name), f"strategy-bank-{now():%Y-%m-%d-%H%M}.zip"
    with os.fdopen(number, "wb") as copy:
        rows = await write_backup(opened, copy, job.progress)
    held = {"strategies": "lesson", "episodes": "episode", "runs": "run", "recalls": "recall"}
    told = ", ".join(counted(rows[table], name) for table, name in held.items())
    job.tell(f"It holds {told}: the whole bank as it was at one moment, not encrypted.", "good")
    job.tell("`strategy-bank restore FILE` puts it in the place of a bank.")


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


async def doctor(request: Request) -> Response:
    return site_of(request).page(request, "doctor.html", endpoint=site_of(request).state.settings.llm_model)


async def examine(request: Request) -> Response:
    """Check the installation, the bank, the model and the judge; each finding is told as it comes."""
    site, sent = site_of(request), await request.form()
    ask = bool(sent.get("endpoint")) and site.may_change  # which costs tokens

    async def run(job: Job) -> None:
        from strategy_bank.server.doctor.checks import examine

        failed = list[str]()

        def tell(finding: "Finding") -> None:
            advice = f" → {finding.advice}" if finding.advice else ""
            job.tell(f"{finding.found}{advice}", _TONES[finding.status], finding.about)
            failed.extend([finding.about] if finding.status == "fail" else [])

        await examine(site.sources or _sources(site), tell, ask)
        job.tell("Something fails; each says what to do." if failed else "Nothing fails.", "bad" if failed else "good")

    return work.started(site, Job("Doctor", may_stop=True, back="/bank/doctor"), run)


async def settings(request: Request) -> Response:
    site = site_of(request)
    sources = site.sources or _sources(site)
    return site.page(
        request, "settings.html", settings=_settings(site, sources), file=str(sources.file), ignored=sources.ignored
    )


async def settings_json(request: Request) -> Response:
    site = site_of(request)
    sources = site.sources or _sources(site)
    shown = {each["name"]: {"value": each["value"], "from": each["source"]} for each in _settings(site, sources)}
    return JSONResponse({"file": str(sources.file), "settings": shown})


def _settings(site: Site, sources: Sources) -> list[dict[str, Any]]:
    """Return every setting as this server has it: its value, masked, where it comes from, and what it is."""
    default = Given(None, "default", "default")
    return [
        {
            "name": name,
            "value": masked(getattr(site.state.settings, name)),
            "source": sources.given.get(name, default).name,
            "about": info.description or "",
        }
        for name, info in FIELDS.items()
    ]


def _sources(site: Site) -> Sources:
    return Sources.gather(os.environ, site.state.settings.location.home)


def bounded(request: Request, most: int) -> Request:
    """Return the request with a body of at most so many bytes. Reading more raises InvalidInput."""
    size = 0

    async def receive() -> "Message":
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > most:
            raise InvalidInput(
                f"The file is larger than {most:,} bytes. `strategy-bank import FILE` takes larger ones."
            )
        return message

    return Request(request.scope, receive)
