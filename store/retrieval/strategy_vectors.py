"""What stands for a strategy in the bank besides its words: made from it by the embedding model, again for every model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from strategy_bank.store.embedding.embedder import Embedder, ModelStamp
from strategy_bank.store.lance import schema
from strategy_bank.store.records import Strategy
from strategy_bank.store.retrieval import coverage, ranking

if TYPE_CHECKING:
    from strategy_bank.store.embedding.embedder import Spans, Vector, Vectors


@dataclass(frozen=True)
class EmbeddedStrategy:
    """A strategy with its vectors: new ones are made before the write lock is taken."""

    strategy: Strategy
    retrieval: "Vector"
    """The mean of the unit vectors of its texts."""
    text: "Vector"
    tokens: bytes = b""
    """The word pieces of the same texts, packed (coverage.py); empty where the model does not give them."""


class Pieces(NamedTuple):
    """The telling word pieces of a strategy's text: unit vectors (n, d), and where they stand, from and to (n, 2)."""

    vectors: "Vectors"
    spans: "Spans"


def embed(embedder: Embedder, strategies: Sequence[Strategy]) -> list[EmbeddedStrategy]:
    """Slow: about 15 ms for each text. Raises ModelUnavailable."""
    return [_embed(embedder, strategy) for strategy in strategies]


def _embed(embedder: Embedder, strategy: Strategy) -> EmbeddedStrategy:
    readings = embedder.read_documents(ranking.strategy_texts(strategy))
    mean = ranking.mean_vector(np.stack([reading.vector for reading in readings]))
    text, task = readings[0], readings[1] if len(readings) > 1 else None
    tokens = coverage.pack(text, task) if embedder.stamp.reads_tokens else b""
    return EmbeddedStrategy(strategy, mean, text.vector, tokens)


def pieces(embedder: Embedder, item: EmbeddedStrategy) -> Pieces | None:
    """From what is packed, so without another pass of the model; None where nothing is, or it is of another text.

    Nothing is where the model does not know any word, as in a script it was not trained on.
    """
    if not item.tokens:
        return None
    ids, spans = embedder.pieces(item.strategy.wording)
    vectors, telling = coverage.unpack(item.tokens, embedder.stamp.dimension), coverage.telling(ids)
    return Pieces(vectors, spans[telling]) if len(vectors) and len(vectors) == telling.sum() else None


def columns(stamp: ModelStamp) -> list[str]:
    """Those of a strategy's row that a model made: for retrieval, for its text, and for its word pieces where it gives them."""
    tokens = [schema.tokens_column(stamp)] if stamp.reads_tokens else []
    return [schema.retrieval_column(stamp), schema.text_column(stamp), *tokens]


def from_row(row: schema.Row, stamp: ModelStamp) -> EmbeddedStrategy:
    """Of a row with the strategy's columns and those that the model made."""
    retrieval, text, *tokens = (row[name] for name in columns(stamp))
    return EmbeddedStrategy(
        schema.from_row(Strategy, row),
        np.asarray(retrieval, np.float32),
        np.asarray(text, np.float32),
        tokens[0] or b"" if tokens else b"",
    )


def row(item: EmbeddedStrategy, stamp: ModelStamp) -> schema.Row:
    """The whole row of a strategy."""
    made = dict(zip(columns(stamp), (item.retrieval, item.text, item.tokens), strict=False))
    return schema.to_row(item.strategy) | {"text": item.strategy.searchable_text()} | made
