"""The Arrow schemas of the bank's tables, made from the records, and rows from records and back.

One column per field. The columns of `strategies` that a model made carry the fingerprint of the model that made them in their
names, and the table's metadata names the model: vectors of two models cannot meet in one column, whatever a crash or another
process does in between.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingTypeStubs=false
# (pyarrow ships no types, and lancedb's refer to them)

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar, get_args, get_origin

import pyarrow as pa
from pydantic import BaseModel, TypeAdapter
from pydantic_core import to_json

from strategy_bank.store.embedding.embedder import DEFAULT_MODEL, ModelStamp
from strategy_bank.store.errors import ModelMismatch
from strategy_bank.store.records import Episode, Recall, Record, Run, Strategy

Row = dict[str, Any]
Schema = Any
"""A pyarrow.Schema; pyarrow ships no types."""
RECORDS: dict[str, type[Record]] = {
    "strategies": Strategy,
    "episodes": Episode,
    "runs": Run,
    "recalls": Recall,
}
META_SCHEMA: Schema = pa.schema([pa.field("id", pa.string(), nullable=False), pa.field("value", pa.string())])

R = TypeVar("R", bound=Record)


def record_schema(kind: type[Record]) -> Schema:
    """One column per field of the record; `id` is not null, since it is the primary key."""
    return pa.schema(
        [
            pa.field(name, _arrow_type(info.annotation), nullable=name != "id")
            for name, info in kind.model_fields.items()
        ]
    )


def strategies_schema(stamp: ModelStamp) -> Schema:
    """The record's columns, `text` for full-text search, one column per kind of vector, and the packed word pieces."""
    vector = pa.list_(pa.float32(), stamp.dimension)
    schema = record_schema(Strategy).append(pa.field("text", pa.string()))
    for name in (retrieval_column(stamp), text_column(stamp)):
        schema = schema.append(pa.field(name, vector))
    if stamp.reads_tokens:
        schema = schema.append(pa.field(tokens_column(stamp), pa.binary()))
    metadata = {"model": stamp.name, "dimension": str(stamp.dimension), "fingerprint": stamp.fingerprint}
    return schema.with_metadata(metadata)


def stamp_of(schema: Schema) -> ModelStamp:
    """Which model made the vectors of a `strategies` table. Raises ModelMismatch where nothing says so."""
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


def tokens_column(stamp: ModelStamp) -> str:
    return f"tokens_{stamp.fingerprint}"


def to_row(record: Record) -> Row:
    """A cell per field; a list of models becomes JSON text."""
    return {
        name: to_json(value).decode() if _holds_models(info.annotation) else value
        for name, info, value in ((n, i, getattr(record, n)) for n, i in type(record).model_fields.items())
    }


def from_row(kind: type[R], row: Mapping[str, Any]) -> R:
    """The record of a row; columns that the record does not have are left out."""
    return kind.model_validate(
        {
            name: TypeAdapter[Any](info.annotation or str).validate_json(row[name])
            if _holds_models(info.annotation)
            else row[name]
            for name, info in kind.model_fields.items()
        }
    )


def to_table(rows: Sequence[Row], schema: Schema) -> Any:
    """Only the columns that the rows have."""
    if not rows:
        return schema.empty_table()
    columns = [schema.field(name) for name in schema.names if name in rows[0]]
    return pa.Table.from_pylist(list(rows), schema=pa.schema(columns))


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
