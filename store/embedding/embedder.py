"""Turns texts into vectors with fastembed: with the packaged model, or with another one that was chosen on purpose.

Most models also give the vectors of the word pieces that they sum up, in the same pass. Only `download` uses the network.
"""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from strategy_bank.store.embedding import own_models, packaged_model
from strategy_bank.store.embedding.measured import measured
from strategy_bank.store.embedding.vocabulary import Yardstick, yardstick_of
from strategy_bank.store.errors import ModelUnavailable
from strategy_bank.store.lean_imports import HUB, IMAGES, REQUESTS, Package, unload, without

if TYPE_CHECKING:
    from fastembed import TextEmbedding

Vector = np.ndarray[tuple[int], np.dtype[np.float32]]
Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]
Ids = np.ndarray[tuple[int], np.dtype[np.int64]]
Spans = np.ndarray[tuple[int, int], np.dtype[np.int64]]
DEFAULT_MODEL = packaged_model.NAME
_FASTEMBED_NAME = "sentence-transformers/all-MiniLM-L6-v2"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelStamp:
    """The model that made the vectors of a bank. It is stored in the bank and compared when the bank is opened."""

    name: str
    dimension: int
    fingerprint: str  # 8 hex digits; part of the names of vector columns, so that two models never share one
    reads_pieces: bool = True  # whether the vectors of word pieces are stored


class Reading(NamedTuple):
    """A text as the model reads it: its unit vector (d,), and the ids (n,) and unit vectors (n, d) of its word pieces.

    Vectors are float32. n is 0 for models that give one vector for a text and no more.
    """

    vector: Vector
    ids: Ids
    pieces: Vectors


class Embedder:
    """A fastembed model, loaded at its first use, for any number of threads.

    Every method raises ModelUnavailable.
    """

    def __init__(self, models_dir: Path, name: str = DEFAULT_MODEL, *, reads_pieces: bool = True) -> None:
        """`reads_pieces` is False for a bank that holds none, though the model may give them."""
        self.name = name
        self._models_dir = models_dir
        self._reads_pieces = reads_pieces
        self._loading = threading.Lock()
        self._running = threading.Lock()

    def read_documents(self, texts: Sequence[str]) -> list[Reading]:
        """Read the texts that tasks are compared with."""
        model = self._model  # one text at a time: on a CPU no slower than a batch, and without padding
        if self.stamp.reads_pieces:
            return [self._read(text) for text in texts]
        return [self._read_vector(model.passage_embed([text])) for text in texts]

    def read_query(self, text: str) -> Reading:
        """Read a task. Some models prefix queries in another way than documents."""
        model = self._model
        return self._read(text) if self.stamp.reads_pieces else self._read_vector(model.query_embed([text]))

    def _read(self, text: str) -> Reading:
        """Return the text's vector and those of its word pieces, of which fastembed itself returns only a summary."""
        model: Any = self._model.model  # internals of fastembed, here and below: pyproject.toml pins it for their sake
        with self._running:
            output = model.onnx_embed([text])
            (vector,) = model._post_process_onnx_output(output)
        if output.model_output.ndim != 3:  # the model sums up by itself
            return self._read_vector([vector])
        there = output.attention_mask[0] == 1
        pieces = output.model_output[0][there].astype(np.float32)
        return Reading(_unit(np.asarray(vector, np.float32)), output.input_ids[0][there], _unit(pieces))

    def pieces(self, text: str) -> tuple[Ids, Spans]:
        """Return the ids of the word pieces (n,) and the start and end of each in the text (n, 2), without the model.

        This is a hundred times faster than reading. Only for models whose stamp `reads_pieces`.
        """
        model: Any = self._model.model
        encoded = model.tokenizer.encode(text)
        return np.array(encoded.ids, np.int64), np.array(encoded.offsets, np.int64).reshape(-1, 2)

    @cached_property
    def yardstick(self) -> Yardstick:
        """How word pieces of this model are compared. Only for models that read pieces."""
        model: Any = self._model.model
        found = yardstick_of(model.tokenizer)
        known = measured(self.name)
        return found._replace(scale=known.scale, offset=known.offset) if known else found

    def count_pieces(self, word: str) -> int:
        """Return how many word pieces a word has: 1 if the vocabulary holds it. Only for models that read pieces."""
        model: Any = self._model.model
        return len(model.tokenizer.encode(word, add_special_tokens=False).ids)

    def _read_vector(self, vectors: Iterable[Any]) -> Reading:
        with self._running:
            (vector,) = vectors
        nothing = np.zeros((0, self.stamp.dimension), np.float32)
        return Reading(_unit(np.asarray(vector, np.float32)), np.zeros(0, np.int64), nothing)

    @property
    def _model(self) -> "TextEmbedding":
        with self._loading:
            return self._loaded

    @cached_property
    def _loaded(self) -> "TextEmbedding":
        if self.name == DEFAULT_MODEL:
            folder = str(packaged_model.assemble(self._models_dir))
            # it makes a folder for what it downloads, by default under a name in /tmp that anybody can take
            options = {"specific_model_path": folder, "cache_dir": str(self._models_dir)}
            return _load(_import_without(HUB, IMAGES, REQUESTS), _FASTEMBED_NAME, **options)
        if own := own_models.find(self._models_dir, self.name):
            return _load(partial(own_models.load, own, _import_whole()), self.name)
        return _load(_import_whole(), self.name, cache_dir=str(self._models_dir), local_files_only=True)

    @cached_property
    def stamp(self) -> ModelStamp:
        if self.name == DEFAULT_MODEL:
            return ModelStamp(DEFAULT_MODEL, 384, packaged_model.FINGERPRINT)
        if own := own_models.find(self._models_dir, self.name):
            return ModelStamp(self.name, own.dimension, own.fingerprint, self._reads_pieces)
        dimension = next((m["dim"] for m in supported() if m["model"] == self.name), None)
        if dimension is None:
            raise ModelUnavailable(
                f"This version of fastembed does not know the bank's embedding model {self.name!r}. "
                f"Re-embed the bank with `strategy-bank models use {DEFAULT_MODEL}`."
            )
        fingerprint = hashlib.sha256(self.name.encode()).hexdigest()[:8]
        return ModelStamp(self.name, dimension, fingerprint, self._reads_pieces and _gives_pieces(self.name))

    def warm(self) -> None:
        """Load the model and run it once."""
        self.read_query("warm up")
        if self.stamp.reads_pieces:
            _ = self.yardstick


def download(models_dir: Path, name: str) -> None:
    """Download another fastembed model into `models_dir`. Raises ModelUnavailable."""
    known = sorted(model["model"] for model in supported())
    if name not in known:
        raise ModelUnavailable(f"fastembed has no text model {name!r}. It has: {', '.join(known)}.")
    _load(_import_whole(), name, cache_dir=str(models_dir))


def _gives_pieces(name: str) -> bool:
    """Tell whether a model that fastembed knows is a plain one, which reads a task and a lesson in the same way."""
    registry: Any = _import_whole().EMBEDDINGS_REGISTRY
    from fastembed.text.onnx_embedding import OnnxTextEmbedding

    made_by = next(each for each in registry if name in (model.model for model in each._list_supported_models()))
    return issubclass(made_by, OnnxTextEmbedding) and made_by.embed is OnnxTextEmbedding.embed


def _unit(vectors: Any) -> Any:
    """Scale vectors along the last axis to length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def supported() -> list[dict[str, Any]]:
    """Return what fastembed says of each text model that it can download."""
    return _import_whole().list_supported_models()


@cache
def _import_without(*packages: Package) -> "type[TextEmbedding]":
    """Import fastembed without `packages`: without downloads and images it takes 17 MB and 0.3 s of processor time less."""
    packaged_model.import_onnxruntime()
    try:
        with without(*packages):
            from fastembed import TextEmbedding

            unload("fastembed")  # for `_import_whole`
            return TextEmbedding
    except ImportError as exc:  # a newer fastembed, which uses more of them
        logger.warning("fastembed is imported whole, which takes 17 MB more: %s", exc)
        unload("fastembed")
        return _import_whole()


def _import_whole() -> "type[TextEmbedding]":
    packaged_model.import_onnxruntime()
    with without():  # waits while another thread imports a part of fastembed
        from fastembed import TextEmbedding

    return TextEmbedding


def _load(kind: "Callable[..., TextEmbedding]", name: str, **options: Any) -> "TextEmbedding":
    try:
        return kind(name, threads=1, enable_cpu_mem_arena=False, **options)
    except Exception as exc:
        raise ModelUnavailable(
            f"The embedding model {name!r} could not be loaded ({type(exc).__name__}). "
            f"Fetch it with `strategy-bank models use {name}` on a machine that reaches the model hub, "
            f"or go back to the packaged model with `strategy-bank models use {DEFAULT_MODEL}`."
        ) from exc
