"""Pictures in S3: uploaded by whoever has them straight to there, looked at, then public for good.

`awaited/<key>` is what was uploaded; `media/<key>…` are the files that readers load.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from sidecars.content import images
from sidecars.content.images import CONTENT_TYPES, NotAPicture, Rendition
from sidecars.models import Media, now
from sidecars.names import PATH_MEDIA
from sidecars.settings import settings
from sidecars.storage import client, public_client

UPLOAD_SECONDS = 3600
# An upload that nobody finished is forgotten after so long.
FORGOTTEN_AFTER = timedelta(days=1)
FOREVER = "public, max-age=31536000, immutable"


class NotUploaded(Exception):
    """There is nothing in S3 yet, or not what was announced; its text says which."""


@dataclass(frozen=True)
class Upload:
    """Where to PUT the file's bytes, with these header fields, until `expires_at`."""

    url: str
    headers: dict[str, str]
    expires_at: datetime


def announce(team_id: int, name: str, size: int) -> tuple[Media, Upload]:
    """A picture of `size` bytes that is to be uploaded, and how."""
    _forget_unfinished(team_id)
    media = Media.create(team=team_id, name=name, key=uuid4().hex, bytes=size)
    place = {"Bucket": settings.s3_bucket, "Key": _awaited(media), "ContentLength": size}
    url = public_client().generate_presigned_url("put_object", Params=place, ExpiresIn=UPLOAD_SECONDS)
    return media, Upload(url, {"Content-Length": str(size)}, now() + timedelta(seconds=UPLOAD_SECONDS))


def finish(media: Media) -> Media:
    """Looks at what was uploaded and makes it public. Once it is `ready` it does nothing.

    Raises NotUploaded, and NotAPicture; the upload is removed then, and has to be made again.
    """
    if media.state == "ready":
        return media
    octets = _uploaded(media)
    try:
        found = images.picture(octets)
    except NotAPicture:
        _remove(_awaited(media))
        raise
    files = [_stored(media.key, found.kind, each, each is found.renditions[0]) for each in found.renditions]
    media.kind, media.renditions, media.state = found.kind, files, "ready"
    media.width, media.height = found.renditions[0].width, found.renditions[0].height
    media.bytes = len(found.renditions[0].octets)
    media.save()
    _remove(_awaited(media))
    return media


def find(team_id: int, media_id: int) -> Media | None:
    """The picture, if it is the team's."""
    return Media.get_or_none(Media.id == media_id, Media.team == team_id)


def page(team_id: int, before: int, limit: int) -> list[Media]:
    """The team's pictures below id `before` (0: all), the latest first."""
    query = Media.select().where(Media.team == team_id)
    if before:
        query = query.where(Media.id < before)
    return list(query.order_by(Media.id.desc()).limit(limit))


def delete(media: Media) -> None:
    """Removes its files, too: mails that were sent with it show it no more."""
    for each in media.renditions:
        _remove(stored_as(each["file"]))
    _remove(_awaited(media))
    Media.delete().where(Media.id == media.id).execute()


def url_of(file: str) -> str:
    """Where readers load it."""
    base = settings.media_url.rstrip("/") or f"{settings.tracking_url.rstrip('/')}{PATH_MEDIA}"
    return f"{base}/{file}"


def stored_as(file: str) -> str:
    """The file's key in S3."""
    return f"media/{file}"


def _awaited(media: Media) -> str:
    return f"awaited/{media.key}"


def _stored(key: str, kind: str, rendition: Rendition, is_whole: bool) -> dict[str, int | str]:
    """Puts it where readers load it from; returns what `Media.renditions` says of it."""
    file = f"{key}.{kind}" if is_whole else f"{key}-{rendition.width}.{kind}"
    client().put_object(
        Bucket=settings.s3_bucket,
        Key=stored_as(file),
        Body=rendition.octets,
        ContentType=CONTENT_TYPES[kind],
        CacheControl=FOREVER,
    )
    return {
        "width": rendition.width,
        "height": rendition.height,
        "bytes": len(rendition.octets),
        "file": file,
    }


def _uploaded(media: Media) -> bytes:
    try:
        found: Any = client().get_object(Bucket=settings.s3_bucket, Key=_awaited(media))
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404"):
            raise NotUploaded("Nothing was uploaded yet: PUT the file to `upload.url` first.") from error
        raise
    if found["ContentLength"] != media.bytes:
        found["Body"].close()
        _remove(_awaited(media))
        raise NotUploaded(
            f"{media.bytes:,} bytes were announced and {found['ContentLength']:,} uploaded: upload it again."
        )
    octets: bytes = found["Body"].read()
    return octets


def _forget_unfinished(team_id: int) -> None:
    old = Media.select().where(
        Media.team == team_id, Media.state == "awaited", Media.created_at < now() - FORGOTTEN_AFTER
    )
    for media in old:
        delete(media)


def _remove(key: str) -> None:
    client().delete_object(Bucket=settings.s3_bucket, Key=key)
