"""A text word piece by word piece: where each stands and its vector in context, by the model that makes the text vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastembed import TextEmbedding

    from strategy_bank.store.embedding import Vectors

_BATCH = 8


@dataclass(frozen=True)
class Tokens:
    """`spans[i]` is where in the text, as (start, end), the piece with `vectors[i]` stands. Unit vectors, shape (n, d)."""

    spans: list[tuple[int, int]]
    vectors: "Vectors"


def tokens_of(model: "TextEmbedding", texts: Sequence[str]) -> list[Tokens] | None:
    """None where the model gives no vectors of word pieces. Longer texts than the model reads are cut at its end."""
    import numpy as np

    inner: Any = model.model
    read: list[Tokens] = []
    for start in range(0, len(texts), _BATCH):
        batch = list(texts[start : start + _BATCH])
        output = inner.onnx_embed(batch)
        if np.ndim(output.model_output) != 3:
            return None
        for row, encoding in zip(output.model_output, inner.tokenizer.encode_batch(batch), strict=True):
            pieces = [
                i for i, (begin, end) in enumerate(encoding.offsets) if end > begin and encoding.attention_mask[i]
            ]
            vectors = np.asarray(row[pieces], dtype=np.float32)
            norms = np.linalg.norm(vectors, axis=1, keepdims=True)
            read.append(Tokens([encoding.offsets[i] for i in pieces], vectors / np.maximum(norms, 1e-12)))
    return read
