"""A row of the ledger as plain values, wherever it is kept."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sidecars.models import database


class SendRow(NamedTuple):
    """The columns of `sends` in their order; `models/sends.py` tells what each is."""

    broadcast_id: int
    contact_id: int
    team_id: int
    variant_id: int
    message_id: UUID
    state: int
    reason: int
    attempts: int
    edge: int
    accepted_at: int
    settled_at: int


COLUMNS = ", ".join(SendRow._fields)


def in_mysql(rest: str, parameters: Sequence[Any]) -> list[SendRow]:
    """The rows that stand in MySQL; `rest` is the SELECT from WHERE on."""
    cursor = database.execute_sql(f"SELECT {COLUMNS} FROM sends {rest}", parameters)  # noqa: S608 - ours
    return [row_of(values) for values in cursor.fetchall()]


def row_of(values: Sequence[Any]) -> SendRow:
    """From values as MySQL and Parquet have them: the message id as 16 bytes."""
    return SendRow._make((*values[:4], UUID(bytes=values[4]), *values[5:]))
