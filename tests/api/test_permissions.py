"""Who may ask each address: read from the OpenAPI document, tried from outside, for every role and scope."""

import pytest

from sidecars.accounts.permissions import ANYONE, FOR_KEYS, PERSON, ROLES, SIGNED_IN, WHO_MAY
from sidecars.models import now
from tests.people import Person, new_team, program

FOR_ALL = (ANYONE, SIGNED_IN)


@pytest.fixture(scope="module")
def addresses(app):
    """(method, path with ids that nobody has, the permission that it takes)."""
    paths = app.test_client().get("/openapi.json").json["paths"]
    return [
        (method, path.format(**nobodys(operation)), operation["x-permission"])
        for path, methods in paths.items()
        if path.startswith("/v1/")
        for method, operation in methods.items()
    ]


def nobodys(operation):
    ids = [each for each in operation.get("parameters", []) if each["in"] == "path"]
    return {each["name"]: some_id(each["schema"].get("example", "")) for each in ids}


def some_id(example):
    prefix, _, rest = example.rpartition("_")
    return f"{prefix}_{'9' * (32 if len(rest) == 32 else 9)}"


def ask(caller, method, path):
    return getattr(caller, method)(path)


def test_every_address_takes_a_permission_that_somebody_has(addresses):
    assert {permission for _, _, permission in addresses} <= {*FOR_ALL, PERSON, *WHO_MAY}
    assert all(roles for roles in WHO_MAY.values())


@pytest.mark.parametrize("role", ROLES)
def test_a_person_gets_as_far_as_their_role(app, addresses, role):
    person = Person(app, new_team(), role)
    for method, path, permission in addresses:
        may = permission in (*FOR_ALL, PERSON) or role in WHO_MAY[permission]
        response = ask(person.log_in(), method, path)
        assert (response.status_code == 403) == (not may), (method, path, response.json)
        assert response.status_code not in (401, 500), (method, path, response.json)
        if not may:
            assert permission in response.json["message"]


def test_a_key_gets_as_far_as_its_scope(app, addresses):
    team = new_team()
    of_one = {permission: program(app, team, permission) for permission in FOR_KEYS}
    of_others = {permission: program(app, team, *(FOR_KEYS - {permission})) for permission in FOR_KEYS}
    of_all = program(app, team)
    for method, path, permission in addresses:
        if permission in FOR_KEYS:
            refused = ask(of_others[permission], method, path)
            assert refused.status_code == 403, (method, path)
            assert permission in refused.json["message"]
        able = of_one.get(permission, of_all)
        expected = permission in FOR_ALL or permission in FOR_KEYS
        for caller in (able, of_all):
            response = ask(caller, method, path)
            assert (response.status_code == 403) == (not expected), (method, path, response.json)
            assert response.status_code not in (401, 500), (method, path, response.json)


def test_a_person_names_one_of_several_teams_and_none_of_others(app, fields):
    first, second, others = new_team("First"), new_team("Second"), new_team("Others")
    person = Person(app, first)
    assert person.get("/v1/audiences").status_code == 200
    assert person.get("/v1/me").json["team"]["name"] == "First"
    person.user.memberships.model.create(team=second, user=person.user, role="GUEST")
    assert fields(person.get("/v1/audiences")) == ["X-Kiba-Team"]
    assert person.get("/v1/me").json["team"] is None

    def as_of(team_id, method="get", path="/v1/me", **options):
        return getattr(person, method)(path, headers={"X-Kiba-Team": team_id}, **options)

    assert as_of(f"team_{first.id}").json["role"] == "ADMINISTRATOR"
    assert as_of(f"team_{second.id}").json["role"] == "GUEST"
    assert as_of(f"team_{second.id}", "post", "/v1/audiences", json={"name": "x"}).status_code == 403
    for unknown in (f"team_{others.id}", "team_", "team_x", "7", "team_999999999999", "team_¹"):
        assert as_of(unknown).status_code == 404, unknown


def test_who_is_in_no_team_is_told_how_to_make_one(app):
    person = Person(app)
    assert person.get("/v1/me").json["permissions"] == []
    refused = person.get("/v1/audiences")
    assert refused.status_code == 403
    assert "POST /v1/teams" in refused.json["message"]


def test_a_cookie_logs_in_too_and_changes_nothing_without_the_header_of_our_own_pages(app):
    person = Person(app, new_team())
    browser = app.test_client()
    browser.set_cookie("__Host-kiba_session", person.secret, secure=True)
    url = "https://localhost/v1/audiences"
    assert browser.get(url).status_code == 200
    refused = browser.post(url, json={"name": "x"})
    assert refused.status_code == 403
    assert "X-Kiba-CSRF" in refused.json["message"]
    assert browser.post(url, json={"name": "x"}, headers={"X-Kiba-CSRF": "1"}).status_code == 201


def test_a_session_that_is_over_is_told_so(app):
    person = Person(app, new_team())
    person.user.sessions.model.update(expires_at=now()).execute()
    over = person.get("/v1/me")
    assert over.status_code == 401
    assert "over" in over.json["message"]
