"""`strategy-bank import`: JSON Lines from a file or a pipe into the bank."""

import os
import stat
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import click

from strategy_bank.server.cli.console import Target, counted, pass_target, progress_bar, say
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.scratch import lend_scratch
from strategy_bank.store.transfer.line_bounds import FILE_BYTES, LINE_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from strategy_bank.store.records import Record
    from strategy_bank.tools.sharing.arrival import Arrival

_IN_MEMORY = 64_000_000
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
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.transfer.jsonl import Imported, load
    from strategy_bank.tools.sharing.arrival import Arrival

    arrival = Arrival(target.scope or "", trust, target.settings.trust)
    target.settings.location.prepare()
    scratch = lend_scratch(target.settings.location.home)
    plain_scope = target.settings.scope or "global"
    with _accepted(file, arrival, plain_scope, scratch) as lines, progress_bar("Importing") as progress:

        async def run(bank: Bank) -> Imported:
            await arrival.look_around(bank)
            records = map(arrival.linked, _records(lines))
            return await load(bank, records, lambda done: progress(done, arrival.total))

        result = target.with_bank(run)
    say(f"Added {counted(result.added)}; there already: {counted(result.present)}.")
    if arrival.orders:
        say(_warning(arrival.orders, trust))


def _warning(ids: list[str], trust: bool) -> str:
    named = f"{', '.join(ids[:_NAMED])}{' …' if len(ids) > _NAMED else ''}"
    if trust:
        return f"Warning: these read as orders to the agent; look at them with `show`: {named}."
    return f"Quarantined, since they read as orders to the agent; `strategy-bank review` lets you decide: {named}."


@contextmanager
def _accepted(file: str, arrival: "Arrival", plain_scope: str, scratch: "Path | None") -> Generator[IO[str]]:
    """Yield the records that `arrival` made of the file's, as lines: all of it is checked before anything is added.

    Many lines wait in a file in `scratch`. Raises InvalidInput where there is no room for it.
    """
    from strategy_bank.store.transfer.jsonl import line_of, parse
    from strategy_bank.tools.sharing.import_lines import strategy_of

    with (
        _opened(file) as source,
        tempfile.SpooledTemporaryFile(
            _IN_MEMORY, "w+", encoding="utf-8", newline="\n", dir=scratch and str(scratch)
        ) as accepted,
    ):
        lines = _decoded(source, file)
        for record in parse(lines, lambda fields: strategy_of(fields, plain_scope), arrival.accept):
            _keep(accepted, f"{line_of(record)}\n", scratch)
        yield accepted


def _keep(accepted: IO[str], line: str, scratch: "Path | None") -> None:
    try:
        accepted.write(line)
    except OSError as exc:
        where = scratch or "the system's folder for scratch files"
        raise InvalidInput(f"What is read cannot wait in {where}: {exc.strerror or exc}. Nothing was added.") from exc


def _records(lines: IO[str]) -> "Iterator[Record]":
    from strategy_bank.store.transfer.jsonl import parse_own

    lines.seek(0)
    return parse_own(lines)


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


def _decoded(source: IO[bytes], file: str) -> Iterator[str]:
    """Yield line by line, without the byte order mark that some editors put in front. Raises InvalidInput."""
    number = size = 0
    while line := source.readline(LINE_BYTES + 1):
        number, size = number + 1, size + len(line)
        if len(line) > LINE_BYTES:
            raise InvalidInput(f"Line {number}: it is longer than {LINE_BYTES:,} bytes, and no record is.")
        if size > FILE_BYTES:
            raise InvalidInput(f"{file} is larger than {FILE_BYTES:,} bytes. Import it in parts.")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as exc:
            raise InvalidInput(f"{file} is not UTF-8 text: {exc.reason} in line {number}, byte {exc.start}.") from exc
        yield text.removeprefix("\ufeff") if number == 1 else text
