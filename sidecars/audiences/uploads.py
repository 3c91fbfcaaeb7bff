"""Files of contacts in S3-compatible storage: lists on their way in, and what people fetch."""

import io
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from sidecars.settings import settings
from sidecars.storage import client, public_client

UPLOAD = "imports"
ERRORS = "import-errors"
EXPORT = "exports"
TYPES = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}

PART_BYTES = 64 * 1024 * 1024
LINK_SECONDS = 3600
BEGINNING_BYTES = 1024 * 1024


class NoSuchUpload(LookupError):
    """Nothing was uploaded at this key, or not all of it; the text says what to do."""


@dataclass(frozen=True)
class Stored:
    """A file that storage has, and its size in bytes."""

    key: str
    size: int


@dataclass(frozen=True)
class Ticket:
    """Where to PUT a file: at `urls`, PART_BYTES each in order; of several parts there is an `upload_id`."""

    key: str
    upload_id: str
    urls: list[str]


def store(team_id: int, stream: IO[bytes], folder: str = UPLOAD, kind: str = "csv") -> str:
    """Uploads from the stream's position to its end, in parts; returns the key. Raises botocore's errors."""
    key = _new_key(team_id, folder, kind)
    client().upload_fileobj(stream, settings.s3_bucket, key, ExtraArgs={"ContentType": TYPES[kind]})
    return key


def ticket(team_id: int, size: int) -> Ticket:
    """Links by which whoever has them uploads a list of so many bytes, within LINK_SECONDS."""
    key = _new_key(team_id, UPLOAD, "csv")
    if size <= PART_BYTES:
        return Ticket(key, "", [_link("put_object", key)])
    upload_id = client().create_multipart_upload(
        Bucket=settings.s3_bucket, Key=key, ContentType=TYPES["csv"]
    )["UploadId"]
    numbers = range(1, -(-size // PART_BYTES) + 1)
    urls = [_link("upload_part", key, UploadId=upload_id, PartNumber=number) for number in numbers]
    return Ticket(key, upload_id, urls)


def uploaded(team_id: int, key: str, upload_id: str = "") -> Stored:
    """The team's upload, put together where it came in parts. Raises NoSuchUpload."""
    if not re.fullmatch(rf"{UPLOAD}/{team_id}/[0-9a-f-]{{36}}\.csv", key):
        raise NoSuchUpload("is no key of an upload; POST …/uploads gives one")
    try:
        if upload_id:
            _put_together(key, upload_id)
        size = client().head_object(Bucket=settings.s3_bucket, Key=key)["ContentLength"]
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
            raise
        raise NoSuchUpload("has nothing uploaded to it yet; PUT the file to its url first") from error
    if size > settings.max_upload_bytes:
        remove(key)
        raise NoSuchUpload(f"is too large; a list may have {settings.max_upload_bytes:,} bytes")
    return Stored(key, size)


def link_to(key: str, filename: str) -> str:
    """A link by which whoever has it fetches the file under a name, within LINK_SECONDS."""
    return _link("get_object", key, ResponseContentDisposition=f'attachment; filename="{filename}"')


def beginning(key: str) -> IO[bytes]:
    """The upload's first BEGINNING_BYTES, to the end of a line."""
    got = client().get_object(Bucket=settings.s3_bucket, Key=key, Range=f"bytes=0-{BEGINNING_BYTES - 1}")
    content = got["Body"].read()
    if len(content) == BEGINNING_BYTES:
        content = content[: content.rfind(b"\n") + 1] or content
    return io.BytesIO(content)


@contextmanager
def opened(key: str) -> Iterator[IO[bytes]]:
    """The upload as a local file: a slow import then holds no connection, and can read twice."""
    with tempfile.TemporaryFile() as file:
        client().download_fileobj(settings.s3_bucket, key, file)
        file.seek(0)
        yield file


def remove(key: str) -> None:
    """Deletes a file; one that is gone already is no error."""
    client().delete_object(Bucket=settings.s3_bucket, Key=key)


def _put_together(key: str, upload_id: str) -> None:
    where: dict[str, Any] = {"Bucket": settings.s3_bucket, "Key": key, "UploadId": upload_id}
    parts = [
        {"PartNumber": part["PartNumber"], "ETag": part["ETag"]}
        for part in client().list_parts(**where).get("Parts", [])
    ]
    if not parts:
        raise NoSuchUpload("has no part uploaded to it yet; PUT each part to its url first")
    client().complete_multipart_upload(**where, MultipartUpload={"Parts": parts})


def _new_key(team_id: int, folder: str, kind: str) -> str:
    return f"{folder}/{team_id}/{uuid4()}.{kind}"


def _link(action: str, key: str, **more: Any) -> str:
    parameters = {"Bucket": settings.s3_bucket, "Key": key} | more
    link: str = public_client().generate_presigned_url(action, Params=parameters, ExpiresIn=LINK_SECONDS)
    return link
