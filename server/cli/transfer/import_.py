"""`strategy-bank import`: JSON Lines from a file or a pipe into the bank."""

import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import IO

import click

from strategy_bank.server.cli.console import Target, counted, pass_target, progress_bar, say
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Record

_IN_MEMORY = 64_000_000


@click.command("import", short_help="Add JSON Lines from FILE or standard input.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@pass_target("Scope of plain lines that name none; default: global.")
def import_bank(target: Target, file: str) -> None:
    """Add the JSON Lines in FILE, or in standard input with -, to the bank.

    Records whose ids are there already stay as they are, so importing a file twice adds nothing. If one line is wrong, nothing
    is added. Besides the lines of `export`, plain strategies work; secrets in them are redacted, and those that read as orders
    to the agent are quarantined:

    \b
      {"title": "…", "description": "When …", "content": "…", "outcome": "success"}
    with outcome success, failure or contrast; source_task, scope and id may be added.

    \b
    Examples:
      strategy-bank import bank.jsonl
      ssh other strategy-bank export | strategy-bank import -
    """
    from strategy_bank.store.transfer.jsonl import load
    from strategy_bank.tools.sharing.import_lines import look_through

    scope = target.settings.scope or "global"
    with _rereadable(file) as lines:
        commanding, total = look_through(_records(lines, scope))
        with progress_bar("Importing") as progress:
            records = _records(lines, scope)
            result = target.with_bank(lambda bank: load(bank, records, lambda done: progress(done, total)))
    say(f"Added {counted(result.added)}; there already: {counted(result.present)}.")
    if commanding:
        say(f"Warning: these read as orders to the agent; look at them with `show`: {', '.join(commanding)}.")


def _records(lines: IO[str], scope: str) -> Iterator[Record]:
    from strategy_bank.store.transfer.jsonl import parse
    from strategy_bank.tools.sharing.import_lines import strategy_of

    lines.seek(0)
    return parse(lines, lambda fields: strategy_of(fields, scope))


@contextmanager
def _rereadable(file: str) -> Generator[IO[str]]:
    """Yield the text of a file or of standard input so that it can be read twice: all of it is checked before it is added."""
    with (
        click.open_file(file, "rb") as source,
        tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8", newline="\n") as copy,
    ):
        try:
            for chunk in _decoded(source):
                copy.write(chunk)
        except UnicodeDecodeError as exc:
            raise InvalidInput(f"{file} is not UTF-8 text: {exc.reason} at byte {exc.start}.") from exc
        yield copy


def _decoded(source: IO[bytes]) -> Iterator[str]:
    """Yield line by line, without the byte order mark that some editors put in front."""
    for number, line in enumerate(source):
        text = line.decode("utf-8")
        yield text if number else text.removeprefix("\ufeff")
