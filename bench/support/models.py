"""The embedding model that a bench measures: the packaged one, or one from a folder (bench.models.mpnet makes one)."""

import argparse
import os
from pathlib import Path

from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding import own_models
from strategy_bank.store.embedding.embedder import DEFAULT_MODEL, Embedder
from strategy_bank.store.location import Location


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, help="folder of another embedding model")


def embedder_of(model: Path | None, models_dir: Path) -> Embedder:
    """Return the model, from a copy in `models_dir`."""
    return Embedder(models_dir, own_models.adopt(models_dir, model).name if model else DEFAULT_MODEL)


async def bank_with(embedder: Embedder, home: Path, models_dir: Path) -> Bank:
    """Return a new bank that uses a model of `models_dir`."""
    location = Location(home)
    os.symlink(models_dir, location.models_dir, target_is_directory=True)
    bank = await Bank.open(location)
    if embedder.name != DEFAULT_MODEL:
        await bank.reembed(embedder.name)
    return bank
