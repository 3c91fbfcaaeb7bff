"""Single sign-on at a real OpenID provider on loopback, which here also insists on PKCE."""

import io
import threading
from base64 import urlsafe_b64encode
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4
from wsgiref.simple_server import WSGIRequestHandler, make_server

import oidc_provider_mock
import pytest
import requests
from pydantic import SecretStr

from sidecars.models import User
from tests.people import Person, new_team

APP = "https://app.acme.example"


class Silent(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class WithPkce:
    """The provider; a code is worth a token only to whoever has the verifier of its challenge (RFC 7636)."""

    def __init__(self, app):
        self.app, self.challenges = app, {}

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        form = parse_qs(body.decode())
        if environ["PATH_INFO"] == "/oauth2/token":
            digest = sha256(form["code_verifier"][0].encode()).digest()
            if self.challenges.pop(form["code"][0], None) != urlsafe_b64encode(digest).rstrip(b"=").decode():
                start_response("400 Bad Request", [("Content-Type", "application/json")])
                return [b'{"error": "invalid_grant"}']
        asked = parse_qs(environ.get("QUERY_STRING", ""))

        def answer(status, headers, *more):
            found = parse_qs(urlsplit(dict(headers).get("Location", "")).query)
            if "code" in found:
                assert asked["code_challenge_method"] == ["S256"]
                self.challenges[found["code"][0]] = asked["code_challenge"][0]
            return start_response(status, headers, *more)

        return self.app(environ, answer)


@pytest.fixture(scope="module")
def provider():
    """Its address, without a slash at the end."""
    app = oidc_provider_mock.app(require_nonce=True)
    server = make_server("localhost", 0, WithPkce(app), handler_class=Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def on(provider, configured):
    configured(
        app_url=APP,
        sign_up="open",
        oidc_issuer=provider,
        oidc_client_id="kibamail",
        oidc_client_secret=SecretStr("between us"),
    )


@pytest.fixture
def come_back(nobody, provider):
    """What a person brings back from the provider, as whom it knows them there."""

    def _come_back(subject, **claims):
        requests.put(f"{provider}/users/{subject}", json=claims, timeout=10).raise_for_status()
        begun = nobody.post("/v1/auth/single-sign-on").json
        went = requests.post(
            begun["authorization_url"], data={"sub": subject}, allow_redirects=False, timeout=10
        )
        assert went.headers["Location"].startswith(f"{APP}/single-sign-on?")
        back = parse_qs(urlsplit(went.headers["Location"]).query)
        return {"code": back["code"][0], "state": back["state"][0], "flow": begun["flow"]}

    return _come_back


def finish(nobody, brought):
    return nobody.post("/v1/auth/single-sign-on/finish", json=brought)


def test_who_is_new_gets_an_account_and_a_team_and_is_known_the_next_time(nobody, come_back):
    subject = uuid4().hex
    claims = {"email": f"Grace-{subject}@people.example", "email_verified": True, "name": "Grace"}
    login = finish(nobody, come_back(subject, **claims))
    assert login.status_code == 201, login.json
    assert login.json["person"]["email"] == claims["email"].lower()
    me = nobody.get("/v1/me", headers={"Authorization": f"Bearer {login.json['token']}"}).json
    assert (me["team"]["name"], me["role"]) == ("Team of Grace", "ADMINISTRATOR")
    again = finish(nobody, come_back(subject, email="another@people.example", email_verified=False))
    assert again.json["person"] == login.json["person"]


def test_somebody_with_an_account_keeps_it(app, nobody, come_back, configured):
    person = Person(app, new_team())
    configured(sign_up="closed")
    claims = {"email": person.user.email, "email_verified": True}
    assert finish(nobody, come_back(uuid4().hex, **claims)).json["person"]["id"] == f"user_{person.user.id}"


def test_an_address_that_the_provider_did_not_confirm_opens_nothing(app, nobody, come_back, configured):
    person = Person(app)
    for claims in ({}, {"email": person.user.email}, {"email": person.user.email, "email_verified": False}):
        assert finish(nobody, come_back(uuid4().hex, **claims)).status_code == 401
    configured(sign_up="invitation")
    new = {"email": f"{uuid4().hex}@people.example", "email_verified": True}
    assert "invite" in finish(nobody, come_back(uuid4().hex, **new)).json["message"]
    assert User.get_or_none(User.email == new["email"]) is None


def test_an_answer_counts_once_and_only_for_who_began(app, nobody, come_back):
    claims = {"email": Person(app).user.email, "email_verified": True}
    subject = uuid4().hex
    brought = come_back(subject, **claims)
    assert finish(nobody, brought | {"flow": "another"}).status_code == 401
    assert finish(nobody, brought).status_code == 401  # whoever tried has spent it
    brought = come_back(subject, **claims)
    assert finish(nobody, brought).status_code == 201
    assert finish(nobody, brought).status_code == 401
    other = come_back(subject, **claims)
    mixed = come_back(subject, **claims) | {"code": other["code"]}
    assert finish(nobody, mixed).status_code == 401  # another's code: neither verifier nor nonce fit


def test_a_provider_that_is_away_or_another_is_told_apart(nobody, configured, provider):
    configured(oidc_issuer="http://localhost:9")
    assert nobody.post("/v1/auth/single-sign-on").json["state"] == "provider_away"
    configured(oidc_issuer=f"{provider}/")
    assert nobody.post("/v1/auth/single-sign-on").json["state"] == "misconfigured"
    configured(oidc_issuer="")
    assert nobody.post("/v1/auth/single-sign-on").json["state"] == "off"
    assert nobody.get("/v1/auth").json["single_sign_on"] is False
