"""`strategy-bank models`: show and change the embedding model that the bank uses."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import Target, pass_target, progress_bar, say, show, show_table
from strategy_bank.store.errors import ModelUnavailable

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


@click.group(short_help="Show or change the embedding model.")
def models() -> None:
    """Show which embedding model the bank uses and which there are, or change it."""


@models.command("list")
@pass_target()
def list_models(target: Target) -> None:
    """List the packaged model and all that fastembed can download. Those marked `ready` need no network."""
    from strategy_bank.store.embedding.embedder import available

    current = target.with_bank(_current, any_model=True)
    rows = [
        (name, dimension, "ready" if offline else "", "in use" if name == current else "")
        for name, dimension, offline in available(target.settings.location.models_dir)
    ]
    show_table(("model", "dimensions", "offline", ""), rows)


@models.command()
@pass_target()
def current(target: Target) -> None:
    """Show the model of this bank."""
    show(target.with_bank(_current, any_model=True))


async def _current(bank: "Bank") -> str:
    return bank.embedder.name


@models.command()
@click.argument("name")
@pass_target()
def use(target: Target, name: str) -> None:
    """Embed the whole bank with the model NAME, and use that one from now on.

    A model that is not there yet is downloaded first; no other command does that. Other windows see the change when their
    server starts again.

    \b
    Examples:
      strategy-bank models use BAAI/bge-small-en-v1.5
      strategy-bank models use all-MiniLM-L6-v2-int8      go back to the packaged one
    """
    fetch(target.settings.location.models_dir, name)
    with progress_bar("Embedding") as progress:
        target.with_bank(lambda bank: bank.reembed(name, progress), any_model=True)
    say(f"The bank uses {name} now. Restart the clients that have it open.")


def fetch(folder: Path, name: str) -> None:
    """Download a model where it is not in the folder yet. Raises ModelUnavailable."""
    from strategy_bank.store.embedding.embedder import DEFAULT_MODEL, Embedder, download

    try:
        Embedder(folder, name).warm()
    except ModelUnavailable:
        if name == DEFAULT_MODEL:
            raise
        say(f"Downloading {name} from the model hub …")
        download(folder, name)
