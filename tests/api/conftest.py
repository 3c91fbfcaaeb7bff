"""The API in this process, on the real services; two teams that ask it."""

from types import SimpleNamespace
from uuid import uuid4

import pytest

from sidecars.accounts import keys
from sidecars.api.ids import number
from sidecars.audiences import contacts
from sidecars.audiences.contacts import ContactFacts
from sidecars.audiences.segments import store as segments
from sidecars.callbacks import endpoints, feed
from sidecars.callbacks.events import sampled
from sidecars.deliverability import domains, senders
from sidecars.deliverability.suppressions import suppress
from sidecars.models import (
    Broadcast,
    ContactExport,
    ContactImport,
    Email,
    Send,
    SendingDomain,
    Submission,
    Team,
    now,
)

# The fields of every error (RFC 9457).
PROBLEM = ("type", "title", "status", "detail", "instance")


class Caller:
    """A program of one team: calls the API with its key."""

    def __init__(self, app, name):
        self.team = Team.create(name=name)
        self.key = keys.make(self.team.id, "tests").secret
        self._client = app.test_client()

    def __getattr__(self, method):
        def call(path, **options):
            headers = {"Authorization": f"Bearer {self.key}"} | options.pop("headers", {})
            return getattr(self._client, method)(path, headers=headers, **options)

        return call


@pytest.fixture(scope="session")
def app(stack):
    from sidecars.api.app import create_app

    # A worker or its clock would move what a test puts somewhere.
    stack.stop_processes("fanout", "enricher")
    made = create_app()
    # Answers are held against their models; one that differs fails as 500.
    made.validate_response = True
    return made


@pytest.fixture(scope="module")
def everything(stack):
    """Every process runs, for the tests of one file."""
    running = ("simulator", "webhook", "smtp", "fanout", "enricher", "web")
    stack.start_processes(*running)
    yield stack
    stack.stop_processes("fanout", "enricher", "web")


@pytest.fixture
def acme(app):
    return Caller(app, "Acme")


@pytest.fixture
def other(app):
    return Caller(app, "Other")


@pytest.fixture
def nobody(app):
    """Someone without a key."""
    return app.test_client()


@pytest.fixture
def goods(acme):
    """One of everything that a team can have, made without the API."""
    team_id = acme.team.id
    domain = domains.create(team_id, f"{uuid4().hex[:12]}.example")
    SendingDomain.update(verified_at=now()).where(SendingDomain.id == domain.id).execute()
    sender = senders.create(team_id, "Acme News", f"news@{domain.name}")
    audience = contacts.create_audience(team_id, "Readers")
    contact, _ = contacts.upsert(audience.id, "ada@mail.example", ContactFacts("Ada", "Lovelace"))
    broadcast_id = acme.post(
        "/v1/broadcasts",
        json={
            "name": "First",
            "audience_id": f"aud_{audience.id}",
            "sender_id": f"snd_{sender.id}",
            "subject": "Hello {{ contact.first_name | default: 'friend' }}",
            "body": '<p>Hi {{ contact.first_name }}, <a href="https://acme.example/x">look</a>.</p>',
        },
    ).json["id"]
    broadcast = Broadcast.get_by_id(number(broadcast_id))
    message_id = uuid4()
    email = Email.create(
        team=team_id,
        message_id=message_id,
        source="smtp",
        from_address="a@b.example",
        recipient="c@d.example",
    )
    Send.create(broadcast_id=0, contact_id=email.id, team_id=team_id, message_id=message_id, state=3)
    submission = Submission.create(id=uuid4(), team=team_id, stream="transactional", sender="a@b.example")
    Email.update(submission=submission.id.hex, source="api").where(Email.id == email.id).execute()
    job = ContactImport.create(team=team_id, audience=audience, filename="x.csv", storage_key="gone")
    api_key = keys.make(team_id, "spare").record
    segment = segments.create(audience, "Unnamed", {"field": "last_name", "op": "empty"})
    suppression = suppress(team_id, "gone@mail.example", "hard_bounce", detail="550 unknown")
    layout = acme.post("/v1/layouts", json={"name": "Frame", "body": "{{ content }}"}).json["id"]
    template = acme.post("/v1/templates", json={"name": "Letter", "subject": "Hi", "body": "<p>Hi</p>"}).json[
        "id"
    ]
    picture = acme.post("/v1/media", json={"name": "a.png", "bytes": 1}).json["id"]
    webhook, _ = endpoints.create(team_id, "http://127.0.0.1:9/", ["email.opened"], None, "")
    feed.record([sampled(team_id, "email.opened")], feed.listeners([team_id]))
    return SimpleNamespace(
        # As the API shows them.
        ids=SimpleNamespace(
            domain=f"dom_{domain.id}",
            sender=f"snd_{sender.id}",
            audience=f"aud_{audience.id}",
            contact=f"con_{contact.id}",
            segment=f"seg_{segment.id}",
            broadcast=broadcast_id,
            message=f"msg_{message_id.hex}",
            email=f"email_{submission.id.hex}",
            api_key=f"key_{api_key.id}",
            contact_import=f"imp_{job.id}",
            contact_export=f"exp_{ContactExport.create(team=team_id, audience=audience, format='csv').id}",
            suppression=f"sup_{suppression.id}",
            template=template,
            layout=layout,
            media=picture,
            webhook=f"wh_{webhook.id}",
            delivery=f"whd_{webhook.deliveries.get().id}",
        ),
        domain=domain,
        sender=sender,
        audience=audience,
        contact=contact,
        broadcast=broadcast,
        message_id=message_id,
        api_key=api_key,
        email=email,
        contact_import=job,
        suppression=suppression,
    )


@pytest.fixture
def fields():
    """The places that a 422 complains of; its shape is checked on the way."""

    def _fields(response):
        assert response.status_code == 422, response.get_data(as_text=True)
        assert set(response.json) == {"message", "errors", *PROBLEM}
        assert response.json["message"] == response.json["detail"]
        assert (response.json["type"], response.json["status"]) == ("invalid", 422)
        for error in response.json["errors"]:
            assert set(error) == {"message", "field"}
            assert error["message"]
        return [error["field"] for error in response.json["errors"]]

    return _fields
