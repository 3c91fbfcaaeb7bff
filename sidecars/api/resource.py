"""What every file of a resource begins with."""

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from flask_openapi3.types import ResponseDict

from sidecars.api.errors import Failure, Invalid, Message, WrongStateMessage

SECURITY = "api_key"
OPERATOR_SECURITY = "operator_token"
RESPONSES: ResponseDict = {
    401: Message,
    403: Message,
    404: Message,
    409: WrongStateMessage,
    413: Message,
    422: Invalid,
    500: Failure,
    503: Failure,
}


def resource(name: str, description: str) -> APIBlueprint:
    """A group of addresses below /v1, shown under `name` in the documentation."""
    return _group(name, description, "/v1", SECURITY)


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
