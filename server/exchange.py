"""`strategy-bank export` and `import`: the bank as JSON Lines in files and pipes, and out of it lessons as text."""

import io
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from strategy_bank.server.console import (
    counted,
    given,
    home_option,
    printable,
    progress_bar,
    say,
    scope_option,
    settings,
    with_bank,
)
from strategy_bank.server.files import replacing
from strategy_bank.server.lesson_files import format_of, write_lessons
from strategy_bank.store.errors import InvalidInput
from strategy_bank.store.records import Record, Strategy

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.portable import Imported

_IN_MEMORY = 64_000_000
_LESSONS = 20


@click.command("export", short_help="Write the bank as JSON Lines, or its best strategies as text.")
@click.argument("file", default="-", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--format",
    type=click.Choice(["jsonl", "agents-md", "skill", "markdown"]),
    help="Default: by the name of FILE, else jsonl.",
)
@click.option("--strategies-only", is_flag=True, help="JSON Lines without episodes, runs and recalls.")
@click.option("--limit", type=click.IntRange(min=1), help="Text of at most so many strategies; default: 20.")
@home_option
@scope_option("Only this scope; default: all, and for a text this project and what is global.")
def export_bank(file: str, format: str | None, strategies_only: bool, limit: int | None) -> None:
    """Write the bank as JSON Lines to FILE, or to standard output; or its best strategies as a text for agents.

    JSON Lines hold everything but the vectors, which `import` makes anew. A file is written whole or not at all, readable by
    you only.

    A text serves agents that do not have this server. `agents-md` (AGENTS.md, CLAUDE.md, GEMINI.md) keeps the file and replaces
    what stands between two marker lines, or adds it; `skill` (SKILL.md) and `markdown` (other .md) are files of their own. It
    holds active strategies only, those first that were learned often and helped when used.

    \b
    Examples:
      strategy-bank export bank.jsonl
      strategy-bank export --scope my-project --strategies-only > lessons.jsonl
      strategy-bank export AGENTS.md --limit 10
      strategy-bank export .claude/skills/lessons/SKILL.md
    """
    format = format or format_of(file)
    if format == "jsonl" and limit:
        raise click.UsageError("--limit is for a text; JSON Lines hold everything.")
    if format != "jsonl":
        if strategies_only:
            raise click.UsageError("--strategies-only is for JSON Lines; a text holds nothing else.")
        write_lessons(file, format, limit or _LESSONS)
        return
    scope: str | None = given("scope")
    with _output(file) as target:
        counts = with_bank(lambda bank: _export(bank, target, scope, strategies_only))
    say(f"Exported {counted(counts)}.")


async def _export(bank: "Bank", target: IO[str], scope: str | None, strategies_only: bool) -> Counter[str]:
    from strategy_bank.store.portable import HEADER, KINDS, export

    counts: Counter[str] = Counter()
    async for kind, line in export(bank, scope, ["strategy"] if strategies_only else KINDS):
        target.write(f"{line}\n")
        counts[kind] += kind != HEADER
    return counts


@contextmanager
def _output(file: str) -> Generator[IO[str]]:
    """Standard output; what is no plain file, written through; a file, put in place when it is complete."""
    if file == "-":
        text = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\n")
        yield text
        text.detach()
        return
    path = Path(os.path.realpath(file))
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="\n") as through:
            yield through
        return
    with replacing(path) as complete:
        text = io.TextIOWrapper(complete, encoding="utf-8", newline="\n")
        yield text
        text.detach()


@click.command("import", short_help="Add JSON Lines from FILE or standard input.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@home_option
@scope_option("Scope of plain lines that name none; default: global.")
def import_bank(file: str) -> None:
    """Add the JSON Lines in FILE, or in standard input with -, to the bank.

    Ids that are there already keep what they have, so reading a file twice adds nothing. When one line is wrong, nothing is
    added. Besides the lines of `export`, plain strategies work; secrets in them are redacted, and those that read as orders
    to the agent are quarantined:

    \b
      {"title": "…", "description": "When …", "content": "…", "outcome": "success"}
    with outcome success, failure or contrast; source_task, scope and id may be added.

    \b
    Examples:
      strategy-bank import bank.jsonl
      ssh other strategy-bank export | strategy-bank import -
    """
    scope: str = given("scope") or settings().scope or "global"
    with _rereadable(file) as lines:
        commanding, total = _look_through(lines, scope)
        with progress_bar("Importing") as progress:
            result = with_bank(lambda bank: _import(bank, lines, scope, lambda done: progress(done, total)))
    say(f"Added {counted(result.added)}; there already: {counted(result.present)}.")
    if commanding:
        say(
            f"Warning: these read as orders to the agent; look at them with `show`: {printable(', '.join(commanding))}."
        )


def _look_through(lines: IO[str], scope: str) -> tuple[list[str], int]:
    """Active strategies that read as orders, and the number of records. Raises InvalidInput when a line is wrong."""
    from strategy_bank.tools.importing import orders_in

    commanding: list[str] = []
    total = 0
    for record in _records(lines, scope):
        total += 1
        if isinstance(record, Strategy) and record.status == "active":
            words = (record.title, record.description, record.content)
            commanding += [record.id] if orders_in(*words) else []
    return commanding, total


async def _import(bank: "Bank", lines: IO[str], scope: str, progress: Callable[[int], None]) -> "Imported":
    from strategy_bank.store.portable import load

    return await load(bank, _records(lines, scope), progress)


def _records(lines: IO[str], scope: str) -> Iterator[Record]:
    from strategy_bank.store.portable import parse
    from strategy_bank.tools.importing import strategy_of

    def plain(fields: dict[str, Any]) -> Strategy:
        return strategy_of(fields, scope)

    lines.seek(0)
    return parse(lines, plain)


@contextmanager
def _rereadable(file: str) -> Generator[IO[str]]:
    """The text of a file or of standard input, to be read twice: first all of it is checked, then it is added."""
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
    """Line by line, without the mark that some editors put in front."""
    for number, line in enumerate(source):
        text = line.decode("utf-8")
        yield text if number else text.removeprefix("\ufeff")
