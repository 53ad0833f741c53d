"""`strategy-bank restore`: put a backup in the place of the bank."""

from pathlib import Path

import click

from strategy_bank.server.cli.console import Target, ask, check_answerable, pass_target, say, yes_option
from strategy_bank.server.cli.transfer.backup import counted_rows


@click.command(short_help="Put a backup in the place of the bank.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@yes_option
@pass_target()
def restore(target: Target, file: Path, yes: bool) -> None:
    """Put the backup in FILE in the place of the bank. What the bank holds now is gone afterwards.

    FILE is read to its end before anything is changed. Running servers see the restored bank in their next call. A restore
    that is interrupted leaves a bank that says so; run it again. To add to a bank instead, use `export` and `import`.

    \b
    Example:
      strategy-bank restore bank.zip
    """
    import anyio

    from strategy_bank.store.transfer.backup import check_backup, restore_backup

    location = target.settings.location
    whole = check_backup(file)
    say(f"{file} holds {counted_rows(whole.rows)}.")
    check_answerable(yes, "replace the bank")
    ask(yes, f"Replace the bank at {location.tables_uri} with it?", "Nothing was changed.")
    anyio.run(restore_backup, whole, location)
    say(f"Restored {counted_rows(whole.rows)} to {location.tables_uri}.")
