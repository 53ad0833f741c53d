"""Which embedding models there are, and what each costs and is worth."""

import re
from pathlib import Path
from typing import NamedTuple

from strategy_bank.store.embedding import own_models, packaged_model
from strategy_bank.store.embedding.embedder import DEFAULT_MODEL, supported
from strategy_bank.store.embedding.measured import Measured, measured


class KnownModel(NamedTuple):
    """A model that a bank may use: its size in MB, the languages that it reads, and whether it works offline."""

    name: str
    dimension: int
    megabytes: int
    languages: str
    is_here: bool
    measured: Measured | None


def available(models_dir: Path) -> list[KnownModel]:
    """Return the packaged model, those from the user's own folders, and all that fastembed can download."""
    rows = [_known(DEFAULT_MODEL, 384, packaged_model.MEGABYTES, "English", is_here=True)]
    for own in filter(None, (own_models.find(models_dir, name) for name in own_models.names(models_dir))):
        size = sum(file.stat().st_size for file in own.folder.iterdir())
        rows.append(_known(own.name, own.dimension, size // 1_000_000, "", is_here=True))
    for model in supported():
        sources: dict[str, str | None] = model.get("sources") or {}
        repository = sources.get("hf") or ""
        folder = models_dir / f"models--{repository.replace('/', '--')}"
        size, about = int(1000 * model["size_in_GB"]), str(model["description"])
        rows.append(
            _known(model["model"], model["dim"], size, _languages(about), is_here=bool(repository) and folder.exists())
        )
    return rows


def _known(name: str, dimension: int, megabytes: int, languages: str, *, is_here: bool) -> KnownModel:
    return KnownModel(name, dimension, megabytes, languages, is_here, measured(name))


def _languages(description: str) -> str:
    """Return what fastembed's description says of languages; empty where it is not found."""
    found = re.search(
        r"\(text[^)]{0,20}\)[^,]{0,30}, (?:supports )?(?:mixed )?(.{1,50}?)(?: only)?(?: input text)?, (?:\d|Prefix)",
        description,
    )
    if not found:
        return ""
    whole = found[1].count("(") == found[1].count(")")  # else a comma inside it was taken for its end
    told = found[1] if whole else found[1].partition(" (")[0]
    return told.replace("multi-lingual", "multilingual").replace("-", ", ")
