"""What bodies, queries and answers have in common."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Self, TypeVar, cast

import orjson
from flask import Response, request
from flask.json.provider import DefaultJSONProvider
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PlainSerializer,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from werkzeug.exceptions import NotFound

from sidecars.deliverability.addresses import MAX_LENGTH, checked

LAST_YEAR = 2999
LARGEST_ROW = 2**63 - 1
EXAMPLE_TIME = "2026-11-24T10:15:30.125Z"


def rfc3339(moment: datetime) -> str:
    """A moment in UTC → `2026-11-24T10:15:30.125Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _one_line(text: str) -> str:
    if any(ord(mark) < 32 or ord(mark) == 127 for mark in text):
        raise ValueError("must be one line without control characters")
    return text


class StrictJson(DefaultJSONProvider):
    """Reads what RFC 8259 calls JSON: no NaN, no broken UTF-8, and a limit to nesting (1,024)."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Raises orjson.JSONDecodeError, a ValueError."""
        return orjson.loads(s)


# Text that ends up in a header or a list: one line, trimmed, not empty.
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_one_line)]
# The same, but may be empty.
OptionalLine = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_one_line)]

Address = Annotated[
    str,
    StringConstraints(max_length=MAX_LENGTH),
    AfterValidator(checked),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": MAX_LENGTH}),
]

# Answered in UTC with milliseconds.
Timestamp = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "example": EXAMPLE_TIME}),
]


def _rfc3339_text(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError(f"must be a text such as {EXAMPLE_TIME}")
    return value


def _near(moment: datetime) -> datetime:
    if moment.year > LAST_YEAR:
        raise ValueError("is too far away")
    return moment


# Given as text with its offset from UTC.
Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_rfc3339_text), AfterValidator(_near)]


class Body(BaseModel):
    """A JSON body: no field but the known ones, no type bent into another."""

    model_config = ConfigDict(extra="forbid", strict=True)


def example(body: Any, required: bool = True) -> ConfigDict:
    """A body's `model_config`: what the documentation shows as a good one, and whether it may be left out."""
    return cast(ConfigDict, {"openapi_extra": {"example": body, "required": required}})


class OptionalBody(Body):
    """A body that may be left out, which says nothing."""

    @model_validator(mode="before")
    @classmethod
    def _nothing_said(cls, value: Any) -> Any:
        return {} if value is None and not request.get_data() else value


class Query(BaseModel):
    """The part of the address behind `?`."""

    model_config = ConfigDict(extra="forbid")


def cursor_of(*key: Any) -> str:
    """Where a page ended, opaque to whoever gets it: what its last row is sorted by, as JSON."""
    return urlsafe_b64encode(orjson.dumps(key)).rstrip(b"=").decode()


def _key_in(text: Any) -> list[Any]:
    try:
        key = orjson.loads(urlsafe_b64decode(f"{text}{'=' * (-len(text) % 4)}"))
        if isinstance(key, list) and cursor_of(*key) == text:
            return key
    except (ValueError, TypeError):
        pass
    raise ValueError("must be `next_cursor` of the answer before")


def _row_in(text: Any) -> int:
    match _key_in(text):
        case [int(row)] if 0 <= row <= LARGEST_ROW and not isinstance(row, bool):
            return row
    raise ValueError("must be `next_cursor` of this list's answer before")


_CURSOR_SCHEMA = WithJsonSchema({"type": "string", "maxLength": 1000, "example": cursor_of(12)})
_CURSOR_TOLD = Field(description="`next_cursor` of the answer before; nothing for the first page.")


class PageQuery(Query):
    """Which part of a list in the order of its rows' numbers; `cursor` is the last one's, 0 at the start."""

    cursor: Annotated[int, BeforeValidator(_row_in), _CURSOR_SCHEMA, _CURSOR_TOLD] = Field(
        default_factory=int
    )
    limit: int = Field(100, ge=1, le=500, description="How many at most.")


class KeyedPageQuery(Query):
    """Which part of a list in another order; `cursor` has the values that the page before ended with."""

    cursor: Annotated[list[Any], BeforeValidator(_key_in), _CURSOR_SCHEMA, _CURSOR_TOLD] | None = None
    limit: int = Field(100, ge=1, le=500, description="How many at most.")


class Path(BaseModel):
    """Ids in the address. What is no id is 404, as one that nobody has."""

    @model_validator(mode="wrap")
    @classmethod
    def _nothing_there(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            raise NotFound("There is no such thing; look at the id in the address.") from error


class Answer(BaseModel):
    """A JSON answer, filled from a row or by name."""

    model_config = ConfigDict(from_attributes=True)


Row = TypeVar("Row")
Shown = TypeVar("Shown", bound=Answer)


def page(
    rows: Sequence[Row], limit: int, key: Callable[[Row], int], show: Callable[[Row], Shown]
) -> dict[str, Any]:
    """`data` and `next_cursor` of a list answer, from up to `limit` + 1 rows and the number of a row."""
    shown = rows[:limit]
    return {
        "data": [show(row) for row in shown],
        "next_cursor": cursor_of(key(shown[-1])) if len(rows) > limit else None,
    }


def answer(model: Answer, status: int = 200) -> Response:
    """The model as a JSON response."""
    return Response(model.model_dump_json(by_alias=True), status, content_type="application/json")
