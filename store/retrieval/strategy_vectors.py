"""Embeds strategies, and converts them with their vectors to rows and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import anyio.to_thread
import numpy as np

from strategy_bank.store.embedding.embedder import DEFAULT_MODEL, Embedder, ModelStamp, Spans, Vector, Vectors
from strategy_bank.store.lance import schema
from strategy_bank.store.progress import Progress
from strategy_bank.store.records import Strategy
from strategy_bank.store.retrieval import coverage, ranking
from strategy_bank.store.retrieval.readability import readable


@dataclass(frozen=True)
class EmbeddedStrategy:
    """A strategy with its vectors."""

    strategy: Strategy
    retrieval: (
        Vector  # the mean of the unit vectors of its text and of its source task, if that is there and can be read
    )
    text: Vector
    packed_pieces: bytes = b""  # the word pieces of both, packed by coverage.py; empty where the model gives none


class Pieces(NamedTuple):
    """The telling word pieces of a strategy's text: unit vectors (n, d), and the start and end of each in the text (n, 2)."""

    vectors: Vectors
    spans: Spans


def embed(embedder: Embedder, strategies: Sequence[Strategy]) -> list[EmbeddedStrategy]:
    """Embed strategies, which takes about 15 ms a text. Raises ModelUnavailable."""
    return [_embed(embedder, strategy) for strategy in strategies]


def _embed(embedder: Embedder, strategy: Strategy) -> EmbeddedStrategy:
    readings = embedder.read_documents(_texts(embedder, strategy))
    # not normalised, so that its dot product with a unit query is the mean of the cosines
    mean: Vector = np.mean([reading.vector for reading in readings], axis=0)
    packed = coverage.pack(embedder.yardstick, *readings) if embedder.stamp.reads_pieces else b""
    return EmbeddedStrategy(strategy, mean, readings[0].vector, packed)


def _texts(embedder: Embedder, strategy: Strategy) -> list[str]:
    """Return the texts to embed, without the source task where the model reads only the lesson.

    The mean with a German task would hide an English lesson from English tasks.
    """
    wording, *task = ranking.strategy_texts(strategy)
    unread = task and not readable(embedder, task[0]) and readable(embedder, wording)
    return [wording] if unread else [wording, *task]


async def embedded_rows(
    embedder: Embedder, strategies: Sequence[Strategy], at_once: int, progress: Progress
) -> list[schema.Row]:
    """Return the rows of strategies, embedded in a thread, with a call of `progress` for so many at once."""
    rows: list[schema.Row] = []
    for start in range(0, len(strategies), at_once):
        embedded = await anyio.to_thread.run_sync(embed, embedder, strategies[start : start + at_once])
        rows += [row(item, embedder.stamp) for item in embedded]
        progress(len(rows), len(strategies))
    return rows


def pieces(embedder: Embedder, item: EmbeddedStrategy) -> Pieces | None:
    """Unpack the word pieces of a strategy, without another pass of the model.

    Returns None where none are packed, as in a script that the model does not know, or those of another text; and for all
    models but the packaged one, since how pieces of theirs compare lessons was not tried.
    """
    if not item.packed_pieces or embedder.name != DEFAULT_MODEL:
        return None
    ids, spans = embedder.pieces(item.strategy.wording)
    vectors, telling = (
        coverage.unpack(item.packed_pieces, embedder.stamp.dimension),
        coverage.telling(embedder.yardstick, ids),
    )
    return Pieces(vectors, spans[telling]) if len(vectors) and len(vectors) == telling.sum() else None


def from_row(row: schema.Row, stamp: ModelStamp) -> EmbeddedStrategy:
    """Return the strategy of a row that has the record's columns and those of the model."""
    retrieval, text, *packed = (row[name] for name in schema.model_columns(stamp))
    return EmbeddedStrategy(
        schema.from_row(Strategy, row),
        np.asarray(retrieval, np.float32),
        np.asarray(text, np.float32),
        packed[0] or b"" if packed else b"",
    )


def row(item: EmbeddedStrategy, stamp: ModelStamp) -> schema.Row:
    """Return the whole row of a strategy."""
    made = dict(zip(schema.model_columns(stamp), (item.retrieval, item.text, item.packed_pieces), strict=False))
    return schema.to_row(item.strategy) | {"text": f"{item.strategy.wording}\n{item.strategy.source_task}"} | made
