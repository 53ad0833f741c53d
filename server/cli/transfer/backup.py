"""`strategy-bank backup`: the whole bank in one file."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from strategy_bank.server.atomic_file import replacing
from strategy_bank.server.cli.console import (
    home_option,
    progress_bar,
    say,
    with_bank,
)
from strategy_bank.server.cli.transfer.rows import told_rows

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(short_help="Copy the whole bank into one file.")
@click.argument("file", type=_FILE)
@home_option
def backup(file: Path) -> None:
    """Copy the whole bank, vectors included, into FILE, while servers go on using it.

    FILE holds the bank as it was at one moment. It is written whole or not at all, readable by you only, and takes the place
    of an older FILE.

    \b
    Example:
      strategy-bank backup bank.zip
    """
    from strategy_bank.store.transfer.backup import write_backup

    with replacing(Path(os.path.realpath(file))) as target, progress_bar("Copying") as progress:

        async def write(bank: "Bank") -> dict[str, int]:
            return await write_backup(bank, target, progress)

        rows = with_bank(write)
    say(f"Backed up {told_rows(rows)} to {file}.")
