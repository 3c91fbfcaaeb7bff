"""Sends as a Parquet file, column for column as MySQL has them, so that any reader of Parquet opens it."""

from collections.abc import Collection, Sequence
from uuid import UUID

import pyarrow
from pyarrow import parquet

from sidecars.archive.rows import SendRow, row_of

_TYPES = {
    "broadcast_id": pyarrow.uint32(),
    "contact_id": pyarrow.uint64(),
    "team_id": pyarrow.uint32(),
    "variant_id": pyarrow.uint32(),
    "message_id": pyarrow.uuid(),
    "state": pyarrow.uint8(),
    "reason": pyarrow.uint8(),
    "attempts": pyarrow.uint8(),
    "edge": pyarrow.uint16(),
    "accepted_at": pyarrow.uint32(),
    "settled_at": pyarrow.uint32(),
}
_SCHEMA = pyarrow.schema([pyarrow.field(name, kind, nullable=False) for name, kind in _TYPES.items()])
# Ids differ from row to row; of all else few values are repeated.
_REPEATED = [name for name in _TYPES if name not in ("contact_id", "message_id")]


def encode(rows: Sequence[SendRow]) -> bytes:
    """About ten bytes a row, most of them the random part of its message id; the same for the same rows."""
    columns = dict(zip(SendRow._fields, zip(*rows, strict=True), strict=True))
    columns["message_id"] = tuple(row.message_id.bytes for row in rows)
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(
        pyarrow.table({name: pyarrow.array(columns[name], kind) for name, kind in _TYPES.items()}, _SCHEMA),
        sink,
        compression="zstd",
        use_dictionary=_REPEATED,
        column_encoding={"contact_id": "DELTA_BINARY_PACKED"},
        store_schema=False,  # the file says UUID itself; Arrow's own word for it could not be searched
    )
    return bytes(sink.getvalue())


def decode(file: bytes, message_ids: Collection[UUID] | None = None) -> list[SendRow]:
    """The rows in their order: those of the message ids, or all."""
    wanted = None if message_ids is None else [("message_id", "in", [id_.bytes for id_ in message_ids])]
    table = parquet.read_table(
        pyarrow.BufferReader(file),
        columns=list(SendRow._fields),
        filters=wanted,
        arrow_extensions_enabled=False,
    )
    return [row_of(values) for values in zip(*table.to_pydict().values(), strict=True)]
