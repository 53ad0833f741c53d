"""`strategy-bank models`: which embedding model the bank uses, and changing it."""

from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import home_option, progress_bar, say, settings, show, show_table, with_bank
from strategy_bank.store.errors import ModelUnavailable

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank


@click.group(short_help="The embedding model: see and change it.")
def models() -> None:
    """The embedding model: which one is in use, which there are, and changing it."""


@models.command("list")
@home_option
def list_models() -> None:
    """The packaged model and all that fastembed can download; `ready` ones need no network."""
    from strategy_bank.store.embedding.embedder import available

    current = with_bank(_current, any_model=True)
    rows = [
        (name, dimension, "ready" if offline else "", "in use" if name == current else "")
        for name, dimension, offline in available(settings().location.models_dir)
    ]
    show_table(("model", "dimensions", "offline", ""), rows)


@models.command()
@home_option
def current() -> None:
    """The model of this bank."""
    show(with_bank(_current, any_model=True))


async def _current(bank: "Bank") -> str:
    return bank.embedder.name


@models.command()
@click.argument("name")
@home_option
def use(name: str) -> None:
    """Embed the whole bank with the model NAME and use that one from now on.

    Fetches the model first where it is not there yet: the only command that uses the network. Other windows see the change
    when their server starts again.

    \b
    Examples:
      strategy-bank models use BAAI/bge-small-en-v1.5
      strategy-bank models use all-MiniLM-L6-v2-int8      back to the packaged one
    """
    fetch(name)
    with progress_bar("Embedding") as progress:
        with_bank(lambda bank: bank.reembed(name, progress), any_model=True)
    say(f"The bank uses {name} now. Restart the clients that have it open.")


def fetch(name: str) -> None:
    """Make sure that a model is there, downloading it if need be. Raises ModelUnavailable."""
    from strategy_bank.store.embedding.embedder import DEFAULT_MODEL, Embedder, download

    folder = settings().location.models_dir
    try:
        Embedder(folder, name).warm()
    except ModelUnavailable:
        if name == DEFAULT_MODEL:
            raise
        say(f"Fetching {name} from the model hub …")
        download(folder, name)
