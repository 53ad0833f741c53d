"""Embedding models from a folder of the user's: ONNX models in the form in which Hugging Face publishes them.

    FOLDER/model.onnx or FOLDER/onnx/model.onnx, tokenizer.json, tokenizer_config.json, config.json

They are copied into the home, so that the bank does not depend on the folder. `1_Pooling/config.json`, which Sentence
Transformers writes, says whether a text's vector is that of its first or last word piece; without it, it is the mean of all.
"""

import hashlib
import json
import mmap
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from strategy_bank.store.embedding.packaged_model import NAME
from strategy_bank.store.errors import ModelUnavailable

if TYPE_CHECKING:
    from fastembed import TextEmbedding

_PLACE = "own"  # in the folder of the models
_ABOUT = "own.json"
_MODEL = ("model.onnx", "onnx/model.onnx")
_NEEDED = ("tokenizer.json", "tokenizer_config.json", "config.json")
_OPTIONAL = ("special_tokens_map.json",)
_POOLING = "1_Pooling/config.json"
_POOLINGS = {
    "pooling_mode_cls_token": "CLS",
    "pooling_mode_mean_tokens": "MEAN",
    "pooling_mode_lasttoken": "LAST_TOKEN",
}  # of Sentence Transformers, as fastembed calls them


class OwnModel(NamedTuple):
    """A model in the home. The fingerprint has 8 hex digits, of the sha256 of its weights."""

    name: str
    folder: Path
    dimension: int
    fingerprint: str
    pooling: str  # CLS, LAST_TOKEN or MEAN: what of its word pieces makes a text's vector


def find(models_dir: Path, name: str) -> OwnModel | None:
    """Return the model that was adopted under this name; None without one."""
    folder = models_dir / _PLACE / name
    if Path(name).name != name or not (folder / _ABOUT).is_file():
        return None
    try:
        about = json.loads((folder / _ABOUT).read_text("utf-8"))
        return OwnModel(name, folder, about["dimension"], about["fingerprint"], about["pooling"])
    except (OSError, ValueError, KeyError) as exc:
        raise ModelUnavailable(f"{folder / _ABOUT} cannot be read ({exc}). Use the model's folder once more.") from exc


def names(models_dir: Path) -> list[str]:
    """Return the names of all that were adopted."""
    return sorted(each.parent.name for each in (models_dir / _PLACE).glob(f"*/{_ABOUT}"))


def adopt(models_dir: Path, source: Path) -> OwnModel:
    """Copy a model into the home under its folder's name. Raises ModelUnavailable with what is missing."""
    onnx = next((source / name for name in _MODEL if (source / name).is_file()), None)
    missing = [name for name in _NEEDED if not (source / name).is_file()]
    if onnx is None or missing:
        raise ModelUnavailable(
            f"{source} holds no model that can be used: {', '.join([*([] if onnx else [_MODEL[0]]), *missing])} is missing."
        )
    name, place, weights = source.resolve().name, models_dir / _PLACE, _weights_of(onnx)
    if name == NAME:
        raise ModelUnavailable(f"{NAME} is the name of the packaged model. Give the folder another name.")
    dimension, pooling = _dimension(source / "config.json"), _pooling(source / _POOLING)
    made = OwnModel(name, place / name, dimension, _sha256(onnx, *weights)[:8], pooling)
    about = {"dimension": dimension, "fingerprint": made.fingerprint, "pooling": pooling}
    try:
        place.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{name}-", dir=place) as scratch:
            copy = Path(scratch) / name
            copy.mkdir()
            shutil.copyfile(onnx, copy / _MODEL[0])
            for file in (*_NEEDED, *_OPTIONAL):
                if (source / file).is_file():
                    shutil.copyfile(source / file, copy / file)
            for file in weights:
                shutil.copyfile(file, copy / file.name)
            (copy / _ABOUT).write_text(json.dumps(about), "utf-8")
            shutil.rmtree(place / name, ignore_errors=True)
            copy.rename(place / name)
    except OSError as exc:
        raise ModelUnavailable(f"The model could not be copied to {place}: {exc.strerror or exc}.") from exc
    return made


def load(own: OwnModel, kind: "type[TextEmbedding]", name: str, **options: Any) -> "TextEmbedding":
    """Load a model that was adopted, under its name. Raises what fastembed raises."""
    from fastembed.common.model_description import ModelSource, PoolingType

    # for this process: the same name may come again with other weights
    registered = f"{name}@{own.fingerprint}-{own.pooling}"
    if registered.lower() not in (each["model"].lower() for each in kind.list_supported_models()):
        kind.add_custom_model(
            registered,
            pooling=PoolingType(own.pooling),
            normalization=True,
            sources=ModelSource(hf=own.name),
            dim=own.dimension,
            model_file=_MODEL[0],
        )
    return kind(registered, specific_model_path=str(own.folder), cache_dir=str(own.folder.parent), **options)


def _weights_of(onnx: Path) -> list[Path]:
    """Return the files beside a model that it names: its numbers may lie in another one."""
    with onnx.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as model:
        beside = sorted(
            file for file in onnx.parent.iterdir() if file.is_file() and file.suffix not in (".onnx", ".json")
        )
        return [file for file in beside if model.find(file.name.encode()) >= 0]


def _dimension(config: Path) -> int:
    try:
        about = json.loads(config.read_text("utf-8"))
        return int(about.get("hidden_size") or about["dim"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ModelUnavailable(f"{config} does not say how many numbers a vector has (hidden_size).") from exc


def _pooling(config: Path) -> str:
    try:
        about = json.loads(config.read_text("utf-8"))
        chosen = [kind for kind, on in about.items() if kind.startswith("pooling_mode_") and on]
    except FileNotFoundError:
        return "MEAN"
    except (OSError, ValueError, AttributeError) as exc:
        raise ModelUnavailable(f"{config} cannot be read: {exc}.") from exc
    if len(chosen) != 1 or chosen[0] not in _POOLINGS:
        raise ModelUnavailable(
            f"{config}: a text's vector is made in a way that is not known here ({', '.join(chosen)})."
        )
    return _POOLINGS[chosen[0]]


def _sha256(*files: Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()
