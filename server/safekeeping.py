"""`strategy-bank backup` and `restore`: the whole bank in one file."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from strategy_bank.server.console import (
    ask,
    check_answerable,
    counted,
    home_option,
    progress_bar,
    say,
    settings,
    with_bank,
)
from strategy_bank.server.files import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from strategy_bank.store.bank import Bank

_FILE = click.Path(dir_okay=False, path_type=Path)
_NAMES = {"strategies": "strategy", "episodes": "episode", "runs": "run"}


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
    from strategy_bank.store.backup import write_backup

    with replacing(Path(os.path.realpath(file))) as target, progress_bar("Copying") as progress:

        async def write(bank: "Bank") -> dict[str, int]:
            return await write_backup(bank, target, progress)

        rows = with_bank(write)
    say(f"Backed up {_told(rows)} to {file}.")


@click.command(short_help="Put a backup in the place of the bank.")
@click.argument("file", type=_FILE)
@click.option("--yes", is_flag=True, help="Do not ask.")
@home_option
def restore(file: Path, yes: bool) -> None:
    """Put the backup in FILE in the place of the bank: what the bank holds now is gone afterwards.

    FILE is read to its end before anything is changed. Running servers see the restored bank in their next call. A restore
    that is interrupted leaves a bank that says so; run it again. To add to a bank instead, use `export` and `import`.

    \b
    Example:
      strategy-bank restore bank.zip
    """
    import anyio

    from strategy_bank.store.backup import check_backup, restore_backup

    location = settings().location
    whole = check_backup(file)
    say(f"{file} holds {_told(whole.rows)}.")
    check_answerable(yes, "replace the bank")
    ask(yes, f"Replace the bank at {location.tables_uri} with it?", "Nothing was changed.")
    anyio.run(restore_backup, whole, location)
    say(f"Restored {_told(whole.rows)} to {location.tables_uri}.")


def _told(rows: "Mapping[str, int]") -> str:
    return counted({name: rows[table] for table, name in _NAMES.items()})
