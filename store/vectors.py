"""What stands for a strategy in the bank besides its words: made from it by the embedding model, again for every model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from strategy_bank.store import late, ranking, tables
from strategy_bank.store.embedding import Embedder, ModelStamp, Reading
from strategy_bank.store.records import Strategy

if TYPE_CHECKING:
    from strategy_bank.store.embedding import Vector


@dataclass(frozen=True)
class EmbeddedStrategy:
    """A strategy with its vectors, made before the write lock is taken."""

    strategy: Strategy
    retrieval: "Vector"
    """The mean of the unit vectors of its texts."""
    text: "Vector"
    reading: Reading
    """The first of its texts, word piece by word piece."""
    tokens: bytes = b""
    """The word pieces of the same texts, packed (late.py); empty where the model does not give them."""


def embed(embedder: Embedder, strategies: Sequence[Strategy]) -> list[EmbeddedStrategy]:
    """Slow: about 15 ms for each text. Raises ModelUnavailable."""
    return [_embed(embedder, strategy) for strategy in strategies]


def _embed(embedder: Embedder, strategy: Strategy) -> EmbeddedStrategy:
    readings = embedder.read_documents(ranking.strategy_texts(strategy))
    mean = ranking.mean_vector(np.stack([reading.vector for reading in readings]))
    text, task = readings[0], readings[1] if len(readings) > 1 else None
    tokens = late.pack(text, task) if embedder.stamp.reads_tokens else b""
    return EmbeddedStrategy(strategy, mean, text.vector, text, tokens)


def row(item: EmbeddedStrategy, stamp: ModelStamp) -> tables.Row:
    """The whole row of a strategy."""
    made: tables.Row = {
        "text": item.strategy.searchable_text(),
        tables.retrieval_column(stamp): item.retrieval,
        tables.text_column(stamp): item.text,
    }
    if stamp.reads_tokens:
        made[tables.tokens_column(stamp)] = item.tokens
    return tables.to_row(item.strategy) | made
