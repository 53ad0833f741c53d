"""`strategy-bank backup`: the whole bank in one file."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from strategy_bank.server.atomic_file import replacing
from strategy_bank.server.cli.console import Target, check_free, counted, force_option, pass_target, progress_bar, say

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank
    from strategy_bank.store.progress import Progress

_NAMES = {"strategies": "strategy", "episodes": "episode", "runs": "run"}


@click.command(short_help="Copy the whole bank into one file.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@force_option
@pass_target()
def backup(target: Target, file: Path, force: bool) -> None:
    """Copy the whole bank, vectors included, into FILE, while servers go on using it.

    FILE holds the bank as it was at one moment. It is written whole or not at all, readable by you only.

    \b
    Example:
      strategy-bank backup bank.zip
    """
    check_free(file, force)
    with progress_bar("Copying") as progress:
        rows = target.with_bank(lambda bank: _write(bank, file, progress))
    say(f"Backed up {counted_rows(rows)} to {file}.")


async def _write(bank: "Bank", file: Path, progress: "Progress") -> dict[str, int]:
    from strategy_bank.store.transfer.backup import write_backup

    with replacing(file) as copy:
        return await write_backup(bank, copy, progress)


def counted_rows(rows: Mapping[str, int]) -> str:
    """Return the rows of a backup in words, such as `2 strategies, 1 episode`."""
    return counted({name: rows[table] for table, name in _NAMES.items()})
