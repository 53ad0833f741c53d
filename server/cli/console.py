"""Holds what the commands share: the bank they work on, opening it, and printing. Data goes to stdout, all else to stderr.

Whatever is printed comes through here, since anybody may have written it: what it hides is shown (`store/visible_text.py`), and
only where a block of text is meant do its line breaks stay. It imports nothing heavy, because `serve` comes through here too.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

import click

if TYPE_CHECKING:
    from strategy_bank.server.settings import Settings, Sources
    from strategy_bank.store.bank import Bank
from strategy_bank.server.interruption import ending_in_order
from strategy_bank.store.progress import Progress
from strategy_bank.store.visible_text import visible, visible_json, visible_line

T = TypeVar("T")
P = ParamSpec("P")
_HOME_HELP = "Folder of the bank; default: STRATEGY_BANK_HOME, else the user's data folder."


@dataclass(frozen=True)
class Target:
    """The bank and the scope that the command line names; None where it names none."""

    home: Path | None = None
    scope: str | None = None

    @cached_property
    def sources(self) -> "Sources":
        """Tells where each setting comes from: this command line, the environment or the file. Raises InvalidInput."""
        from strategy_bank.server.settings import Sources

        return Sources.gather(os.environ, self.home, self.scope)

    @property
    def config_file(self) -> Path:
        from strategy_bank.server.settings import config_path

        return config_path(os.environ, self.home)

    @cached_property
    def settings(self) -> "Settings":
        """The settings in force. What was given but is ignored is logged. Raises InvalidInput."""
        return self.sources.settings()

    def with_bank(self, action: "Callable[[Bank], Awaitable[T]]", *, any_model: bool = False) -> T:
        """Open the bank, run the action, and close the bank. Raises StrategyBankError."""
        import anyio

        location = self.settings.location

        async def run() -> T:
            from strategy_bank.store.bank import Bank

            bank = await Bank.open(location, any_model=any_model)
            try:
                return await action(bank)
            finally:
                with anyio.CancelScope(shield=True):
                    await bank.close()

        with ending_in_order():
            return anyio.run(run)


def pass_target(scope_help: str = "") -> Callable[[Callable[Concatenate[Target, P], T]], Callable[P, T]]:
    """Add `--home`, and `--scope` where there is help for it; the command gets both as a Target, its first parameter.

    The options may stand before the command as well as after it; the later one counts.
    """

    def decorate(command: Callable[Concatenate[Target, P], T]) -> Callable[P, T]:
        @wraps(command)
        def run(*arguments: P.args, **options: P.kwargs) -> T:
            context = click.get_current_context()
            before = context.find_object(Target) or Target()
            home, scope = (cast(str, options.pop(name, None) or "").strip() for name in ("home", "scope"))
            context.obj = Target(Path(home) if home else before.home, scope or before.scope)
            return command(context.obj, *arguments, **options)

        if scope_help:
            run = click.option("--scope", metavar="NAME", help=scope_help)(run)
        folder = click.Path(file_okay=False)
        return click.option("--home", type=folder, metavar="FOLDER", help=_HOME_HELP)(run)

    return decorate


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
force_option = click.option("--force", is_flag=True, help="Replace FILE if it exists.")


def say(text: str, *, end: str = "\n") -> None:
    """Print a line to stderr."""
    click.echo(visible_line(text) + end, nl=False, err=True)


def show(text: str, colour: str | None = None, *, end: str = "\n") -> None:
    """Print a line to stdout."""
    click.secho(visible_line(text) + end, fg=colour, nl=False)


def show_block(text: str) -> None:
    """Print a text of any number of lines to stdout."""
    click.echo(visible(text))


def show_json(value: Any) -> None:
    click.echo(visible_json(json.dumps(value, ensure_ascii=False, indent=2)))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]], folding: Sequence[str] = ()) -> None:
    """Print a table. The `folding` columns share the room that is left, the others are shown whole."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column not in folding)
    for row in rows:
        table.add_row(*(Text(visible_line(str(cell))) for cell in row))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def check_answerable(yes: bool, to: str) -> None:
    """Raise UsageError where nobody can be asked and `--yes` was not given."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError(f"There is nobody to confirm it; give --yes to {to} without being asked.")


def check_free(file: Path, force: bool) -> None:
    """Raise ClickException where a file would be replaced and `--force` was not given."""
    if file.is_file() and not force:
        raise click.ClickException(f"{file} exists already. Name another file, or give --force to replace it.")


def ask(yes: bool, question: str, otherwise: str) -> None:
    """Return if the answer is yes; else say `otherwise` and exit with 1."""
    if not yes and not click.confirm(visible_line(question), err=True):
        say(otherwise)
        raise click.exceptions.Exit(1)


def ask_secret(name: str) -> str:
    """Return what is typed at the terminal, which does not show it."""
    return click.prompt(visible_line(name), hide_input=True, err=True)


@contextmanager
def errors_shown() -> Generator[None]:
    """Let click print its errors with what they quote shown: arguments, paths, titles."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise
    except click.UsageError as exc:
        raise click.UsageError(visible_line(exc.format_message()), exc.ctx) from exc
    except click.ClickException as exc:
        raise click.ClickException(visible_line(exc.format_message())) from exc


def show_what_goes_to_stderr() -> None:
    """Have log lines and tracebacks show what they quote, whoever prints them."""
    logging.setLogRecordFactory(_Line)
    sys.excepthook = _print_defect


class _Line(logging.LogRecord):
    def getMessage(self) -> str:
        return visible_line(super().getMessage())


def _print_defect(kind: type[BaseException], exc: BaseException, trace: TracebackType | None) -> None:
    click.echo(visible("".join(traceback.format_exception(kind, exc, trace))), nl=False, err=True)


@contextmanager
def progress_bar(label: str) -> Generator[Progress]:
    """Show a bar on stderr, and yield what moves it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(visible_line(label), total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def counted(counts: Mapping[str, int]) -> str:
    """Return counts in words, such as `2 strategies, 1 episode`, or `nothing`."""
    plurals = {"strategy": "strategies"}
    parts = [f"{n} {name if n == 1 else plurals.get(name, f'{name}s')}" for name, n in counts.items() if n]
    return ", ".join(parts) or "nothing"
