"""`strategy-bank restore`: a backup in the place of the bank."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import (
    ask,
    check_answerable,
    home_option,
    say,
    settings,
)
from strategy_bank.server.cli.transfer.rows import told_rows

if TYPE_CHECKING:
    pass


_FILE = click.Path(dir_okay=False, path_type=Path)


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

    from strategy_bank.store.transfer.backup import check_backup, restore_backup

    location = settings().location
    whole = check_backup(file)
    say(f"{file} holds {told_rows(whole.rows)}.")
    check_answerable(yes, "replace the bank")
    ask(yes, f"Replace the bank at {location.tables_uri} with it?", "Nothing was changed.")
    anyio.run(restore_backup, whole, location)
    say(f"Restored {told_rows(whole.rows)} to {location.tables_uri}.")
