"""The index of the ledger's archive: which file in S3 has which sends."""

from __future__ import annotations

from peewee import (
    BigIntegerField,
    BinaryUUIDField,
    CharField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    JSONField,
)

from sidecars.models.broadcasts import Broadcast
from sidecars.models.database import BaseModel, UtcDateTimeField, now


class ArchivedPart(BaseModel):
    """`n` sends of a broadcast with contact ids lo to hi, written to the Parquet file `object_key`.

    `counts` are [state, reason, sends], by the codes of `broadcasts/states.py`. `dropped_at` is null while
    some of the sends still stand in MySQL.
    """

    broadcast = ForeignKeyField(Broadcast, backref="archived_parts")
    broadcast_id: IntegerField[int]
    lo = BigIntegerField()
    hi = BigIntegerField()
    n = IntegerField()
    first_message_id = BinaryUUIDField()
    last_message_id = BinaryUUIDField()
    counts = JSONField()
    object_key = CharField(255)
    written_at = UtcDateTimeField(default=now)
    dropped_at = UtcDateTimeField(null=True)

    class Meta:
        table_name = "archived_parts"
        primary_key = CompositeKey("broadcast", "lo")
