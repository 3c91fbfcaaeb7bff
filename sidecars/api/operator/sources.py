"""/operator/sources: the addresses that mail leaves from."""

from typing import Annotated, Any, Literal

from flask import Response
from pydantic import Field

from sidecars.api.errors import Refused, conflict, invalid, not_found
from sidecars.api.operator.access import operator
from sidecars.api.resource import operator_resource
from sidecars.api.shapes import Answer, Body, Line, Path, Timestamp, answer, example
from sidecars.deliverability import sources
from sidecars.deliverability.sources import Facts, NoSource, SourceError, SourceExists, SourceNeeded
from sidecars.models import Source

api = operator_resource("Sources", "The addresses that mail leaves from.")

Pool = Literal["send", "engage"]
State = Literal["active", "off"]


class SourcePath(Path):
    """Which source."""

    name: str


class SourceFields(Body):
    """What is said of a source beside its name."""

    address: Annotated[Line, Field(max_length=45)] | None = Field(
        None, description="An IP address of its edge; null: the one that the system takes."
    )
    helo: Annotated[Line, Field(max_length=253)] | None = Field(
        None, description="Its name in EHLO, which the address's PTR record should say; null: the edge's own."
    )
    edge: Annotated[Line, Field(max_length=64)] | None = Field(
        None, description="EDGE_NAME of the edge that has the address; null: every edge."
    )
    pools: list[Pool] = Field(
        ["send", "engage"], description="`send`: transactional mail, `engage`: broadcasts."
    )
    team_id: int | None = Field(None, description="Whose mail only it takes; null: that of all others.")
    state: State = "active"


class NewSource(SourceFields):
    """A source; mail leaves from it at once."""

    model_config = example(
        {"name": "out-1", "address": "192.0.2.10", "helo": "out-1.mail.example", "pools": ["engage", "send"]}
    )

    name: Annotated[Line, Field(max_length=64)]


class SourceChange(SourceFields):
    """Fields to change; those left out stay."""

    model_config = example({"pools": ["send", "engage"]})


class SourceAnswer(Answer):
    """A source."""

    name: str
    address: str | None
    helo: str | None
    edge: str | None
    pools: list[Pool]
    team_id: int | None
    state: State
    created_at: Timestamp


class SourcesAnswer(Answer):
    """All sources; none: edges send from whatever address the system takes."""

    data: list[SourceAnswer]


@api.get("/sources", responses={200: SourcesAnswer})
def list_sources() -> Response:
    """List sources"""
    rows = Source.select().order_by(Source.name)
    return answer(SourcesAnswer(data=[SourceAnswer.model_validate(row) for row in rows]))


@api.post("/sources", responses={201: SourceAnswer})
def create_source(body: NewSource) -> Response:
    """Add a source

    409 where a pool would be left without a source for teams that have none of their own.
    """
    try:
        source = sources.create(operator(), Facts(**_fields(body)))
    except (SourceError, SourceExists, SourceNeeded) as error:
        raise _refused(error) from error
    return answer(SourceAnswer.model_validate(source), 201)


@api.get("/sources/<name>", responses={200: SourceAnswer})
def get_source(path: SourcePath) -> Response:
    """Read a source"""
    try:
        return answer(SourceAnswer.model_validate(sources.get(path.name)))
    except NoSource as error:
        raise not_found("source") from error


@api.patch("/sources/<name>", responses={200: SourceAnswer})
def change_source(path: SourcePath, body: SourceChange) -> Response:
    """Change a source, at once"""
    try:
        source = sources.change(operator(), path.name, **_fields(body))
    except NoSource as error:
        raise not_found("source") from error
    except (SourceError, SourceExists, SourceNeeded) as error:
        raise _refused(error) from error
    return answer(SourceAnswer.model_validate(source))


@api.delete("/sources/<name>", responses={204: None})
def delete_source(path: SourcePath) -> tuple[str, int]:
    """Remove a source, with its warm-up plan

    Mail that waits for it leaves by another one of its pool.
    """
    try:
        sources.delete(operator(), path.name)
    except NoSource as error:
        raise not_found("source") from error
    except SourceNeeded as error:
        raise _refused(error) from error
    return "", 204


def _fields(body: SourceFields) -> dict[str, Any]:
    """What the request names; a list as the tuple that facts have."""
    given = body.model_dump(exclude_unset=True)
    return given | {"pools": tuple(given["pools"])} if "pools" in given else given


def _refused(error: Exception) -> Refused:
    if isinstance(error, SourceError):
        return invalid(error.field, str(error))
    if isinstance(error, SourceExists):
        return conflict("There is a source with this name or address already.", "exists")
    return conflict(str(error), "needed")
