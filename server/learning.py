"""`strategy-bank learn`: what earlier sessions of a client did, as pending episodes."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from strategy_bank.server.console import (
    Progress,
    home_option,
    printable,
    progress_bar,
    say,
    scope_option,
    settings,
    show_table,
    with_bank,
)
from strategy_bank.store.errors import InvalidInput

if TYPE_CHECKING:
    from strategy_bank.server.settings import Settings
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.past import PastTask
    from strategy_bank.tools.transcripts import Client

RUNNING_S = 1_800
"""A session that was written to in the last so many seconds may go on: its last task is left for a later time."""
_TIDY_EVERY = 50
_TASK_SHOWN = 100
_LEFT_OUT = ("queued before", "reported by the agent itself", "without work", "perhaps still running", "unreadable")
NEXT = (
    "They wait for a judgement: `strategy-bank distill` has a configured endpoint judge them, or give the prompt "
    "`distill_pending` of this server to your agent, which judges them one by one."
)


class Wanted(NamedTuple):
    """Which tasks to take."""

    client: "Client"
    project: Path | None
    since: datetime | None


@click.command(short_help="Learn from the earlier sessions of a client.")
@click.argument("client", type=click.Choice(["claude-code", "codex", "gemini"]))
@click.option("--project", type=click.Path(file_okay=False, path_type=Path), help="Only sessions in this folder.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only tasks begun on this day or later.")
@click.option("--dry-run", is_flag=True, help="Show what would be queued, and write nothing.")
@home_option
@scope_option("Scope of all that is queued; default: the name of the git root each session was in.")
def learn(client: "Client", project: Path | None, since: datetime | None, dry_run: bool) -> None:
    """Read the transcripts that CLIENT keeps, cut them into tasks, and queue those that tools were used for.

    Nothing is judged yet, and nothing queued twice: it can be interrupted and begun again. Secrets are redacted before anything
    is written. Exit code 1 when a transcript could not be read.

    \b
    Examples:
      strategy-bank learn claude-code --project . --since 2026-10-01 --dry-run
      strategy-bank learn codex && strategy-bank distill --limit 20
    """
    asked = settings()
    wanted = Wanted(client, project.resolve() if project else None, since.astimezone() if since else None)
    files = _files(asked, wanted)
    counts = Counter[str]()
    if dry_run:
        _show([found for file in files for found in _tasks(asked, wanted, file, counts)], counts)
    else:
        _queue_all(asked, wanted, files, counts)
    if counts["unreadable"]:
        raise click.exceptions.Exit(1)


def _files(asked: "Settings", wanted: Wanted) -> list[Path]:
    """Raises InvalidInput where the client has none."""
    files = asked.folders.files(wanted.client)
    if not files:
        raise InvalidInput(f"There are no transcripts in {asked.folders.of(wanted.client)}.")
    since = wanted.since
    return [file for file in files if since is None or file.stat().st_mtime >= since.timestamp()]


def _tasks(asked: "Settings", wanted: Wanted, file: Path, counts: Counter[str]) -> "Iterator[tuple[PastTask, str]]":
    """Those of one transcript that are to be queued, with their scope; the others are only counted."""
    from strategy_bank.tools.past import tasks

    try:
        found = list(tasks(file, wanted.client))
        running = datetime.now().timestamp() - file.stat().st_mtime < RUNNING_S
    except (InvalidInput, OSError) as exc:
        counts["unreadable"] += 1
        say(printable(str(exc)))
        return
    for number, task in enumerate(found, 1):
        if _is_wanted(task, wanted):
            left_out = _left_out(task, running=running and number == len(found))
            counts[left_out] += bool(left_out)
            if not left_out:
                yield task, _scope(asked, task.cwd)


def _is_wanted(task: "PastTask", wanted: Wanted) -> bool:
    folder = Path(task.cwd)
    if wanted.project and wanted.project not in (folder, *folder.parents):
        return False
    return wanted.since is None or (_begun(task) or wanted.since) >= wanted.since


def _begun(task: "PastTask") -> datetime | None:
    try:
        return datetime.fromisoformat(task.at).astimezone()
    except ValueError:
        return None


def _left_out(task: "PastTask", *, running: bool) -> str:
    if not task.worked:
        return "without work"
    if task.reported:
        return "reported by the agent itself"
    return "perhaps still running" if running else ""


def _scope(asked: "Settings", cwd: str) -> str:
    """As a server in that folder would have it; of a folder that is gone, its name, since `global` would show it everywhere."""
    folder = Path(cwd)
    gone = cwd and not folder.is_dir() and not asked.scope
    return folder.name or asked.default_scope(folder) if gone else asked.default_scope(folder)


def _show(found: "list[tuple[PastTask, str]]", counts: Counter[str]) -> None:
    rows = [(_day(task), scope, len(task.items), " ".join(task.task.split())[:_TASK_SHOWN]) for task, scope in found]
    if rows:
        show_table(("begun", "scope", "records", "task"), rows, folding=("scope", "task"))
    say(f"{len(rows)} would be queued, if they are not yet{_others(counts)}.")


def _day(task: "PastTask") -> str:
    begun = _begun(task)
    return f"{begun:%Y-%m-%d}" if begun else "?"


def _queue_all(asked: "Settings", wanted: Wanted, files: list[Path], counts: Counter[str]) -> None:
    try:
        with progress_bar("Reading transcripts") as progress:
            with_bank(lambda bank: _queue(bank, asked, wanted, files, counts, progress))
    finally:  # also when it is interrupted: what was queued stays
        say(f"Queued {counts['queued']}{_others(counts)}.")
    if counts["queued"] or counts["queued before"]:
        say(NEXT)


def _others(counts: Counter[str]) -> str:
    return "".join(f"; {counts[reason]} {reason}" for reason in _LEFT_OUT if counts[reason])


async def _queue(
    bank: "Bank", asked: "Settings", wanted: Wanted, files: list[Path], counts: Counter[str], progress: Progress
) -> None:
    from strategy_bank.store.records import Episode
    from strategy_bank.tools.outcome import Report, record

    known, tidied = {row["id"] for row in await bank.cells(Episode, [])}, 0
    for done, file in enumerate(files):
        progress(done, len(files))
        for task, scope in _tasks(asked, wanted, file, counts):
            try:
                episode, _ = await record(bank, Report(scope=scope, task=task.task, trajectory=task.trajectory()))
            except InvalidInput as exc:
                counts["unreadable"] += 1
                say(printable(f"{file}: {exc}"))
                continue
            counts["queued before" if episode.id in known else "queued"] += 1
            known.add(episode.id)
        if counts["queued"] >= tidied + _TIDY_EVERY:
            tidied = counts["queued"]
            await bank.maintain()
    progress(len(files), len(files))
