"""The OpenAPI document and its page."""

import re

import pytest
from openapi_spec_validator import validate

from sidecars.api.shapes import Answer, Body
from tests.api.conftest import PROBLEM


@pytest.fixture(scope="module")
def document(app):
    return app.test_client().get("/openapi.json").json


def test_the_document_is_valid_openapi(document):
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_field_of_a_body_is_known_to_the_document(document):
    schemas = document["components"]["schemas"]
    assert set(schemas["NewBroadcast"]["properties"]) >= {"name", "audience_id", "sender_id", "variants"}
    assert schemas["NewBroadcast"]["additionalProperties"] is False


def test_errors_have_one_shape(document):
    invalid = document["components"]["schemas"]["Invalid"]
    assert set(invalid["required"]) == {"message", "errors", *PROBLEM}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["responses"]["422"]["$ref"].endswith("/UnprocessableEntity"), (method, path)
    shared = document["components"]["responses"]["UnprocessableEntity"]["content"]["application/json"]
    assert shared["schema"] == {"$ref": "#/components/schemas/Invalid"}


def test_no_two_shapes_have_the_same_name():
    """One would stand in the document for both."""
    shapes = {shape for base in (Answer, Body) for shape in below(base)}
    names = [shape.__name__ for shape in shapes if shape.__module__.startswith("sidecars.api")]
    assert sorted(names) == sorted(set(names))


def below(shape):
    for each in shape.__subclasses__():
        yield each
        yield from below(each)


def test_every_operation_says_what_it_takes_and_shows_a_good_body(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert path.startswith("/operator") or operation["x-permission"], (method, path)
            assert "429" in operation["responses"], (method, path)
            assert ("304" in operation["responses"]) == (method == "get" and path.startswith("/v1/"))
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                assert kind != "application/json" or "example" in content, (method, path)


def test_the_front_door_leads_to_the_page(nobody):
    page = nobody.get("/", follow_redirects=True)
    assert page.request.path == "/docs/"
    assert "swagger-ui" in page.get_data(as_text=True)
    assert nobody.get("/docs").headers["Location"].endswith("/docs/")


def test_the_page_needs_nobody_elses_server(nobody):
    html = nobody.get("/docs/").get_data(as_text=True)
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", html)
    for asset in re.findall(r"""(?:src|href)=["']([^"']+)""", html):
        response = nobody.get(f"/docs/{asset}")
        assert response.status_code == 200, asset
        assert len(response.data) > 100
    assert 'new URL("../openapi.json"' in html
    assert "\\u0022validatorUrl\\u0022: null" in html or '"validatorUrl": null' in html


def test_what_is_not_there_says_where_to_look(acme):
    for path in ("/nothing", "/v1/nothing"):
        response = acme.get(path)
        assert response.status_code == 404
        assert "/docs" in response.json["message"]


def test_a_wrong_method_says_which_are_right(acme):
    response = acme.delete("/v1/audiences")
    assert response.status_code == 405
    assert {"GET", "POST"} <= set(response.headers["Allow"].split(", "))
    assert response.json["message"]
