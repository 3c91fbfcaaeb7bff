"""A person is forgotten, in MariaDB and in ClickHouse."""

from uuid import uuid4

from sidecars import names, streams
from sidecars.analytics.client import client
from sidecars.broadcasts.compose import load_planned
from sidecars.broadcasts.states import Reason, SendState
from sidecars.deliverability.erasures import erase
from sidecars.deliverability.suppressions import is_suppressed, suppress
from sidecars.enrichers.effects import apply
from sidecars.enrichers.outcome import Outcome, Suppress
from sidecars.models import Audience, Broadcast, Contact, ErasedAddress, Send, Suppression, database
from tests.mailing import mailing
from tests.raw_events import mta_event
from tests.support import wait_for


def test_an_address_goes_everywhere_and_stays_suppressed(stack):
    sent = mailing(2)
    mail, other = sent.mails
    team_id = sent.team_id
    producer = streams.producer()
    row = mta_event("delivered", mail.message_id, recipient=mail.email.upper())
    row |= mail.whose._asdict() | {"processed_at": row["occurred_at"]}
    producer.send(names.TOPIC_CH_MESSAGES, streams.ndjson([row])).get(timeout=60)
    recipients = "SELECT recipient, response FROM smtp_messages FINAL WHERE broadcast_id = {id:UInt32}"
    told = {"id": sent.broadcast_id}
    wait_for(lambda: client().execute(recipients, told))

    with database.connection_context():
        suppress(team_id, mail.email, "complaint")
        assert erase(team_id, mail.email).contacts == 1
        assert erase(team_id, mail.email).contacts == 0

        wait_for(lambda: client().execute(recipients, told) == [("", "")])
        audience = Audience.get(Audience.team == team_id)
        assert [contact.email for contact in Contact.select().where(Contact.audience == audience)] == [
            other.email
        ]
        assert not Suppression.select().where(Suppression.team == team_id).exists()
        assert mail.email.encode() not in b"".join(bytes(row.digest) for row in ErasedAddress.select())
        assert is_suppressed(team_id, [mail.email, other.email], "transactional") == {mail.email: "erased"}

        # A report that was still under way brings it not back.
        late = Suppress(team_id, mail.email, "hard_bounce", "", str(uuid4()))
        apply(Outcome(suppressions=[late]), producer)
        assert not Suppression.select().where(Suppression.team == team_id).exists()
    producer.close()


def test_who_is_added_again_is_left_out_right_before_the_mail_is_handed_over(stack):
    sent = mailing(2)
    with database.connection_context():
        Send.update(state=SendState.PLANNED).where(Send.broadcast_id == sent.broadcast_id).execute()
        erased, other = sent.mails
        erase(sent.team_id, erased.email)
        again = Contact.create(
            id=erased.whose.contact_id,
            audience=Broadcast.get_by_id(sent.broadcast_id).audience_id,
            email=erased.email,
        )
        planned = load_planned(sent.broadcast_id, again.id, other.whose.contact_id)
    assert [(each.recipient.email, each.unwanted) for each in planned] == [
        (erased.email, Reason.SUPPRESSED),
        (other.email, 0),
    ]
