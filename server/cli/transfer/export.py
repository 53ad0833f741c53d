"""`strategy-bank export`: the bank as JSON Lines, or its best strategies as a text for agents."""

import io
import os
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from strategy_bank.server.atomic_file import replacing
from strategy_bank.server.cli.console import (
    counted,
    given,
    home_option,
    say,
    scope_option,
    with_bank,
)
from strategy_bank.server.cli.transfer.export_text import format_of, write_lessons

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

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
    from strategy_bank.store.transfer.jsonl import HEADER, KINDS, export

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
