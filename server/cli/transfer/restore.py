"""`strategy-bank restore`: put a backup in the place of the bank."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import Target, ask, check_answerable, pass_target, say, yes_option
from strategy_bank.server.cli.transfer.backup import counted_rows
from strategy_bank.server.interruption import ending_in_order, uninterrupted

if TYPE_CHECKING:
    from strategy_bank.store.location import Location
    from strategy_bank.store.transfer.archive import Backup


@click.command(short_help="Put a backup in the place of the bank.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@yes_option
@pass_target()
def restore(target: Target, file: Path, yes: bool) -> None:
    """Put the backup in FILE in the place of the bank. What the bank holds now is gone afterwards.

    FILE is checked to its end, made a bank of its own in a scratch folder, and asked something there, before anything is
    changed. Where that or the change fails, the bank stays as it was. Running servers see the restored bank in their next call.
    A restore that is killed leaves a bank that says so; run it again. To add to a bank instead, use `export` and `import`.

    \b
    Example:
      strategy-bank restore bank.zip
    """
    import anyio

    from strategy_bank.store.transfer.archive import check_backup

    location = target.settings.location
    whole = check_backup(file, location.home)
    say(f"{file} holds {counted_rows(whole.rows)}.")
    check_answerable(yes, "replace the bank")
    ask(yes, f"Replace the bank at {location.tables_uri} with it?", "Nothing was changed.")
    with ending_in_order():
        anyio.run(_restore, whole, location)
    say(f"Restored {counted_rows(whole.rows)} to {location.tables_uri}.")


async def _restore(backup: "Backup", location: "Location") -> None:
    from strategy_bank.store.transfer.restore import restore_backup

    await restore_backup(backup, location, uninterrupted)
