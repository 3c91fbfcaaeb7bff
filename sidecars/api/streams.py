"""/v1/streams: what the team's programs submit by SMTP, and whether that stopped itself."""

from typing import Literal

from flask import Response
from pydantic import Field

from sidecars.api.auth import team_id
from sidecars.api.errors import conflict, not_found
from sidecars.api.resource import resource
from sidecars.api.shapes import Answer, Path, Timestamp, answer
from sidecars.deliverability import mail_streams
from sidecars.models import MailStream

api = resource("Streams", "What programs submit by SMTP, which stops itself when it does harm.", "team")

Stream = Literal["transactional", "broadcast"]


class StreamPath(Path):
    """Which stream."""

    stream: str = Field(json_schema_extra={"example": "transactional"})


class StreamAnswer(Answer):
    """A stream of submitted mail. While it is stopped, edges put its mail off with 450 4.7.1."""

    stream: Stream
    state: Literal["flowing", "stopped"]
    stopped_at: Timestamp | None
    reason: str = Field(description="The figures; empty while it flows.")
    resumed_at: Timestamp | None = Field(description="What was sent before then counts no more.")


class StreamList(Answer):
    """Both of them."""

    data: list[StreamAnswer]
    next_cursor: None


@api.get("/streams", responses={200: StreamList})
def list_streams() -> Response:
    """List the streams of submitted mail"""
    rows = [_shown(row) for row in mail_streams.all_of(team_id())]
    return answer(StreamList(data=rows, next_cursor=None))


@api.post("/streams/<stream>/resume", responses={200: StreamAnswer})
def resume_stream(path: StreamPath) -> Response:
    """Let a stream go on that stopped itself

    Edges take its mail again within ten seconds. 409: it has not stopped.
    """
    if path.stream not in mail_streams.STREAMS:
        raise not_found("stream")
    if not mail_streams.resume(team_id(), path.stream):
        raise conflict(f"The {path.stream} stream has not stopped.", "flowing")
    return answer(_shown(mail_streams.of(team_id(), path.stream)))


def _shown(row: MailStream) -> StreamAnswer:
    columns = {name: getattr(row, name) for name in StreamAnswer.model_fields if name != "state"}
    return StreamAnswer.model_validate(columns | {"state": "stopped" if row.stopped_at else "flowing"})
