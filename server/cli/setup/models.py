"""`strategy-bank models`: show and change the embedding model that the bank uses."""

import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from strategy_bank.server.cli.console import Target, pass_target, progress_bar, say, show, show_table
from strategy_bank.store.errors import ModelUnavailable

if TYPE_CHECKING:
    from strategy_bank.store.bank import Bank

_TIMES = 7
_LESSON = (
    "Measure before you tune\nWhen something is slow.\nProfile the whole request first and change what takes most of its time; "
    "a guess at the cause cost a day, and the query was fast all along."
)


@click.group(short_help="Show or change the embedding model.")
def models() -> None:
    """Show which embedding model the bank uses and which there are, or change it."""


@models.command("list")
@click.option("--time", "timed", is_flag=True, help="Measure how fast those are here that need no network.")
@pass_target()
def list_models(target: Target, timed: bool) -> None:
    """List the packaged model, those from own folders, and all that fastembed can download.

    `ready` needs no network. Recall and project are the nDCG@3 of what is shown first, on a set of mixed lessons and within
    one project; they stand where they were measured (bench/results/recall.md). For lessons in other languages take a
    multilingual one, such as sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2.
    """
    from strategy_bank.store.embedding.known_models import available

    folder = target.settings.location.models_dir
    current = target.with_bank(_current, any_model=True)
    rows = [
        (
            model.name,
            model.dimension,
            model.megabytes,
            model.languages,
            *((f"{model.measured.second:.2f}", f"{model.measured.projects:.2f}") if model.measured else ("", "")),
            "in use" if model.name == current else "ready" if model.is_here else "",
            *((_time(folder, model.name) if model.is_here else "",) if timed else ()),
        )
        for model in available(folder)
    ]
    columns = ("model", "numbers", "MB", "languages", "recall", "project", "")
    show_table((*columns, "ms a text") if timed else columns, rows)


def _time(folder: Path, name: str) -> str:
    """Return the milliseconds that a lesson takes, the median of several."""
    from strategy_bank.store.embedding.embedder import Embedder

    model = Embedder(folder, name)
    model.warm()
    took = list[float]()
    for number in range(_TIMES):
        began = time.perf_counter()
        model.read_documents([f"{_LESSON} {number}"])
        took.append(1000 * (time.perf_counter() - began))
    return f"{statistics.median(took):.0f}"


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

    NAME is one of `models list`, or a folder with an ONNX model as Hugging Face publishes them (model.onnx, tokenizer.json,
    tokenizer_config.json, config.json), which is copied into the home. A model that is not there yet is downloaded first; no
    other command does that. Other windows see the change when their server starts again.

    \b
    Examples:
      strategy-bank models use BAAI/bge-small-en-v1.5
      strategy-bank models use ./all-mpnet-base-v2
      strategy-bank models use all-MiniLM-L6-v2-int8      go back to the packaged one
    """
    name = fetch(target.settings.location.models_dir, name)
    with progress_bar("Embedding") as progress:
        target.with_bank(lambda bank: bank.reembed(name, progress), any_model=True)
    say(f"The bank uses {name} now. Restart the clients that have it open.")
    from strategy_bank.store.embedding.measured import measured

    if not measured(name):
        say("How sure a lesson fits was never fitted for it, so recalls may show too much or too little.")


def fetch(folder: Path, name: str) -> str:
    """Get a model where it is not there yet, by a download or from a folder; return its name. Raises ModelUnavailable."""
    from strategy_bank.store.embedding import own_models
    from strategy_bank.store.embedding.embedder import DEFAULT_MODEL, Embedder, download

    if Path(name).is_dir():
        name = own_models.adopt(folder, Path(name)).name
    try:
        Embedder(folder, name).warm()
    except ModelUnavailable:
        if name == DEFAULT_MODEL or own_models.find(folder, name):
            raise
        say(f"Downloading {name} from the model hub …")
        download(folder, name)
    return name
