"""`strategy-bank learn`: queue what earlier sessions of a client did, as pending episodes."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import Target, pass_target, progress_bar, say, show_table
from strategy_bank.store.errors import InvalidInput

if TYPE_CHECKING:
    from strategy_bank.server.settings import Settings
    from strategy_bank.store.bank import Bank
    from strategy_bank.tools.backlog.learn import Fate, Queue
    from strategy_bank.tools.scopes.registry import Scope
    from strategy_bank.tools.transcripts.reader import ClientName
    from strategy_bank.tools.transcripts.tasks import PastTask

_TASK_SHOWN = 100
_LEFT_OUT: "tuple[Fate, ...]" = (
    "queued before",
    "reported by the agent itself",
    "without work",
    "perhaps still running",
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
@pass_target("Scope of all that is queued; default: that of the project each session was in.")
def learn(target: Target, client: "ClientName", project: Path | None, since: datetime | None, dry_run: bool) -> None:
    """Read the transcripts that CLIENT keeps, cut them into tasks, and queue those in which tools were used.

    Nothing is judged yet, and nothing is queued twice, so you can interrupt it and start again. Secrets are redacted before
    anything is written. Exit code 1 if a transcript could not be read.

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
    )
    files = _files(target.settings, queue)
    if dry_run:
        _show(target, queue, files)
    else:
        _queue_all(target, queue, files)
    if queue.counts["unreadable"]:
        raise click.exceptions.Exit(1)


def _files(settings: "Settings", queue: "Queue") -> list[Path]:
    """Return the client's transcripts. Raises InvalidInput where it has none."""
    files = settings.folders.files(queue.client)
    if not files:
        raise InvalidInput(f"There are no transcripts in {settings.folders.of(queue.client)}.")
    since = queue.since
    return [file for file in files if since is None or file.stat().st_mtime >= since.timestamp()]


def _show(target: Target, queue: "Queue", files: list[Path]) -> None:
    from strategy_bank.tools.backlog.learn import begun
    from strategy_bank.tools.scopes.registry import Scopes

    async def found(bank: "Bank") -> "list[tuple[PastTask, Scope]]":
        find = Scopes(bank).of
        return [(task, await queue.scope_of(task, find)) for file in files for task in queue.tasks(file)]

    rows: list[tuple[object, ...]] = []
    for task, scope in target.with_bank(found):
        at, shown = begun(task), " ".join(task.task.split())[:_TASK_SHOWN]
        rows.append((f"{at:%Y-%m-%d}" if at else "?", scope.name, len(task.items), shown))
    if rows:
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
