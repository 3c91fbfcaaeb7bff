"""What waits to be sent, while it does: in MySQL with its submission, or in S3 where it is large."""

import logging
from collections.abc import Iterable, Sequence
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError

from sidecars import storage
from sidecars.models import database, now
from sidecars.settings import settings

log = logging.getLogger(__name__)

# Larger ones would fill MySQL's memory and its log.
MOST_IN_MYSQL = 256 * 1024


def put(id_: UUID, content: bytes) -> str:
    """Writes a large one into S3, and returns its key. Raises botocore's errors."""
    key = f"emails/{now():%Y-%m-%d}/{id_}"
    storage.client().put_object(Bucket=settings.s3_bucket, Key=key, Body=content)
    return key


def read(key: str) -> bytes:
    """The same again. Raises botocore's errors."""
    body: bytes = storage.client().get_object(Bucket=settings.s3_bucket, Key=key)["Body"].read()
    return body


def forget(ids: Sequence[UUID]) -> None:
    """Of submissions that nobody is left to be sent to."""
    if ids:
        database.execute_sql(
            f"""UPDATE submissions SET content = NULL, storage_key = NULL
                 WHERE id IN ({", ".join(["%s"] * len(ids))})""",
            [each.bytes for each in ids],
        )


def remove(keys: Iterable[str | None]) -> None:
    """Takes what was forgotten out of S3. What cannot be removed stays there, and does no harm."""
    for key in filter(None, keys):
        try:
            storage.client().delete_object(Bucket=settings.s3_bucket, Key=key)
        except (BotoCoreError, ClientError) as error:
            log.warning("content left in S3", extra={"key": key, "error": str(error)})
