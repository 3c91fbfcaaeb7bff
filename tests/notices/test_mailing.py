"""Notices from MariaDB over the edge to the simulator."""

import email
import email.policy
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
import requests
from prometheus_client import REGISTRY

from sidecars.broadcasts.states import Reason, SendState
from sidecars.deliverability.suppressions import suppress
from sidecars.edge.records import write_domain
from sidecars.models import Email, Membership, Notice, Send, Team, User, database, now
from sidecars.notices import mailing, outbox
from sidecars.settings import settings
from tests.sending import make_team
from tests.support import wait_for

NAME = "Spring {{ contact.email }} {% if %} <b>"
FACTS = {"name": NAME, "broadcast_id": 7, "reason": "Paused: 7.4% of mails bounced hard."}


@pytest.fixture
def edge(stack):
    Notice.update(state="unmailed").execute()  # what other tests left is not this one's to mail
    stack.start_processes("simulator", "webhook", "smtp")
    return stack.url("simulator_http")


@pytest.fixture
def operator(stack, monkeypatch):
    """The team that NOTICES_FROM belongs to."""
    team = make_team()
    write_domain(team.domain.id)
    said = {"notices_from": f"Kibamail <notices@{team.domain.name}>"}
    monkeypatch.setattr(mailing, "settings", settings.model_copy(update=said))
    return team


@pytest.fixture
def acme(stack):
    """A team with one person of each role."""
    team = Team.create(name="Acme & Sons")
    for role in ("ADMINISTRATOR", "MANAGER", "AUTHOR", "GUEST"):
        person = User.create(email=f"{role.lower()}-{uuid4().hex[:8]}@inbox.example", name=role.title())
        Membership.create(team=team, user=person, role=role)
    return team


def address_of(team, role):
    return User.select().join(Membership).where(Membership.team == team, Membership.role == role).get().email


def tell(team, occurrence="first"):
    with database.atomic():
        outbox.tell(team.id, "broadcast_paused", "broadcast:7", occurrence, **FACTS)
    return Notice.select().where(Notice.team == team).order_by(Notice.id.desc()).get()


def sends(notice):
    """(recipient, state, reason) of its mails in the ledger."""
    rows = Email.select(Email, Send).join(Send, on=(Send.contact_id == Email.id), attr="send")
    mine = rows.where(Email.submission == f"notice-{notice.id}", Send.broadcast_id == 0)
    return {row.recipient: (SendState(row.send.state), Reason(row.send.reason)) for row in mine}


def state_of(notice):
    row = Notice.get_by_id(notice.id)
    return row.state, row.reason


def received(edge, address):
    """All mails that the simulator got of those written down for the address, parsed."""
    mails = Email.select().where(Email.recipient == address)
    queries = [{"message_id": str(mail.message_id)} for mail in mails]
    found = [
        mail
        for query in queries
        for mail in requests.get(f"{edge}/mails", params=query, timeout=10).json()["mails"]
    ]
    raws = [requests.get(f"{edge}/mails/{mail['id']}/raw", timeout=10).content for mail in found]
    return [email.message_from_bytes(raw, policy=email.policy.default) for raw in raws]


def test_administrators_and_managers_get_a_notice_once_however_many_tell_and_mail_it(edge, operator, acme):
    notice = tell(acme)
    tell(acme)
    assert Notice.select().where(Notice.team == acme).count() == 1
    suppress(operator.id, address_of(acme, "MANAGER"), "complaint")

    def mail():
        with database.connection_context():
            mailing.mail_waiting()

    processes = [threading.Thread(target=mail) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    wait_for(lambda: mailing.mail_waiting() == 0)

    assert state_of(notice) == ("mailed", "")
    administrator = address_of(acme, "ADMINISTRATOR")
    told = sends(notice)
    assert set(told) == {administrator, address_of(acme, "MANAGER")}
    assert told[address_of(acme, "MANAGER")] == (SendState.SKIPPED, Reason.SUPPRESSED)
    assert told[administrator][0] in (SendState.ACCEPTED, SendState.DELIVERED)
    (mail,) = wait_for(lambda: received(edge, administrator))
    assert mail["From"] == f"Kibamail <notices@{operator.domain.name}>"
    assert mail["Subject"] == f'Your broadcast "{NAME}" has paused itself'
    assert mail["DKIM-Signature"]
    assert mail["List-Unsubscribe"] is None
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "Paused: 7.4% of mails bounced hard." in text
    assert "    POST /v1/broadcasts/bc_7/resume" in text
    assert text.rstrip().endswith("To the administrators and managers of Acme & Sons.")
    assert "POST /v1/broadcasts/bc_7/resume" in html
    assert "{{ contact.email }} {% if %} &lt;b&gt;" in html

    assert state_of(tell(acme, "second"))[0] == "waiting"


def test_what_no_edge_takes_waits_and_is_tried_again(edge, stack, operator, acme):
    stack.stop_processes("smtp")
    notice = tell(acme)
    assert mailing.mail_waiting() == 1
    assert state_of(notice)[0] == "addressed"
    assert {state for state, _ in sends(notice).values()} == {SendState.PLANNED}
    stack.start_processes("smtp")
    wait_for(lambda: mailing.mail_waiting() == 0)
    assert state_of(notice)[0] == "mailed"
    assert len(wait_for(lambda: received(edge, address_of(acme, "MANAGER")))) == 1


def test_without_a_verified_origin_nobody_is_mailed_and_that_is_counted(edge, operator, acme, monkeypatch):
    def unmailed():
        return REGISTRY.get_sample_value("kibamail_notices_total", {"outcome": "unmailed"}) or 0

    def come_from(author):
        said = {"notices_from": author}
        monkeypatch.setattr(mailing, "settings", settings.model_copy(update=said))

    before = unmailed()
    come_from("")
    notice = tell(acme)
    assert mailing.mail_waiting() == 0
    assert state_of(notice) == ("unmailed", "NOTICES_FROM is not set")
    with pytest.raises(mailing.NoOrigin, match="NOTICES_FROM is not set"):
        mailing.origin()

    come_from("notices@nobodys.example")
    notice = tell(acme, "second")
    assert mailing.mail_waiting() == 1
    assert state_of(notice) == ("waiting", "")
    with pytest.raises(mailing.NoOrigin, match=r"No team has verified nobodys\.example"):
        mailing.origin()
    Notice.update(created_at=now() - timedelta(days=4)).where(Notice.id == notice.id).execute()
    assert mailing.mail_waiting() == 0
    assert state_of(notice) == ("unmailed", "It could not be mailed for 3 days")

    come_from(f"notices@{operator.domain.name}")
    for role in ("ADMINISTRATOR", "MANAGER"):
        suppress(operator.id, address_of(acme, role), "hard_bounce")
    for team in (acme, Team.create(name="Nobody")):
        notice = tell(team, "third")
        assert mailing.mail_waiting() == 0
        nobody = "The team has no administrator or manager whom mail may reach"
        assert state_of(notice) == ("unmailed", nobody)
    assert unmailed() == before + 4
