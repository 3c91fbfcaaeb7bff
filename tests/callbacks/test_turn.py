"""One endpoint's turn, at a receiver that behaves as receivers do."""

import base64
import hmac
import ssl
import threading
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from standardwebhooks import Webhook

from sidecars.callbacks import client, deliveries, endpoints, turn
from sidecars.callbacks.turn import take_turn
from sidecars.models import Notice, WebhookDelivery, WebhookEndpoint, now
from sidecars.settings import settings


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """A request has a second; what failed is due again when the test says so."""
    monkeypatch.setattr(client, "ALL_SECONDS", 1.0)
    monkeypatch.setattr(client, "BODY_SECONDS", 0.3)
    with_settings(monkeypatch, courier_first_retry_seconds=60)


def with_settings(monkeypatch, **changed):
    made = settings.model_copy(update=changed)
    for module in (client, deliveries, endpoints, turn):
        monkeypatch.setattr(module, "settings", made)


def due_now(app):
    """As if the waits were over."""
    WebhookDelivery.update(due_at=now()).where(WebhookDelivery.endpoint == app.id).execute()
    WebhookEndpoint.update(due_at=now(), rests_until=None).where(WebhookEndpoint.id == app.id).execute()


def test_an_event_arrives_signed_and_with_the_same_id_whenever_it_is_told(app_of_a_team, happening, receiver):
    app = app_of_a_team("/ok/signed")
    event = happening(app.team.id, recipient="zoë@people.example")
    assert app.tell(event) == app.tell(event) == 1
    assert take_turn(app.id) is False
    take_turn(app.id)
    (request,) = [each for each in receiver.requests if each.path == "/ok/signed"]
    told = Webhook(app.secret).verify(request.body, request.headers)
    assert (told["type"], told["data"]) == ("email.delivered", {"recipient": "zoë@people.example"})
    assert request.headers["webhook-id"] == f"evt_{event.id.hex}"
    assert request.headers["content-type"] == "application/json"
    (attempt,) = app.attempts()
    assert (attempt.status, attempt.reply, attempt.error) == (200, "ok", "")
    assert (app.states(), app.row().due_at) == (["delivered"], None)


def test_two_secrets_sign_while_one_takes_over_from_the_other(app_of_a_team, happening, receiver):
    app = app_of_a_team("/ok/rotated")
    new = endpoints.rotate(app.row(), keep=timedelta(hours=1))
    app.tell(happening(app.team.id))
    take_turn(app.id)
    newest = endpoints.rotate(app.row(), keep=timedelta(0))
    app.tell(happening(app.team.id))
    take_turn(app.id)
    first, second = [each for each in receiver.requests if each.path == "/ok/rotated"]
    for secret in (app.secret, new):
        Webhook(secret).verify(first.body, first.headers)
    key = base64.b64decode(newest.removeprefix("whsec_"))
    signed = f"{second.headers['webhook-id']}.{second.headers['webhook-timestamp']}.".encode() + second.body
    alone = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    assert second.headers["webhook-signature"] == f"v1,{alone}"


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/fails", 500, ""),
        ("/moved", 302, "it redirects"),
        ("/hang", 0, "no answer within 1 s"),
        ("/drips", 0, "no answer within 1 s"),
        ("/hangs-up", 0, "hung up"),
        ("/garbage", 0, "does not speak HTTP"),
        ("/headers", 0, ""),
    ],
)
def test_what_is_not_taken_is_tried_again(app_of_a_team, happening, receiver, path, status, told):
    app = app_of_a_team(path)
    app.tell(happening(app.team.id))
    take_turn(app.id)
    (attempt,) = app.attempts()
    assert (attempt.status, told in attempt.error) == (status, True), attempt.error
    assert app.states() == ["waiting"]
    row = app.row()
    assert row.failures == 1
    assert row.failing_since
    assert row.rests_until
    assert not receiver.of("/ok")


@pytest.mark.parametrize(("path", "reply"), [("/liar", "short"), ("/endless", "more" * 250)])
def test_the_status_counts_whatever_ails_the_body(app_of_a_team, happening, path, reply):
    app = app_of_a_team(path)
    app.tell(happening(app.team.id))
    take_turn(app.id)
    (attempt,) = app.attempts()
    assert (attempt.status, attempt.reply, app.states()) == (200, reply, ["delivered"])


def test_an_event_that_fails_holds_up_what_is_about_the_same_mail_and_nothing_else(
    app_of_a_team, happening, receiver
):
    app = app_of_a_team("/picky/unlucky")
    mails = [uuid4() for _ in range(20)]
    types = ("email.accepted", "email.deferred", "email.delivered", "email.opened")
    app.tell(
        *(
            happening(
                app.team.id,
                type_,
                mail,
                mail=number,
                what="unlucky" if (number, type_) == (3, types[1]) else "",
            )
            for type_ in types
            for number, mail in enumerate(mails)
        )
    )
    while take_turn(app.id):
        pass
    of_mail = {mail: [(row.type, row.state) for row in app.rows() if row.about == mail] for mail in mails}
    unlucky = of_mail.pop(mails[3])
    assert unlucky == list(zip(types, ("delivered", "waiting", "waiting", "waiting"), strict=True))
    assert all(row == [(type_, "delivered") for type_ in types] for row in of_mail.values())
    came = receiver.of("/picky/unlucky")
    for mail in of_mail:
        in_order = [f"evt_{row.event_id.hex}" for row in app.rows() if row.about == mail]
        assert sorted(in_order, key=came.index) == in_order
    assert app.row().failing_since is None  # others get through


def test_an_event_is_tried_until_its_time_is_over(app_of_a_team, happening, receiver):
    app = app_of_a_team("/fails/2")
    app.tell(happening(app.team.id))
    for _ in range(3):
        take_turn(app.id)
        due_now(app)
    assert [attempt.status for attempt in app.attempts()] == [500, 500, 200]
    assert (app.states(), app.rows()[0].attempts) == (["delivered"], 3)

    hopeless = app_of_a_team("/fails")
    hopeless.tell(happening(hopeless.team.id))
    WebhookDelivery.update(give_up_at=now()).where(WebhookDelivery.endpoint == hopeless.id).execute()
    take_turn(hopeless.id)
    assert hopeless.states() == ["failed"]


def test_an_endpoint_where_nothing_gets_through_is_asked_by_one_request_at_a_time(
    app_of_a_team, happening, receiver
):
    app = app_of_a_team("/fails/every")
    app.tell(*(happening(app.team.id) for _ in range(100)))
    take_turn(app.id)
    first = len(app.attempts())
    assert settings.courier_at_once <= first <= 2 * settings.courier_at_once
    due_now(app)
    take_turn(app.id)
    assert len(app.attempts()) == first + 1
    assert app.row().failures == 2


def test_an_app_that_wants_a_rest_has_it(app_of_a_team, happening):
    app = app_of_a_team("/busy")
    app.tell(happening(app.team.id))
    take_turn(app.id)
    assert app.row().rests_until > now() + timedelta(minutes=40)


def test_an_endpoint_has_so_many_requests_at_once_and_no_more(app_of_a_team, happening, receiver):
    app = app_of_a_team("/slow/0.05")
    app.tell(*(happening(app.team.id) for _ in range(40)))
    take_turn(app.id)
    assert receiver.most_at_once["/slow/0.05"] == settings.courier_at_once
    assert set(app.states()) == {"delivered"}


def test_one_that_is_gone_is_disabled_at_once_and_its_team_told(app_of_a_team, happening, receiver):
    app = app_of_a_team("/gone")
    app.tell(happening(app.team.id), happening(app.team.id))
    take_turn(app.id)
    assert app.row().disabled_reason == turn.GONE
    assert app.states() == ["failed", "failed"]
    notice = Notice.get(Notice.team == app.team.id)
    assert (notice.kind, app.row().url in notice.text) == ("webhook_disabled", True)
    assert app.tell(happening(app.team.id)) == 0


def test_one_where_nothing_gets_through_for_long_is_disabled_and_can_be_enabled(
    app_of_a_team, happening, monkeypatch
):
    app = app_of_a_team("/fails/long")
    app.tell(happening(app.team.id))
    take_turn(app.id)
    long_ago = now() - timedelta(hours=settings.courier_disable_hours, minutes=1)
    WebhookEndpoint.update(failing_since=long_ago).where(WebhookEndpoint.id == app.id).execute()
    due_now(app)
    take_turn(app.id)
    assert "Nothing has got through since" in app.row().disabled_reason
    assert app.states() == ["failed"]
    endpoints.enable(app.row())
    endpoints.change(app.row(), url=app.row().url.replace("/fails/long", "/ok/again"))
    deliveries.replay(app.id, WebhookDelivery.endpoint == app.id)
    take_turn(app.id)
    assert (app.states(), app.row().failing_since) == (["delivered"], None)


def test_a_turn_is_one_workers_until_its_lease_is_over(app_of_a_team, happening, receiver):
    app = app_of_a_team("/ok/leased")
    app.tell(happening(app.team.id))
    assert deliveries.take_endpoint(app.id)
    assert take_turn(app.id) is False
    assert app.attempts() == []
    WebhookEndpoint.update(lease_until=now()).where(WebhookEndpoint.id == app.id).execute()
    take_turn(app.id)
    assert app.states() == ["delivered"]


def test_a_worker_that_drains_ends_its_turn_after_the_requests_at_hand(app_of_a_team, happening, monkeypatch):
    monkeypatch.setattr(turn, "draining", threading.Event())
    app = app_of_a_team("/slow/0.1")
    app.tell(*(happening(app.team.id) for _ in range(50)))
    threading.Timer(0.2, turn.draining.set).start()
    take_turn(app.id)
    assert 0 < app.states().count("waiting") < 50


def test_a_certificate_that_nobody_vouches_for_is_refused(app_of_a_team, happening, stack):
    from infra.local.secrets import Certificate
    from tests.callbacks.receiver import Receiver

    own = Certificate.below(stack.home)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    with Receiver(context) as secured:
        app = app_of_a_team("", url=secured.url.replace("http:", "https:"))
        app.tell(happening(app.team.id))
        take_turn(app.id)
        assert not secured.requests
    (attempt,) = app.attempts()
    assert attempt.error.startswith("its certificate is not good")


def test_what_is_old_or_of_no_endpoint_any_more_is_swept_away(app_of_a_team, happening):
    old, removed = app_of_a_team("/ok/old"), app_of_a_team("/ok/removed")
    for app in (old, removed):
        app.tell(happening(app.team.id))
        take_turn(app.id)
    WebhookDelivery.update(created_at=now() - timedelta(days=settings.courier_log_days + 1)).where(
        WebhookDelivery.endpoint == old.id
    ).execute()
    endpoints.remove(removed.row())
    ended = time.monotonic() + 60
    while deliveries.sweep() and time.monotonic() < ended:
        pass
    assert (old.rows(), removed.rows(), removed.attempts()) == ([], [], [])
    assert old.row()
    assert not WebhookEndpoint.get_or_none(WebhookEndpoint.id == removed.id)
