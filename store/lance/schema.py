"""Makes the Arrow schemas of the bank's tables from the records, and turns records into rows and back.

There is one column per field. The columns of `strategies` that a model fills carry its fingerprint in their names, and the
table's metadata names the model: vectors of two models never share a column, whatever a crash or another process does.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# (pyarrow ships no types, and lancedb's refer to them)

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import pyarrow as pa
from pydantic_core import from_json, to_json

from strategy_bank.store.embedding.embedder import DEFAULT_MODEL, ModelStamp
from strategy_bank.store.errors import ModelMismatch
from strategy_bank.store.lance.table import Row, Schema
from strategy_bank.store.records import (
    Episode,
    Hit,
    LearnedStrategy,
    Project,
    Proposal,
    Recall,
    Record,
    Revision,
    Run,
    StatusChange,
    Strategy,
)

# what few strategies have and a recall reads is null in the others: LanceDB decodes a column of one repeated value as a whole
# for each search, which takes 3 ms among a million
_RARE = ("caution", "proposals", "session", "copied")

RECORDS: dict[str, type[Record]] = {
    "strategies": Strategy,
    "episodes": Episode,
    "runs": Run,
    "recalls": Recall,
    "projects": Project,
}
META_SCHEMA: Schema = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("value", pa.string())])
# of fields; all others are text
_ARROW_TYPES: dict[Any, Any] = {
    int: pa.int64(),
    float: pa.float64(),
    datetime: pa.timestamp("us", tz="UTC"),
    list[str]: pa.list_(pa.string()),
}

R = TypeVar("R", bound=Record)


def record_schema(kind: type[Record]) -> Schema:
    """Return a schema with one column per field; `id` is not null, since it is the primary key."""
    types = {name: _ARROW_TYPES.get(info.annotation, pa.string()) for name, info in kind.model_fields.items()}
    return pa.schema([pa.field(name, type, nullable=name != "id") for name, type in types.items()])


def lacking(kind: type[Record], stored: Schema) -> dict[str, str]:
    """Return the optional fields for which a stored table has no column, each with the SQL of its default."""
    optional = [name for name, info in kind.model_fields.items() if not info.is_required()]
    return {name: _sql_default(kind, name) for name in optional if name not in stored.names}


def _sql_default(kind: type[Record], name: str) -> str:
    info = kind.model_fields[name]
    default = info.get_default(call_default_factory=True)
    if isinstance(default, datetime):
        return "created_at"
    if name in _RARE:
        return f"cast(null as {'double' if isinstance(default, float) else 'string'})"
    if isinstance(default, list):
        return "'[]'" if name in _lists_of_models(kind) else "arrow_cast(make_array(), 'List(Utf8)')"
    if isinstance(default, int):
        return f"cast({default} as bigint)"
    return "cast(null as string)" if default is None else f"'{default}'"


def strategies_schema(stamp: ModelStamp) -> Schema:
    """Add `text` for full-text search, a column for each kind of vector, and the packed word pieces."""
    vector = pa.list_(pa.float32(), stamp.dimension)
    types = zip(model_columns(stamp), (vector, vector, pa.binary()), strict=False)
    fields = [*record_schema(Strategy), pa.field("text", pa.string()), *(pa.field(name, type) for name, type in types)]
    metadata = {
        "pieces": str(int(stamp.reads_pieces)),
        "model": stamp.name,
        "dimension": str(stamp.dimension),
        "fingerprint": stamp.fingerprint,
    }
    return pa.schema(fields, metadata)


def stamp_of(schema: Schema) -> ModelStamp:
    """Return the model that made the vectors of a `strategies` table. Raises ModelMismatch where nothing says so."""
    metadata = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    try:
        # before models other than the packaged one gave word pieces, nothing was said about them
        pieces = metadata.get("pieces", str(int(metadata["model"] == DEFAULT_MODEL))) == "1"
        return ModelStamp(metadata["model"], int(metadata["dimension"]), metadata["fingerprint"], pieces)
    except (KeyError, ValueError) as exc:
        raise ModelMismatch(
            "The bank does not say which embedding model made its vectors. Re-embed it with "
            f"`strategy-bank models use {DEFAULT_MODEL}`."
        ) from exc


def model_columns(stamp: ModelStamp) -> list[str]:
    """Return the columns that a model fills: for retrieval, for the text, and for word pieces where it gives them."""
    pieces = [pieces_column(stamp)] if stamp.reads_pieces else []
    return [retrieval_column(stamp), text_column(stamp), *pieces]


def retrieval_column(stamp: ModelStamp) -> str:
    return f"vector_{stamp.fingerprint}"


def text_column(stamp: ModelStamp) -> str:
    return f"text_vector_{stamp.fingerprint}"


def pieces_column(stamp: ModelStamp) -> str:
    return f"tokens_{stamp.fingerprint}"  # stored banks have this name


def to_row(record: Record) -> Row:
    """Return a row with a cell per field; a list of models becomes JSON text, and what few strategies have may be null."""
    cells = {name: getattr(record, name) for name in type(record).model_fields}
    cells |= {name: to_json(cells[name]).decode() for name in _lists_of_models(type(record))}
    return cells | {name: None for name in _RARE if cells.get(name) in ("", "[]", 0.0)}


def from_row(kind: type[R], row: Mapping[str, Any]) -> R:
    """Return the record of a row; other columns are ignored. A missing one has its default.

    So has an empty one: a server of an older version that still runs leaves columns empty that it does not know.
    """
    cells = {name: row[name] for name in kind.model_fields if row.get(name) is not None}
    return kind.model_validate(
        cells | {name: from_json(cells[name]) for name in _lists_of_models(kind) if name in cells}
    )


def _lists_of_models(kind: type[Record]) -> list[str]:
    lists: tuple[Any, ...] = (list[Hit], list[LearnedStrategy], list[Revision], list[Proposal], list[StatusChange])
    return [name for name, info in kind.model_fields.items() if info.annotation in lists]
