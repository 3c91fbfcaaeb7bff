"""What every file of a resource begins with."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from flask_openapi3.types import ResponseDict

from sidecars.accounts.permissions import ANYONE, FOR_KEYS, PERSON, SIGNED_IN, WHO_MAY
from sidecars.api.errors import Failure, Invalid, Message, WrongStateMessage

SECURITY = "api_key"
SESSION_SECURITY = "session"
COOKIE_SECURITY = "session_cookie"
OPERATOR_SECURITY = "operator_token"
RESPONSES: ResponseDict = {
    401: Message,
    403: Message,
    404: Message,
    409: WrongStateMessage,
    413: Message,
    422: Invalid,
    429: Message,
    500: Failure,
    503: Failure,
}


View = TypeVar("View", bound=Callable[..., Any])


def resource(name: str, description: str, area: str) -> APIBlueprint:
    """A group of addresses below /v1, shown under `name` in the documentation.

    To GET takes the permission `area:read`, anything else `area:write`, unless the view `needs` another.
    """
    group = _group(name, description, "/v1", SECURITY)
    group.area = area  # type: ignore[attr-defined]
    return group


def needs(permission: str) -> Callable[[View], View]:
    """Goes below `@api.post(…)`: the permission that the address takes, of `accounts.permissions.WHO_MAY`."""

    def mark(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return mark


def permission_of(app: Flask, endpoint: str, method: str) -> str:
    """What whoever asks this address must be allowed to."""
    own: str | None = getattr(app.view_functions[endpoint], "permission", None)
    if own:
        return own
    area: str = app.blueprints[endpoint.rpartition(".")[0]].area  # type: ignore[attr-defined]
    return f"{area}:{'read' if method in ('GET', 'HEAD') else 'write'}"


def security_of(permission: str) -> list[dict[str, list[str]]]:
    """How whoever has it may show that, as OpenAPI says it. Raises KeyError for an unknown permission."""
    if permission == ANYONE:
        return [{}]
    if permission not in (PERSON, SIGNED_IN):
        WHO_MAY[permission]
    keys = [{SECURITY: list[str]()}] if permission in (SIGNED_IN, *FOR_KEYS) else []
    return [*keys, {SESSION_SECURITY: []}, {COOKIE_SECURITY: []}]


def operator_resource(name: str, description: str) -> APIBlueprint:
    """A group of addresses below /operator, for whoever runs the installation."""
    return _group(f"Operator: {name}", description, "/operator", OPERATOR_SECURITY)


def _group(name: str, description: str, prefix: str, security: str) -> APIBlueprint:
    return APIBlueprint(
        name.lower(),
        __name__,
        url_prefix=prefix,
        abp_tags=[Tag(name=name, description=description)],
        abp_security=[{security: []}],
        abp_responses=RESPONSES,
        operation_id_callback=lambda *, name, **_: name,
    )
