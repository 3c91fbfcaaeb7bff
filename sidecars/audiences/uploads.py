"""Uploaded lists in S3-compatible storage."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO
from uuid import uuid4

from sidecars.settings import settings
from sidecars.storage import client


def store(team_id: int, stream: IO[bytes]) -> str:
    """Uploads from the stream's position to its end, in parts; returns the key. Raises botocore's errors."""
    key = f"imports/{team_id}/{uuid4()}.csv"
    client().upload_fileobj(stream, settings.s3_bucket, key, ExtraArgs={"ContentType": "text/csv"})
    return key


@contextmanager
def opened(key: str) -> Iterator[IO[bytes]]:
    """The upload as a local file: a slow import then holds no connection, and can read twice."""
    with tempfile.TemporaryFile() as file:
        client().download_fileobj(settings.s3_bucket, key, file)
        file.seek(0)
        yield file


def remove(key: str) -> None:
    """Deletes an upload; one that is gone already is no error."""
    client().delete_object(Bucket=settings.s3_bucket, Key=key)
