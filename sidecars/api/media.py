"""/v1/media: pictures for mails, uploaded straight to S3."""

from typing import Annotated, Literal

from flask import Response
from pydantic import Field

from sidecars.api.auth import team_id
from sidecars.api.errors import conflict, invalid, not_found
from sidecars.api.ids import MediaId
from sidecars.api.resource import resource
from sidecars.api.shapes import Answer, Body, Line, PageQuery, Path, Timestamp, answer, example, page
from sidecars.content import media
from sidecars.content.images import NotAPicture
from sidecars.models import Media
from sidecars.settings import settings

api = resource("Media", "Pictures for mails.", "content")


class MediaPath(Path):
    """Which picture."""

    media_id: MediaId


class NewMedia(Body):
    """A picture that is to be uploaded."""

    model_config = example({"name": "spring.jpg", "bytes": 120_000})

    name: Annotated[Line, Field(max_length=120)]
    bytes: int = Field(
        ge=1, le=settings.max_media_bytes, description="How many the file has; the upload has to be as long."
    )


class RenditionAnswer(Answer):
    """The picture in one width."""

    url: str = Field(description="For `src` in a mail. It never shows another picture.")
    width: int
    height: int
    bytes: int


class MediaAnswer(Answer):
    """A picture."""

    id: MediaId
    name: str
    state: Literal["awaited", "ready"]
    kind: Literal["png", "jpg", "gif", ""] = Field(description="By its content; empty while it is awaited.")
    width: int
    height: int
    bytes: int
    url: str | None = Field(description="The picture in its full width; null while it is awaited.")
    renditions: list[RenditionAnswer] = Field(description="The same in every width, the widest first.")
    created_at: Timestamp


class PictureUpload(Answer):
    """Where to PUT the file's bytes."""

    method: Literal["PUT"] = "PUT"
    url: str
    headers: dict[str, str] = Field(description="To be sent as they are.")
    expires_at: Timestamp


class AwaitedMedia(MediaAnswer):
    """A picture that waits for its upload; `complete` says that it is there."""

    upload: PictureUpload


class MediaPage(Answer):
    """Some pictures, the latest first."""

    data: list[MediaAnswer]
    next_cursor: str | None


@api.post("/media", responses={201: AwaitedMedia})
def create_media(body: NewMedia) -> Response:
    """Announce a picture

    Then PUT its bytes to `upload.url`, and POST to `complete`.
    """
    row, upload = media.announce(team_id(), body.name, body.bytes)
    return answer(AwaitedMedia(**dict(_shown(row)), upload=PictureUpload.model_validate(upload)), 201)


@api.post("/media/<media_id>/complete", responses={200: MediaAnswer})
def complete_media(path: MediaPath) -> Response:
    """Say that a picture was uploaded

    It is looked at, written anew without metadata and in smaller widths, and public from then on. 409: it is
    not there. 422: it is no picture that mails can show.
    """
    try:
        return answer(_shown(media.finish(_own(path.media_id))))
    except media.NotUploaded as error:
        raise conflict(str(error), "awaited") from error
    except NotAPicture as error:
        raise invalid("", str(error)) from error


@api.get("/media", responses={200: MediaPage})
def list_media(query: PageQuery) -> Response:
    """List pictures, the latest first"""
    rows = media.page(team_id(), query.cursor, query.limit + 1)
    return answer(MediaPage(**page(rows, query.limit, lambda row: row.id, _shown)))


@api.get("/media/<media_id>", responses={200: MediaAnswer})
def get_media(path: MediaPath) -> Response:
    """Read a picture's addresses"""
    return answer(_shown(_own(path.media_id)))


@api.delete("/media/<media_id>", responses={204: None})
def delete_media(path: MediaPath) -> Response:
    """Delete a picture

    Mails that were sent with it show it no more.
    """
    media.delete(_own(path.media_id))
    return Response(status=204)


def _own(media_id: int) -> Media:
    row = media.find(team_id(), media_id)
    if row is None:
        raise not_found("picture")
    return row


def _shown(row: Media) -> MediaAnswer:
    renditions = [
        RenditionAnswer(
            url=media.url_of(each["file"]),
            width=each["width"],
            height=each["height"],
            bytes=each["bytes"],
        )
        for each in row.renditions
    ]
    columns = ("id", "name", "state", "kind", "width", "height", "bytes", "created_at")
    shown = {name: getattr(row, name) for name in columns}
    return MediaAnswer(**shown, url=renditions[0].url if renditions else None, renditions=renditions)
