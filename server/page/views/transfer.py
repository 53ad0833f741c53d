"""The bank as a file and back: export, import and backup, as the commands of these names do it."""

import os
import tempfile
from collections.abc import AsyncGenerator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import anyio.from_thread
import anyio.to_thread
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from strategy_bank.server.page.jobs import Job
from strategy_bank.server.page.rendering import counted
from strategy_bank.server.page.site import Site, site_of
from strategy_bank.server.page.views import work
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import now
from strategy_bank.store.scratch import lend_scratch

if TYPE_CHECKING:
    from starlette.types import Message

    from strategy_bank.tools.sharing.arrival import Arrival

UPLOAD_BYTES = 2_000_000_000
_NAMES = {"strategy": "lesson", "episode": "episode", "run": "run", "recall": "recall"}


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
