"""The files of the archive in S3: some thousand sends of one broadcast each, noted in `archived_parts`.

A file is never changed. Its key holds the SHA-256 of its bytes, so that what is read is what was written,
and a write that is repeated after a crash makes no second file.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from sidecars.archive.rows import SendRow
from sidecars.models import ArchivedPart
from sidecars.settings import settings
from sidecars.storage import client

# Some who read an archive are waited for by many: the webhook receiver's threads, the enricher.
ATTEMPTS = 2
ANSWER_WITHIN_SECONDS = 3
# Clicks on old mails come in bursts of one broadcast. A file has half a megabyte.
KEPT_FILES = 16


class DamagedPart(Exception):
    """S3 gives back other bytes than were put there, or none."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"{key} in the bucket {settings.s3_bucket} is not what was written. Restore it from the bucket's "
            "versions or its backup."
        )


def write(rows: Sequence[SendRow]) -> ArchivedPart:
    """Puts a broadcast's rows into S3 and reads them back. The part is not saved yet.

    Raises botocore's errors and DamagedPart.
    """
    from sidecars.archive import parquet

    file = parquet.encode(rows)
    first, last = rows[0], rows[-1]
    key = f"ledger/broadcast={first.broadcast_id}/{first.contact_id}-{sha256(file).hexdigest()}.parquet"
    client().put_object(Bucket=settings.s3_bucket, Key=key, Body=file)
    if parquet.decode(_fetch(key)) != list(rows):
        raise DamagedPart(key)
    message_ids = [row.message_id for row in rows]
    return ArchivedPart(
        broadcast=first.broadcast_id,
        lo=first.contact_id,
        hi=last.contact_id,
        n=len(rows),
        first_message_id=min(message_ids),
        last_message_id=max(message_ids),
        counts=[[*of, number] for of, number in Counter((row.state, row.reason) for row in rows).items()],
        object_key=key,
    )


def read(part: ArchivedPart, message_ids: Collection[UUID] | None = None) -> list[SendRow]:
    """The part's rows by contact id: those of the message ids, or all.

    Raises botocore's errors and DamagedPart.
    """
    # pyarrow takes 50 MB, which a process that reads no archive should not pay.
    from sidecars.archive import parquet

    return parquet.decode(_kept(part.object_key), message_ids)


def locked(part: ArchivedPart) -> ArchivedPart:
    """The part as it stands now, nobody else's to change till the transaction ends."""
    same = (ArchivedPart.broadcast == part.broadcast_id, ArchivedPart.lo == part.lo)
    found: ArchivedPart = ArchivedPart.select().where(*same).for_update().get()
    return found


def remove(key: str) -> None:
    """Deletes a file that another one stands for."""
    client().delete_object(Bucket=settings.s3_bucket, Key=key)


def _fetch(key: str) -> bytes:
    s3 = client(ATTEMPTS, ANSWER_WITHIN_SECONDS)
    try:
        file: bytes = s3.get_object(Bucket=settings.s3_bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        raise DamagedPart(key) from None
    if sha256(file).hexdigest() not in key:
        raise DamagedPart(key)
    return file


_kept = lru_cache(maxsize=KEPT_FILES)(_fetch)
