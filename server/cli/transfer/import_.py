"""`strategy-bank import`: JSON Lines from a file or a pipe into the bank."""

import os
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO

import click

from strategy_bank.server.cli.console import Target, counted, pass_target, progress_bar, say
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.scratch import lend_scratch

_NAMED = 20


@click.command("import", short_help="Add JSON Lines from FILE or standard input.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--trust", is_flag=True, help="It is your own export: believe its counters, statuses and ids.")
@pass_target(
    "Scope of all that is added; default: the scope of each line, and global for a plain line that names none."
)
def import_bank(target: Target, file: str, trust: bool) -> None:
    """Add the JSON Lines in FILE, or in standard input with -, to the bank.

    Records whose ids are there already stay as they are, so importing a file twice adds nothing. If one line is wrong, nothing
    is added. Secrets are redacted. Strategies that read as orders to the agent are quarantined; with the setting trust =
    approve all of them wait for `review`. They begin with fresh counters. With --trust, for an export of your own, they
    come back as they were. Besides the lines of `export`, plain strategies work:

    \b
      {"title": "…", "description": "When …", "content": "…", "outcome": "success"}
    with outcome success, failure or contrast; source_task, scope and id may be added.

    \b
    Examples:
      strategy-bank import lessons.jsonl --scope my-project
      strategy-bank import my-own-export.jsonl --trust
      ssh other strategy-bank export | strategy-bank import -
    """
    from strategy_bank.tools.sharing.arrival import Arrival
    from strategy_bank.tools.sharing.import_file import accepted, add

    arrival = Arrival(target.scope or "", trust, target.settings.trust)
    target.settings.location.prepare()
    scratch = lend_scratch(target.settings.location.home)
    plain_scope = target.settings.scope or "global"
    with (
        _opened(file) as source,
        accepted(source, file, arrival, plain_scope, scratch) as lines,
        progress_bar("Importing") as progress,
    ):
        result = target.with_bank(lambda bank: add(bank, arrival, lines, progress))
    say(f"Added {counted(result.added)}; there already: {counted(result.present)}.")
    if arrival.orders:
        say(_warning(arrival.orders, trust))


def _warning(ids: list[str], trust: bool) -> str:
    named = f"{', '.join(ids[:_NAMED])}{' …' if len(ids) > _NAMED else ''}"
    if trust:
        return f"Warning: these read as orders to the agent; look at them with `show`: {named}."
    return f"Quarantined, since they read as orders to the agent; `strategy-bank review` lets you decide: {named}."


@contextmanager
def _opened(file: str) -> Generator[IO[bytes]]:
    """Yield standard input for -, else a regular file: a pipe without a writer would be waited for without end."""
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as exc:
        raise InvalidInput(f"{file} cannot be read: {exc.strerror or exc}.") from exc
    with os.fdopen(descriptor, "rb") as source:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise InvalidInput(f"{file} is no regular file. Pipe it in: `strategy-bank import - < {file}`.")
        yield source
