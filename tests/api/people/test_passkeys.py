"""Passkeys, by an authenticator in software."""

import pytest

from tests.api.people.authenticator import PRESENT, Authenticator
from tests.people import Person

ORIGIN, HOST = "https://app.acme.example", "app.acme.example"


@pytest.fixture(autouse=True)
def site(configured):
    configured(app_url=f"{ORIGIN}/mail")


def options(caller, path="/v1/me/passkeys/options"):
    return caller.post(path).json["options"]


def registered(caller, authenticator, name="Laptop"):
    credential = authenticator.create(options(caller))
    return caller.post("/v1/me/passkeys", json={"name": name, "credential": credential})


def log_in(nobody, credential):
    return nobody.post("/v1/auth/passkey", json={"credential": credential})


@pytest.fixture
def login_options(nobody):
    return lambda: options(nobody, "/v1/auth/passkey/options")


def test_a_passkey_logs_in_until_it_is_removed(app, ada, nobody, login_options):
    laptop = Authenticator(ORIGIN, HOST)
    asked = options(ada)
    assert asked["rp"]["id"] == HOST
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    made = registered(ada, laptop).json
    assert options(ada)["excludeCredentials"][0]["type"] == "public-key"
    assert made["last_used_at"] is None

    login = log_in(nobody, laptop.get(login_options()))
    assert login.status_code == 201, login.json
    assert login.json["person"]["email"] == ada.user.email
    (listed,) = ada.get("/v1/me/passkeys").json["data"]
    assert listed["last_used_at"] is not None
    assert Person(app).delete(f"/v1/me/passkeys/{listed['id']}").status_code == 404
    assert ada.delete(f"/v1/me/passkeys/{listed['id']}").status_code == 204
    assert log_in(nobody, laptop.get(login_options())).status_code == 401


def test_an_answer_counts_once_and_for_its_own_challenge(ada, nobody, login_options, fields):
    laptop = Authenticator(ORIGIN, HOST)
    assert registered(ada, laptop).status_code == 201
    answer = laptop.get(login_options())
    assert log_in(nobody, answer).status_code == 201
    assert log_in(nobody, answer).status_code == 401
    assert log_in(nobody, laptop.get(options(ada))).status_code == 401  # of a registration
    for_login = {"name": "x", "credential": Authenticator(ORIGIN, HOST).create(login_options())}
    assert fields(ada.post("/v1/me/passkeys", json=for_login)) == ["credential"]
    assert fields(registered(ada, laptop)) == ["credential"]  # known already


def test_a_passkey_of_another_site_or_without_its_user_is_refused(ada, nobody, login_options, fields):
    for wrong in (
        Authenticator("https://acme.example.evil.example", HOST),
        Authenticator(ORIGIN, "evil.example"),
        Authenticator(ORIGIN, HOST, flags=PRESENT),
    ):
        assert fields(registered(ada, wrong)) == ["credential"]
    laptop = Authenticator(ORIGIN, HOST)
    registered(ada, laptop)
    laptop.flags = PRESENT
    assert log_in(nobody, laptop.get(login_options())).status_code == 401


def test_a_copied_key_and_a_forged_signature_are_refused(ada, nobody, login_options):
    laptop = Authenticator(ORIGIN, HOST)
    registered(ada, laptop)
    assert log_in(nobody, laptop.get(login_options())).status_code == 201
    laptop.uses = 0
    assert log_in(nobody, laptop.get(login_options())).status_code == 401
    laptop.uses, laptop.key = 9, Authenticator(ORIGIN, HOST).key
    assert log_in(nobody, laptop.get(login_options())).status_code == 401
    for nonsense in ({}, {"rawId": 1, "response": {}}, {"response": {"clientDataJSON": "e30"}}):
        assert log_in(nobody, nonsense).status_code == 401


def test_without_pages_there_are_no_passkeys(ada, nobody, configured):
    configured(app_url="")
    assert nobody.get("/v1/auth").json["passkeys"] is False
    for caller, path in ((ada, "/v1/me/passkeys/options"), (nobody, "/v1/auth/passkey/options")):
        assert caller.post(path).json["state"] == "off"
