"""`strategy-bank learn`: queue what earlier sessions of a client did, as pending episodes."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from strategy_bank.server.cli.console import (
    Target,
    json_option,
    pass_target,
    progress_bar,
    say,
    show_json,
    show_table,
)
from strategy_bank.store.errors import InvalidInput

if TYPE_CHECKING:
    from strategy_bank.server.settings import Settings
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.backlog.learn import Fate, Queue
    from strategy_bank.tools.transcripts.files import ClientName

_TASK_SHOWN = 100
_LEFT_OUT: "tuple[Fate, ...]" = (
    "queued before",
    "copied into another session",
    "reported by the agent itself",
    "without work",
    "perhaps still running",
    "without a prompt of yours",
    "unreadable",
)
NEXT = (
    "They wait for a judgement: `strategy-bank distill` has a configured endpoint judge them, or give the prompt "
    "`distill_pending` of this server to your agent, which judges them one by one."
)


@click.command(short_help="Learn from the earlier sessions of a client.")
@click.argument("client", type=click.Choice(["claude-code", "codex", "gemini"]))
@click.option("--project", type=click.Path(file_okay=False, path_type=Path), help="Only sessions in this folder.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only tasks begun on this day or later.")
@click.option("--dry-run", is_flag=True, help="Show what would be queued; queue nothing.")
@json_option
@pass_target("Scope of all that is queued; default: that of the project each session was in.")
def learn(
    target: Target, client: "ClientName", project: Path | None, since: datetime | None, dry_run: bool, as_json: bool
) -> None:
    """Read the transcripts that CLIENT keeps, cut them into tasks, and queue those in which tools were used.

    Nothing is judged yet, and nothing is queued twice, so you can interrupt it and start again. Secrets are redacted before
    anything is written. What was left out or could not be read is counted. Exit code 1 if a transcript could not be read.

    \b
    Examples:
      strategy-bank learn claude-code --project . --since 2026-10-01 --dry-run
      strategy-bank learn codex && strategy-bank distill --limit 20
    """
    from strategy_bank.tools.backlog.learn import Queue

    queue = Queue(
        client,
        tell=say,
        scope=target.settings.scope,
        project=project.resolve() if project else None,
        since=since.astimezone() if since else None,
        folders=target.settings.folders,
    )
    files, skipped = _files(target.settings, queue)
    tasks = _listed(target, queue, files) if dry_run else []
    if dry_run:
        _show(queue, tasks, as_json=as_json)
    else:
        _queue_all(target, queue, files)
    _tell_unread(queue, skipped)
    if as_json:
        show_json(_as_dict(queue, skipped) | ({"tasks": tasks} if dry_run else {}))
    if queue.counts["unreadable"]:
        raise click.exceptions.Exit(1)


def _files(settings: "Settings", queue: "Queue") -> tuple[list[Path], int]:
    """Return the client's transcripts, and how many files were skipped. Raises InvalidInput where it has none."""
    files, skipped = settings.folders.files(queue.client)
    if not files:
        folders = " or ".join(map(str, settings.folders.of(queue.client)))
        raise InvalidInput(f"There are no transcripts in {folders}.")
    since = queue.since
    return [file for file in files if since is None or file.stat().st_mtime >= since.timestamp()], skipped


def _listed(target: Target, queue: "Queue", files: list[Path]) -> list[dict[str, Any]]:
    """Return the tasks that would be queued, the oldest first."""
    from strategy_bank.tools.backlog.learn import begun
    from strategy_bank.tools.scopes.registry import Scopes

    async def listed(bank: "Bank") -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for _, file, task in queue.wanted(files):
            at, scope = begun(task), await queue.scope_of(task, Scopes(bank).of)
            row = {"begun": at.isoformat() if at else None, "scope": scope.name, "records": len(task.items)}
            rows.append(row | {"task": task.task, "file": str(file)})
        return rows

    return sorted(target.with_bank(listed), key=lambda row: row["begun"] or "")


def _show(queue: "Queue", tasks: list[dict[str, Any]], *, as_json: bool) -> None:
    rows: list[tuple[object, ...]] = [
        ((row["begun"] or "?")[:10], row["scope"], row["records"], " ".join(row["task"].split())[:_TASK_SHOWN])
        for row in tasks
    ]
    if rows and not as_json:
        show_table(("begun", "scope", "records", "task"), rows, folding=("scope", "task"))
    say(f"{len(rows)} would be queued, if they are not yet{_others(queue.counts)}.")


def _queue_all(target: Target, queue: "Queue", files: list[Path]) -> None:
    try:
        with progress_bar("Reading transcripts") as progress:
            target.with_bank(lambda bank: queue.fill(bank, files, progress))
    finally:  # also when it is interrupted: what was queued stays
        say(f"Queued {queue.counts['queued']}{_others(queue.counts)}.")
    if queue.counts["queued"] or queue.counts["queued before"]:
        say(NEXT)


def _others(counts: "Counter[Fate]") -> str:
    return "".join(f"; {counts[reason]} {reason}" for reason in _LEFT_OUT if counts[reason])


def _tell_unread(queue: "Queue", skipped: int) -> None:
    """Say what no task could be made of, so that nothing is lost in silence."""
    unread = queue.unread
    if problems := unread.problems():
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(queue.read.items()))
        say(f"Not understood in these transcripts ({kinds}): {'; '.join(problems)}.")
    if unread.rewound:
        say(f"Left out, since the user went back to before them: {unread.rewound} records.")
    if skipped:
        say(f"Skipped, since they are no files or lead out of the client's folder: {skipped}.")


def _as_dict(queue: "Queue", skipped: int) -> dict[str, Any]:
    return {
        "client": queue.client,
        "counts": dict(queue.counts),
        "transcripts": dict(queue.read),
        "skipped": skipped,
        "unread": queue.unread.as_dict(),
    }
