"""What holds for every address below /v1, read from the OpenAPI document: so also for those to come.

Those below /operator are in test_operator.py.
"""

import io
import re
from datetime import timedelta
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from sidecars.accounts import sessions
from sidecars.accounts.permissions import ANYONE
from sidecars.models import Invitation, Passkey, now
from tests.people import Person, new_team

DAY = timedelta(days=1)


@pytest.fixture(scope="session")
def operations(app):
    """(method, path, operation) of each address, with the query that it cannot do without."""
    document = app.test_client().get("/openapi.json").json
    return [
        (method, path + required_query(operation), operation)
        for path, methods in document["paths"].items()
        if path.startswith("/v1/")
        for method, operation in methods.items()
    ]


def required_query(operation):
    """By the document's own examples."""
    needed = {
        each["name"]: each["example"]
        for each in operation.get("parameters", [])
        if each["in"] == "query" and each.get("required")
    }
    return f"?{urlencode(needed)}" if needed else ""


@pytest.fixture(scope="session")
def example():
    """A good body of an operation: the document's own example; None where it takes no JSON."""

    def _example(operation):
        content = operation.get("requestBody", {}).get("content", {})
        return dict(content["application/json"]["example"]) if "application/json" in content else None

    return _example


# A person may do all that a key may, and more.
@pytest.fixture
def acme(app):
    return Person(app, new_team("Acme"))


@pytest.fixture
def other(app):
    return Person(app, new_team("Other"))


@pytest.fixture
def people(app, acme):
    """Ids of what people have, and of those in Acme."""
    guest = Person(app, acme.team, "GUEST")
    invitation = Invitation.create(
        team=acme.team, email="new@mail.example", role="GUEST", invited_by=acme.user, expires_at=now() + DAY
    )
    keys = {"credential_sha256": uuid4().bytes * 2, "credential_id": "x", "public_key": "x", "sign_count": 0}
    passkey = Passkey.create(user=acme.user, name="Laptop", **keys)
    return {
        "user_id": f"user_{guest.user.id}",
        "team_id": f"team_{acme.team.id}",
        "invitation_id": f"inv_{invitation.id}",
        "session_id": f"ses_{sessions.begin(acme.user.id, 'tests', '192.0.2.8').record.id}",
        "passkey_id": f"pk_{passkey.id}",
    }


@pytest.fixture
def address(goods, people):
    """The path with ids of things that Acme has."""
    ids = people | {
        "audience_id": goods.ids.audience,
        "contact_id": goods.ids.contact,
        "tag_id": "tag_1",
        "property_name": "city",
        "import_id": goods.ids.contact_import,
        "export_id": goods.ids.contact_export,
        "domain_id": goods.ids.domain,
        "segment_id": goods.ids.segment,
        "broadcast_id": goods.ids.broadcast,
        "suppression_id": goods.ids.suppression,
        "message_id": goods.ids.message,
        "email_id": goods.ids.email,
        "key_id": goods.ids.api_key,
        "template_id": goods.ids.template,
        "layout_id": goods.ids.layout,
        "media_id": goods.ids.media,
        "number": 1,
        "webhook_id": goods.ids.webhook,
        "delivery_id": goods.ids.delivery,
        "stream": "fax",  # of those that there are each team has its own
    }
    return lambda path: path.format(**ids)


def send(caller, method, path, body):
    if path.endswith(("/imports", "/imports/preview")):
        return caller.post(path, data={"file": (io.BytesIO(b"email\na@b.example\n"), "people.csv")})
    return getattr(caller, method)(path, **({} if body is None else {"json": body}))


def test_there_are_many(operations):
    assert len(operations) > 30


def test_nothing_is_answered_without_a_key(operations, example, address, nobody):
    for method, path, operation in operations:
        if operation["x-permission"] == ANYONE:
            continue
        response = send(nobody, method, address(path), example(operation))
        assert response.status_code == 401, (method, path)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert "Authorization: Bearer" in response.json["message"]


def test_another_teams_things_are_not_found(operations, example, address, other):
    for method, path, operation in operations:
        if "{" in path:
            response = send(other, method, address(path), example(operation))
            assert response.status_code == 404, (method, path, response.get_data(as_text=True))
            assert response.json["message"].startswith("There is no such")


def test_what_never_existed_is_not_found(operations, example, acme):
    for method, path, operation in operations:
        if "{" in path:
            for missing in ("999999999", "99999999999999999999999", "0"):
                place = path.format(**dict(never(operation, missing)))
                assert send(acme, method, place, example(operation)).status_code == 404, (method, place)


def never(operation, number):
    """(name, id of something that there is not) of each id in the path, by the document's own examples."""
    for each in operation["parameters"]:
        if each["in"] == "path":
            prefix, _, rest = each["schema"].get("example", "").rpartition("_")
            yield each["name"], f"{prefix}_{number.zfill(32) if len(rest) == 32 else number}"


def test_an_id_that_is_no_id_is_not_found(operations, example, acme):
    for method, path, operation in operations:
        if "{" in path:
            place = re.sub(r"\{\w+\}", "x", path)
            assert send(acme, method, place, example(operation)).status_code == 404, (method, place)


def test_unknown_fields_are_refused_by_name(operations, example, address, acme, fields):
    for method, path, operation in operations:
        body = example(operation)
        if body is not None:
            found = fields(send(acme, method, address(path), body | {"surprise": 1}))
            assert "surprise" in found, (method, path)


@pytest.mark.parametrize(
    ("data", "kind", "told"),
    [
        ("{", "application/json", "not JSON"),
        ("", "application/json", ""),
        ("[1]", "application/json", ""),
        ('"text"', "application/json", ""),
        ("null", "application/json", ""),
        ("[" * 100_000, "application/json", "not JSON"),
        ("9" * 10_000, "application/json", ""),
        (b'{"name": "\xff"}', "application/json", "not JSON"),
        ("name=x", "application/x-www-form-urlencoded", "Content-Type: application/json"),
        ("{}", "text/plain", "Content-Type: application/json"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    operations, example, address, acme, fields, data, kind, told
):
    for method, path, operation in operations:
        if example(operation) is not None and (data or operation["requestBody"]["required"]):
            response = getattr(acme, method)(address(path), data=data, content_type=kind)
            assert fields(response), (method, path)
            assert told in response.json["message"]


def test_unknown_query_parameters_are_refused(operations, address, acme, fields):
    for method, path, operation in operations:
        named = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
        if named and method == "get":
            more = address(path) + ("&" if "?" in path else "?")
            assert fields(acme.get(f"{more}surprise=1")) == ["surprise"]
            for value in ("-1", "x", "1.5"):
                assert "cursor" not in named or fields(acme.get(f"{more}cursor={value}")) == ["cursor"]


def test_every_answer_carries_the_requests_id(operations, example, address, acme):
    for method, path, operation in operations:
        response = send(acme, method, address(path), example(operation))
        assert response.status_code < 500, (method, path, response.get_data(as_text=True))
        assert len(response.headers["X-Request-ID"]) >= 8


def test_every_operation_is_described(operations):
    for method, path, operation in operations:
        assert operation["summary"], (method, path)
        assert operation["tags"], (method, path)
        assert operation["security"], (method, path)
        assert {"401", "404", "413", "422", "500", "503"} <= set(operation["responses"]), (method, path)
    ids = [operation["operationId"] for _, _, operation in operations]
    assert len(ids) == len(set(ids))
