"""Makes the Arrow schemas of the bank's tables from the records, and turns records into rows and back.

There is one column per field. The columns of `strategies` that a model fills carry its fingerprint in their names, and the
table's metadata names the model: vectors of two models never share a column, whatever a crash or another process does.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false
# (pyarrow ships no types, and lancedb's refer to them)

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_json

from strategy_bank.store.embedding.embedder import DEFAULT_MODEL, ModelStamp
from strategy_bank.store.errors import ModelMismatch
from strategy_bank.store.lance.table import Row, Schema
from strategy_bank.store.records import Episode, Recall, Record, Run, Strategy

RECORDS: dict[str, type[Record]] = {
    "strategies": Strategy,
    "episodes": Episode,
    "runs": Run,
    "recalls": Recall,
}
META_SCHEMA: Schema = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("value", pa.string())])

R = TypeVar("R", bound=Record)


def record_schema(kind: type[Record]) -> Schema:
    """Return a schema with one column per field; `id` is not null, since it is the primary key."""
    return pa.schema(
        [
            pa.field(name, _arrow_type(info.annotation), nullable=name != "id")
            for name, info in kind.model_fields.items()
        ]
    )


def strategies_schema(stamp: ModelStamp) -> Schema:
    """Add `text` for full-text search, a column for each kind of vector, and the packed word pieces."""
    vector = pa.list_(pa.float32(), stamp.dimension)
    schema = record_schema(Strategy).append(pa.field("text", pa.string()))
    for name in (retrieval_column(stamp), text_column(stamp)):
        schema = schema.append(pa.field(name, vector))
    if stamp.reads_pieces:
        schema = schema.append(pa.field(pieces_column(stamp), pa.binary()))
    metadata = {"model": stamp.name, "dimension": str(stamp.dimension), "fingerprint": stamp.fingerprint}
    return schema.with_metadata(metadata)


def stamp_of(schema: Schema) -> ModelStamp:
    """Return the model that made the vectors of a `strategies` table. Raises ModelMismatch where nothing says so."""
    metadata = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    try:
        return ModelStamp(metadata["model"], int(metadata["dimension"]), metadata["fingerprint"])
    except (KeyError, ValueError) as exc:
        raise ModelMismatch(
            "The bank does not say which embedding model made its vectors. Re-embed it with "
            f"`strategy-bank models use {DEFAULT_MODEL}`."
        ) from exc


def retrieval_column(stamp: ModelStamp) -> str:
    return f"vector_{stamp.fingerprint}"


def text_column(stamp: ModelStamp) -> str:
    return f"text_vector_{stamp.fingerprint}"


def pieces_column(stamp: ModelStamp) -> str:
    return f"tokens_{stamp.fingerprint}"  # stored banks have this name


def to_row(record: Record) -> Row:
    """Return a row with a cell per field; a list of models becomes JSON text."""
    return {
        name: to_json(value).decode() if _holds_models(info.annotation) else value
        for name, info, value in ((n, i, getattr(record, n)) for n, i in type(record).model_fields.items())
    }


def from_row(kind: type[R], row: Mapping[str, Any]) -> R:
    """Return the record of a row; other columns are ignored."""
    return kind.model_validate(
        {
            name: TypeAdapter[Any](info.annotation or str).validate_json(row[name])
            if _holds_models(info.annotation)
            else row[name]
            for name, info in kind.model_fields.items()
        }
    )


def _arrow_type(annotation: Any) -> pa.DataType:
    if annotation is int:
        return pa.int64()
    if annotation is datetime:
        return pa.timestamp("us", tz="UTC")
    if annotation == list[str]:
        return pa.list_(pa.string())
    return pa.string()


def _holds_models(annotation: Any) -> bool:
    if get_origin(annotation) is not list:
        return False
    (item,) = get_args(annotation)
    return issubclass(item, BaseModel)
