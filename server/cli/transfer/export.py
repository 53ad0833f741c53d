"""`strategy-bank export`: the bank as JSON Lines, or its best strategies as a text for agents."""

import io
import stat
import sys
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

import click

from strategy_bank.server.atomic_file import replacing
from strategy_bank.server.cli.console import Target, check_free, counted, force_option, pass_target, say, show_block
from strategy_bank.store.errors import InvalidInput
from strategy_bank.tools.scopes.registry import scope_in
from strategy_bank.tools.sharing import agents_file
from strategy_bank.tools.sharing.export_format import Format, check_ours, format_of, rewritten

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.records import Strategy

_LESSONS = 20
_FOR_ALL = 0o644  # the mode of a new text: it is made to be shared


@click.command("export", short_help="Write the bank as JSON Lines, or its best strategies as text.")
@click.argument("file", default="-", type=click.Path(dir_okay=False, allow_dash=True))
@click.option(
    "--format",
    type=click.Choice(["jsonl", "agents-md", "skill", "markdown"]),
    help="Format to write; default: as the name of FILE suggests, else jsonl.",
)
@click.option("--strategies-only", is_flag=True, help="Leave episodes, runs and recalls out of JSON Lines.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of strategies in a text; default: 20.")
@force_option
@pass_target("Only this scope; default: all, and for a text this project and what is global.")
def export_bank(
    target: Target,
    file: str,
    format: Format | Literal["jsonl"] | None,
    strategies_only: bool,
    limit: int | None,
    force: bool,
) -> None:
    """Write the bank as JSON Lines to FILE, or to standard output; or its best strategies as a text for agents.

    JSON Lines hold everything but the vectors, which `import` computes again. A file is written whole or not at all, readable
    by you only, and replaces another file with --force only.

    A text serves agents that do not have this server. `agents-md` (AGENTS.md, CLAUDE.md, GEMINI.md) keeps the file and replaces
    what stands between two marker lines, or adds it; `skill` (SKILL.md) and `markdown` (other .md) are files of their own. It
    holds active strategies only, first those that were learned often and helped when used.

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
        _write_text(target, file, format, limit or _LESSONS)
        return
    if file != "-":
        check_free(Path(file), force)
    counts = target.with_bank(lambda bank: _export(bank, file, target.scope, strategies_only))
    say(f"Exported {counted(counts)}.")


async def _export(bank: "Bank", file: str, scope: str | None, strategies_only: bool) -> Counter[str]:
    from strategy_bank.store.transfer.jsonl import HEADER, KINDS, export

    counts: Counter[str] = Counter()
    with _output(file) as output:
        async for kind, line in export(bank, scope, ["strategy"] if strategies_only else KINDS):
            output.write(f"{line}\n")
            counts[kind] += kind != HEADER
    return counts


@contextmanager
def _output(file: str) -> Generator[IO[str]]:
    """Yield standard output for -, a device or pipe as it is, and else a file that is put in place when it is complete."""
    if file == "-":
        text = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\n")
        yield text
        text.detach()
        return
    path = Path(file)
    if path.exists() and not path.is_file():
        with path.open("w", encoding="utf-8", newline="\n") as through:
            yield through
        return
    with replacing(path) as complete:
        text = io.TextIOWrapper(complete, encoding="utf-8", newline="\n")
        yield text
        text.detach()


def _write_text(target: Target, file: str, format: Format, limit: int) -> None:
    """Write the best strategies to the file, or to standard output for `-`. Raises InvalidInput, having written nothing."""
    path = None if file == "-" else Path(file).resolve()
    before = _text(path) if path else ""
    check_ours(file, format, before)
    fixed = target.settings.scope

    async def choose(bank: "Bank") -> "tuple[list[str], tuple[list[Strategy], list[str]]]":
        if target.scope:
            return [target.scope], await agents_file.best(bank, [target.scope], limit)
        scope = await scope_in(bank, fixed, Path.cwd())
        return scope.names, await agents_file.best(bank, scope.readable, limit)

    scopes, (chosen, commanding) = target.with_bank(choose)
    text = rewritten(format, chosen, scopes, before, path.parent.name if path else "")
    if path is None:
        show_block(text.rstrip("\n"))
    else:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else _FOR_ALL
        with replacing(path, mode) as output:
            output.write(text.encode())
    say(f"Wrote {counted({'strategy': len(chosen)})} of {' and '.join(scopes)}.")
    if commanding:
        ids = ", ".join(commanding)
        say(f"Warning: left out, since they read as orders to the agent; look at them with `show`: {ids}.")


def _text(path: Path) -> str:
    """Return the file's text with its own line ends; empty where there is no file. Raises InvalidInput."""
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{path} is not UTF-8 text: {exc.reason} at byte {exc.start}. Nothing was written.") from exc
    except OSError as exc:
        raise InvalidInput(f"{path} cannot be read: {exc.strerror or exc}.") from exc
