"""GET /m/<file>: a team's pictures, out of S3, as they stand in its mails."""

import re

from botocore.exceptions import BotoCoreError, ClientError
from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from sidecars import names
from sidecars.content.images import CONTENT_TYPES
from sidecars.content.media import FOREVER, stored_as
from sidecars.settings import settings
from sidecars.storage import client
from sidecars.webhook import pages

FILE = re.compile(r"[0-9a-f]{32}(?:-\d{1,5})?\.(png|jpg|gif)", re.ASCII)
CHUNK_BYTES = 64 * 1024
# A browser that is shown the address by itself takes it for nothing but a picture.
HEADERS = {
    "Cache-Control": FOREVER,
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
}

blueprint = Blueprint("media", __name__)


@blueprint.get(f"{names.PATH_MEDIA}/<file>")
def picture(file: str) -> ResponseReturnValue:
    """The picture, to be kept for ever: its address never shows another. 404 where there is none."""
    named = FILE.fullmatch(file)
    if named is None:
        return pages.error(404)
    try:
        found = client(attempts=2, answer_within_seconds=10).get_object(
            Bucket=settings.s3_bucket, Key=stored_as(file)
        )
    except ClientError as error:
        is_gone = error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404")
        return pages.error(404 if is_gone else 503)
    except BotoCoreError:
        return pages.error(503)
    response = Response(
        found["Body"].iter_chunks(CHUNK_BYTES), mimetype=CONTENT_TYPES[named[1]], headers=HEADERS
    )
    response.content_length = found["ContentLength"]
    response.call_on_close(found["Body"].close)
    return response
