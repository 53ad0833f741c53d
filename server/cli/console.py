"""What the commands share: where the bank is, opening it, and printing. Data goes to stdout, all else to stderr.

Imports nothing heavy: `serve` comes through here too.
"""

import json
import os
import re
import sys
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from strategy_bank.server.settings import Settings
    from strategy_bank.store.bank import Bank

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])
Progress = Callable[[int, int], None]
"""(done, total)"""
_META = "strategy_bank."
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters and those that turn the reading direction."""


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Whether given before the command or after it; the later one counts."""
    if value is not None:
        context.meta[f"{_META}{parameter.name}"] = value
    return value


home_option = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    expose_value=False,
    callback=_remember,
    help="Folder of the bank; default: STRATEGY_BANK_HOME, else the user's data folder.",
)


def scope_option(help: str) -> Callable[[Command], Command]:
    return click.option("--scope", metavar="NAME", expose_value=False, callback=_remember, help=help)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


def given(name: str) -> Any:
    """What `--home` or `--scope` said on this command line; None where they were not given."""
    return click.get_current_context().meta.get(f"{_META}{name}")


def settings() -> "Settings":
    """The environment's, with what the command line says in its place. Raises InvalidInput."""
    from strategy_bank.server.settings import Settings

    return Settings.from_environment(os.environ, home=given("home"), scope=given("scope"))


def with_bank(action: "Callable[[Bank], Awaitable[T]]", *, any_model: bool = False) -> T:
    """Open the bank of the settings, do it, close the bank. Raises StrategyBankError."""
    import anyio

    async def run(location: Any) -> T:
        from strategy_bank.store.bank import Bank

        bank = await Bank.open(location, any_model=any_model)
        try:
            return await action(bank)
        finally:
            with anyio.CancelScope(shield=True):
                await bank.close()

    return anyio.run(run, settings().location)


def say(text: str) -> None:
    click.echo(text, err=True)


def check_answerable(yes: bool, to: str) -> None:
    """Raises UsageError where nobody can be asked and `--yes` was not given."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError(f"Nobody is there to confirm it; give --yes to {to} without being asked.")


def ask(yes: bool, question: str, otherwise: str) -> None:
    """Go on with a yes; else say `otherwise` and end with 1."""
    if not yes and not click.confirm(question, err=True):
        say(otherwise)
        raise click.exceptions.Exit(1)


def show(text: str) -> None:
    click.echo(printable(text))


def show_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def printable(text: str) -> str:
    """Without control characters: what is in the bank came from anywhere and must not steer a terminal."""
    return _STEERING.sub("�", text)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[object]], folding: Sequence[str] = ()) -> None:
    """A table; the `folding` columns take what room is left, the others are shown whole."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column not in folding)
    for row in rows:
        table.add_row(*(Text(printable(str(cell))) for cell in row))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


@contextmanager
def progress_bar(label: str) -> Generator[Progress]:
    """A bar on stderr; call what it yields with (done, total)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(label, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def counted(counts: Mapping[str, int]) -> str:
    """`2 strategies, 1 episode`; `nothing` where there is nothing."""
    plurals = {"strategy": "strategies"}
    parts = [f"{n} {name if n == 1 else plurals.get(name, f'{name}s')}" for name, n in counts.items() if n]
    return ", ".join(parts) or "nothing"
