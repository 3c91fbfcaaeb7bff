"""/v1/notices: what the team's people were told by mail, and could have been."""

from typing import Annotated, Literal

from flask import Response
from pydantic import AfterValidator, Field

from sidecars.api.auth import team_id
from sidecars.api.ids import NoticeId
from sidecars.api.resource import resource
from sidecars.api.shapes import Answer, PageQuery, Timestamp, answer, page
from sidecars.notices import outbox

api = resource("Notices", "What happened that the team's people must know.", "team")


PREFIXES = {"domain": "dom", "broadcast": "bc"}


def _as_id(about: str) -> str:
    """`domain:3`, as it is kept, → `dom_3`. Streams have no id: `stream:transactional`."""
    kind, _, number = about.partition(":")
    return f"{PREFIXES[kind]}_{number}" if kind in PREFIXES else about


class NoticeAnswer(Answer):
    """Something that happened, as its mail tells it."""

    id: NoticeId
    kind: str = Field(json_schema_extra={"example": "domain_failing"})
    about: Annotated[str, AfterValidator(_as_id)] = Field(
        description="What it is about.", json_schema_extra={"example": "dom_3"}
    )
    subject: str
    text: str
    state: Literal["waiting", "addressed", "mailed", "unmailed"] = Field(
        description="addressed: its mails wait for an edge; unmailed: for the reason."
    )
    reason: str
    created_at: Timestamp


class NoticePage(Answer):
    """Some notices."""

    data: list[NoticeAnswer]
    next_cursor: str | None


@api.get("/notices", responses={200: NoticePage})
def list_notices(query: PageQuery) -> Response:
    """List what happened

    Administrators and managers of the team get each of them once, by mail.
    """
    rows = outbox.page(team_id(), query.cursor, query.limit + 1)
    return answer(NoticePage(**page(rows, query.limit, lambda row: row.id, NoticeAnswer.model_validate)))
