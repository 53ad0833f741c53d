"""`strategy-bank demo`: show the whole loop in a throw-away bank."""

from contextlib import suppress
from pathlib import Path

import click

from strategy_bank.server.cli.console import Target, pass_target
from strategy_bank.store.errors import StrategyBankError

_SVG_COLUMNS = 118


@click.command(short_help="Show the whole loop in a throw-away bank.")
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Save what is shown as SVG."
)
@pass_target()
def demo(target: Target, svg: Path | None) -> None:
    """Show the whole loop in a throw-away bank: recall, report, learn, recall again.

    It needs no client and no endpoint. With --home, the bank of the demonstration stays in that folder.
    """
    import anyio
    from rich.console import Console

    from strategy_bank.server.demo.script import SERVER, run_demo
    from strategy_bank.server.demo.stage import save_picture
    from strategy_bank.store.scratch import lend_scratch

    scratch = None
    with suppress(StrategyBankError):  # wrong settings are no matter of the demonstration
        scratch = None if target.home else lend_scratch(target.settings.location.home)
    console = Console(record=True, width=_SVG_COLUMNS) if svg else Console()
    held = anyio.run(run_demo, console, target.config_file.parent if target.home else None, SERVER, scratch)
    if svg:
        save_picture(console, svg)
    if not held:
        raise click.exceptions.Exit(1)
