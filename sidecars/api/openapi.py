"""The last touches to the OpenAPI document. `python -m sidecars.api.openapi` prints it: docs/openapi.json."""

import json
import re
from typing import Any

from flask_openapi3.openapi import OpenAPI

from sidecars.api.resource import permission_of, security_of

# Beside 304, which no error is.
UNCHANGED = {"description": "Nothing changed since the `ETag` that came as `If-None-Match`."}
RETRY_AFTER = {
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
}
WITH_RETRY_AFTER = ("429", "503")


def finish(app: OpenAPI) -> None:
    """Writes who may ask what, and says once what many answer. Raises KeyError for an unknown permission."""
    document = app.api_doc
    for schema in document["components"]["schemas"].values():
        schema.pop("$defs", None)  # each is a component itself
    shared = document["components"]["responses"] = dict[str, Any]()
    for rule in app.url_map.iter_rules():
        path = document["paths"].get(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), {})
        for method in set(path) & {each.lower() for each in rule.methods or ()}:
            operation = path[method]
            if rule.rule.startswith("/v1/"):
                permission = permission_of(app, rule.endpoint, method.upper())
                operation |= {"x-permission": permission, "security": security_of(permission)}
                if method == "get":
                    operation["responses"]["304"] = dict(UNCHANGED)
            operation["responses"] = {
                status: _shared(shared, status, response) if status >= "400" else response
                for status, response in sorted(operation["responses"].items())
            }


def _shared(shared: dict[str, Any], status: str, response: dict[str, Any]) -> dict[str, Any]:
    """The reference to it among all that are the same."""
    if status in WITH_RETRY_AFTER:
        response = response | {"headers": RETRY_AFTER}
    name = "".join(word.capitalize() for word in response["description"].split())
    if shared.setdefault(name, response) != response:
        return response
    return {"$ref": f"#/components/responses/{name}"}


def as_json(app: OpenAPI) -> str:
    """The document, the same whichever release runs."""
    document = app.api_doc
    told = document | {"info": document["info"] | {"version": "1"}}
    return json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False)


if __name__ == "__main__":
    from sidecars.api.app import app

    print(as_json(app))
