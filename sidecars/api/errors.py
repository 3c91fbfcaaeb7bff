"""How refusals look: `{message}`, what is needed beside it to put things right, and the fields of RFC 9457.

As `application/json`, docs/decisions/problems-as-json.md says why.
"""

import logging
from typing import Any, NamedTuple

import botocore.exceptions
import clickhouse_driver.errors
import peewee
import redis
from flask import Flask, Response, current_app, jsonify, make_response, request
from pydantic import ConfigDict, Field, ValidationError
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound, RequestEntityTooLarge
from werkzeug.wrappers import Response as WerkzeugResponse

from sidecars.api.lifecycle import request_id
from sidecars.api.shapes import Answer
from sidecars.archive.parts import DamagedPart
from sidecars.broadcasts.errors import FieldProblem, NotPublishable, WrongState
from sidecars.mail.errors import ContentError, Unsendable
from sidecars.models.database import is_away
from sidecars.usage.allowance import OutOfCredits
from sidecars.usage.limits import OverPlan

log = logging.getLogger(__name__)

# What a handler lets through means that a service did not answer: worth trying again, and an operator's look.
SERVICES: dict[type[Exception], str] = {
    peewee.OperationalError: "database",
    peewee.InterfaceError: "database",
    redis.RedisError: "queue",
    botocore.exceptions.BotoCoreError: "file storage",
    botocore.exceptions.ClientError: "file storage",
    clickhouse_driver.errors.Error: "event database",
}


class Problem(NamedTuple):
    """What every error of one status is called."""

    type: str
    title: str


# docs/api.md tells of each.
PROBLEMS = {
    400: Problem("bad_request", "The request cannot be read"),
    401: Problem("unauthenticated", "Nobody is known by this key or session"),
    402: Problem("out_of_credits", "The team has not so many credits left this month"),
    403: Problem("forbidden", "Whoever asks may not do this"),
    404: Problem("not_found", "There is no such thing"),
    405: Problem("method_not_allowed", "The address does not know this method"),
    409: Problem("conflict", "Its state does not allow this"),
    410: Problem("gone", "It is there no more"),
    413: Problem("too_large", "The request is too large"),
    415: Problem("unsupported_type", "The body is of another type than the address takes"),
    422: Problem("invalid", "Something in the request is wrong"),
    429: Problem("too_many", "Too much in too short a time"),
    500: Problem("failure", "Something went wrong on our side"),
    503: Problem("unavailable", "A service behind does not answer"),
}
OTHER = Problem("about:blank", "")


def _all_there(schema: dict[str, Any]) -> None:
    schema["required"] = list(schema["properties"])


class Told(Answer):
    """What every error says beside its own, as RFC 9457 names it. Filled in when it is answered."""

    model_config = ConfigDict(json_schema_extra=_all_there)

    type: str = Field(
        default="", description="A word for it that stays.", json_schema_extra={"example": "invalid"}
    )
    title: str = Field(default="", description="The same in a few words.")
    status: int = Field(default=0, description="The HTTP status.", json_schema_extra={"example": 422})
    detail: str = Field(default="", description="As `message`.")
    instance: str = Field(default="", description="The request's id, as X-Request-ID has it and our logs.")


class Message(Told):
    """What was wrong, and what to do."""

    message: str


class FieldError(Answer):
    """One thing wrong with the request; `field` is its place, such as `variants.0.weight`."""

    message: str
    field: str


class Invalid(Told):
    """The request cannot be fulfilled as it is; all that is wrong with it."""

    message: str
    errors: list[FieldError]


class WrongStateMessage(Told):
    """The thing stands in a state (or exists already) that does not allow this."""

    message: str
    state: str = Field(description="The state it is in; `exists` where there is one already.")


class Failure(Told):
    """An error of ours. `request_id` finds it in the logs."""

    message: str
    request_id: str


class Refused(Exception):
    """Raised by resources to answer with `status` and `model`."""

    def __init__(self, status: int, model: Answer) -> None:
        super().__init__(f"{status}: {model}")
        self.status = status
        self.model = model


def not_found(what: str) -> Refused:
    """404. Another team's is not found either."""
    return Refused(404, Message(message=f"There is no such {what}."))


def invalid(field: str, message: str) -> Refused:
    """422 with one error."""
    return Refused(422, _invalid([FieldError(field=field, message=message)]))


def conflict(message: str, state: str) -> Refused:
    """409."""
    return Refused(409, WrongStateMessage(message=message, state=state))


def register(app: Flask) -> None:
    """Every error of the app is answered as JSON."""
    app.register_error_handler(Refused, lambda error: _reply(error.status, error.model))
    app.register_error_handler(WrongState, _wrong_state)
    app.register_error_handler(NotPublishable, lambda error: _reply(422, problems(error.problems)))
    app.register_error_handler(ContentError, _content_error)
    app.register_error_handler(Unsendable, _unsendable)
    app.register_error_handler(OutOfCredits, lambda error: _reply(402, Message(message=str(error))))
    app.register_error_handler(OverPlan, _over_plan)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(InternalServerError, _server_error)
    for kind in SERVICES:
        app.register_error_handler(kind, _service_error)
    app.register_error_handler(DamagedPart, _damaged)
    app.after_request(_tell)


def _tell(response: Response) -> Response:
    """Adds RFC 9457's fields to an error, whoever of us answered it."""
    status = response.status_code
    if status < 400 or not response.is_json or not isinstance(body := response.get_json(), dict):
        return response
    kind, title = PROBLEMS.get(status, OTHER)
    told = {"type": kind, "title": title or response.status.partition(" ")[2].capitalize(), "status": status}
    message = body.get("message", "")
    response.data = jsonify(body | told | {"detail": message, "instance": request_id()}).data
    return response


def problems(found: list[FieldProblem]) -> Invalid:
    """What `validate` found, in the API's shape."""
    return _invalid([FieldError(field=problem.field, message=problem.message) for problem in found])


def from_pydantic(error: ValidationError) -> Response:
    """422 for a body, query or form that does not fit its model; called by flask-openapi3."""
    unreadable = _unreadable_body() if any(not each["loc"] for each in error.errors()) else None
    return _reply(422, _invalid(unreadable or errors_of(error)))


def errors_of(error: ValidationError) -> list[FieldError]:
    """All that is wrong, each with its place."""
    return [
        FieldError(
            field=".".join(str(part) for part in each["loc"]),
            message=each["msg"].removeprefix("Value error, "),
        )
        for each in error.errors(include_url=False, include_input=False, include_context=False)
    ]


def _unreadable_body() -> list[FieldError] | None:
    if request.mimetype != "application/json":
        return [FieldError(field="", message="Send a JSON body with Content-Type: application/json.")]
    try:
        current_app.json.loads(request.get_data())
    except ValueError as error:
        return [FieldError(field="", message=f"The body is not JSON: {error}.")]
    return None


def _invalid(errors: list[FieldError]) -> Invalid:
    first = errors[0]
    message = f"{first.field}: {first.message}" if first.field else first.message
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Invalid(message=message + more, errors=errors)


def _wrong_state(error: WrongState) -> Response:
    return _reply(409, WrongStateMessage(message=f"Not possible now: {error}.", state=error.state))


def _content_error(error: ContentError) -> Response:
    errors = [
        FieldError(
            field=each.field, message=f"Line {each.line}: {each.message}" if each.line else each.message
        )
        for each in error.errors
    ]
    return _reply(422, _invalid(errors))


def _unsendable(error: Unsendable) -> Response:
    return _reply(422, _invalid([FieldError(field="", message=f"For this reader there is no mail: {error}")]))


def _over_plan(error: OverPlan) -> Response:
    return _reply(422, _invalid([FieldError(field=error.limit, message=str(error))]))


def _http_error(error: HTTPException) -> WerkzeugResponse:
    response = make_response(error.get_response())
    if error.response is not None or (error.code or 500) < 400:
        return response
    message = error.description or error.name
    if isinstance(error, NotFound):
        message = "There is nothing at this address; /docs shows what there is."
    if isinstance(error, RequestEntityTooLarge):
        limit = request.max_content_length or 0
        message = f"The request is too large; it may have {limit:,} bytes."
    response.data = jsonify(message=message).data
    response.content_type = "application/json"
    return response


def _server_error(error: InternalServerError) -> Response:
    """Flask has logged it, and told Sentry, before it asks for this answer."""
    message = "Something went wrong on our side. Nothing is known to be lost; ask with the request id."
    return _reply(500, Failure(message=message, request_id=request_id()))


def _service_error(error: Exception) -> Response:
    if isinstance(error, peewee.OperationalError) and not is_away(error):
        log.exception("the database refused a row")
        return _server_error(InternalServerError(original_exception=error))
    service = next(name for kind, name in SERVICES.items() if isinstance(error, kind))
    log.exception("service did not answer", extra={"service": service})
    message = f"The {service} does not answer. Try again in a moment."
    response = _reply(503, Failure(message=message, request_id=request_id()))
    response.headers["Retry-After"] = "5"
    return response


def _damaged(error: DamagedPart) -> Response:
    """Trying again does not help; whoever keeps the bucket must look."""
    log.error("archive damaged", extra={"error": str(error)})
    message = "The archive of this broadcast's ledger is damaged. Tell the operator, with the request id."
    return _reply(500, Failure(message=message, request_id=request_id()))


def _reply(status: int, model: Any) -> Response:
    # The standard library's JSON escapes what is no valid Unicode in a field's name; pydantic's would refuse.
    return make_response(jsonify(model.model_dump(mode="json")), status)
