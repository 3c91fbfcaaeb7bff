"""Double opt-in from MariaDB over the edge to the simulator, and back to the receiver's page."""

import email
import email.policy
import re
from datetime import timedelta

import pytest
import requests

from sidecars.audiences import confirmation_mails, confirming, contacts, history
from sidecars.audiences.confirming import NotPending, TooOften
from sidecars.audiences.contacts import ContactFacts
from sidecars.broadcasts.states import Reason, SendState
from sidecars.deliverability.suppressions import suppress
from sidecars.edge.records import write_domain
from sidecars.models import Confirmation, Contact, Email, Send, SendingDomain, database, now
from tests.sending import make_team
from tests.support import wait_for

PERSON = "accept.ada@outcome.example"


@pytest.fixture
def team(stack):
    Confirmation.update(state="unmailed").execute()  # what other tests left is not this one's to mail
    return make_team()


@pytest.fixture
def letter(team):
    """An audience that asks."""
    return contacts.create_audience(
        team.id,
        "internal name",
        public_name="Our {{ letter }} & <more>",
        double_opt_in=True,
        confirmation_sender_id=team.sender.id,
    )


@pytest.fixture
def edge(stack, team):
    stack.start_processes("simulator", "webhook", "smtp")
    write_domain(team.domain.id)
    return stack.url("simulator_http")


@pytest.fixture
def reader(stack):
    from sidecars.webhook.app import app

    return app.test_client()


def added(letter, address=PERSON, **facts):
    return contacts.upsert(letter.id, address, ContactFacts(**facts))[0]


def status(contact):
    return Contact.get_by_id(contact.id).status


def received(edge, confirmation):
    found = requests.get(
        f"{edge}/mails", params={"message_id": str(confirmation.message_id)}, timeout=10
    ).json()
    raws = [requests.get(f"{edge}/mails/{mail['id']}/raw", timeout=10).content for mail in found["mails"]]
    return [email.message_from_bytes(raw, policy=email.policy.default) for raw in raws]


def five_minutes_pass():
    database.execute_sql("UPDATE confirmations SET created_at = created_at - INTERVAL 5 MINUTE")


def waiting_state(contact):
    (confirmation,) = confirming.latest(contact.id)
    return confirmation.state, confirmation.reason


def test_who_confirms_by_the_mails_link_is_subscribed_and_the_proof_is_kept(edge, team, letter, reader):
    contact = added(letter, properties={"locale": "de-AT"})
    assert contact.status == "pending"
    assert contact.subscribed_at is None
    wait_for(lambda: confirmation_mails.mail_waiting() == 0)
    (confirmation,) = confirming.latest(contact.id)
    assert confirmation.state == "mailed"

    (mail,) = wait_for(lambda: received(edge, confirmation))
    assert mail["From"] == f"News <{team.sender.address}>"
    assert mail["To"] == PERSON
    assert mail["Subject"] == "Bitte bestätigen: Our {{ letter }} & <more>"
    assert mail["DKIM-Signature"]
    assert mail["List-Unsubscribe"] is None
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert f"Post von Our {{{{ letter }}}} & <more> an {PERSON} geht" in text
    assert "<bdi>Our {{ letter }} &amp; &lt;more&gt;</bdi>" in html
    (link,) = re.findall(r"https?://\S+/s/\S+", text)
    assert f'href="{link}"' in html
    assert link.endswith(".de-AT")
    ledger = Send.get(Send.message_id == confirmation.message_id)
    assert (ledger.team_id, ledger.broadcast_id) == (team.id, 0)
    assert Email.get(Email.message_id == confirmation.message_id).recipient == PERSON

    address = "/s/" + link.rpartition("/")[2]
    for _ in range(2):  # scanners look, and look again
        page = reader.get(address)
        assert page.status_code == 200
        assert "Möchten Sie E-Mails von" in page.text
    assert status(contact) == "pending"

    by = {"User-Agent": "Mozilla/5.0 (Ada)"}
    assert "Sie sind angemeldet" in reader.post(address, headers=by).text
    assert status(contact) == "subscribed"
    newest, first = history.of_contact(Contact.get_by_id(contact.id), team.id)
    assert (newest.status, newest.source, newest.ip) == ("subscribed", "confirmation", "127.0.0.1")
    assert newest.user_agent == "Mozilla/5.0 (Ada)"
    assert newest.shown == "Möchten Sie E-Mails von Our {{ letter }} & <more>?"
    assert newest.reference == str(confirmation.message_id)
    assert (first.status, first.source) == ("pending", "api")

    assert reader.post(address).status_code == reader.get(address).status_code == 200
    assert len(history.of_contact(contact, team.id)) == 2

    contacts.update(contact.id, ContactFacts(status="unsubscribed"))
    assert reader.post(address).status_code == 410
    assert status(contact) == "unsubscribed"


def test_a_link_that_is_over_or_forged_subscribes_nobody(letter, reader):
    from sidecars.mail.tokens import make_token
    from sidecars.settings import settings

    contact = added(letter)
    (confirmation,) = confirming.latest(contact.id)
    token = make_token(confirmation.message_id, settings.token_secret.get_secret_value())
    Confirmation.update(expires_at=now() - timedelta(seconds=1)).execute()
    assert reader.get(f"/s/{token}").status_code == 410
    assert reader.post(f"/s/{token}").status_code == 410
    assert reader.post(f"/s/{token[:-1]}a.de").status_code == 404
    assert status(contact) == "pending"
    contacts.delete(contact.id)
    assert reader.post(f"/s/{token}").status_code == 404


def test_nobody_is_asked_more_often_than_three_times_a_day(letter):
    contact = added(letter)
    added(letter, first_name="Ada")
    assert len(confirming.latest(contact.id)) == 1
    with pytest.raises(TooOften):
        confirming.ask_again(contact)
    for _ in range(2):
        five_minutes_pass()
        assert confirming.ask_again(contact).state == "waiting"
    five_minutes_pass()
    with pytest.raises(TooOften) as error:
        confirming.ask_again(contact)
    assert timedelta(hours=23) < error.value.again_at - now() < timedelta(hours=24)

    contacts.update(contact.id, ContactFacts(status="unsubscribed"))
    with pytest.raises(NotPending):
        confirming.ask_again(contact)
    assert added(letter, status="subscribed").status == "unsubscribed"
    assert added(letter, status="pending").status == "pending"
    assert len(confirming.latest(contact.id)) == 3
    Confirmation.update(created_at=now() - timedelta(days=2)).execute()
    contacts.update(contact.id, ContactFacts(status="unsubscribed"))
    added(letter, status="pending")
    assert len(confirming.latest(contact.id)) == 4


def test_who_cannot_be_asked_is_told_why(edge, team, letter):
    gone, fine, suppressed = (added(letter, f"accept.p{n}@outcome.example") for n in range(3))
    contacts.update(gone.id, ContactFacts(status="subscribed"))
    suppress(team.id, suppressed.email, "complaint")
    SendingDomain.update(verified_at=None).where(SendingDomain.id == team.domain.id).execute()
    assert confirmation_mails.mail_waiting() == 0
    assert waiting_state(fine) == ("waiting", "")
    SendingDomain.update(verified_at=now()).where(SendingDomain.id == team.domain.id).execute()
    wait_for(lambda: confirmation_mails.mail_waiting() == 0)
    assert waiting_state(gone) == ("unmailed", "The contact is subscribed")
    assert waiting_state(suppressed) == ("unmailed", "The address is suppressed: complaint")
    assert waiting_state(fine) == ("mailed", "")

    late = added(letter, "accept.late@outcome.example")
    Confirmation.update(expires_at=now()).where(Confirmation.contact == late.id).execute()
    confirmation_mails.mail_waiting()
    assert waiting_state(late)[0] == "unmailed"


def test_an_edge_that_is_away_gets_the_mail_once_when_it_is_back(edge, stack, letter):
    stack.stop_processes("smtp")
    contact = added(letter)
    assert confirmation_mails.mail_waiting() == 1
    assert confirmation_mails.mail_waiting() == 1
    (confirmation,) = confirming.latest(contact.id)
    ledger = Send.get(Send.message_id == confirmation.message_id)
    assert (ledger.state, ledger.reason) == (SendState.PLANNED, Reason.NONE)
    stack.start_processes("smtp")
    wait_for(lambda: confirmation_mails.mail_waiting() == 0)
    assert len(wait_for(lambda: received(edge, confirmation))) == 1
