"""What a broadcast's mails are compiled to, by the row of their sending domain."""

from uuid import uuid4

import pytest

from sidecars.broadcasts.compose import compile_variant
from sidecars.broadcasts.publish import prepare_variant
from sidecars.mail.recipients import Recipient
from sidecars.models import Audience, SendingDomain, Variant, now
from sidecars.settings import settings
from tests.mail.samples import TOKEN
from tests.sending import make_draft, make_people, make_team


@pytest.fixture
def links(stack):
    """The hosts that lead to us in the mail of a domain with these columns."""

    def _links(**columns):
        team = make_team()
        SendingDomain.update(name=team.domain.name, **columns).where(
            SendingDomain.id == team.domain.id
        ).execute()
        draft = make_draft(team, make_people(team, 1).audience, track_clicks=True, track_opens=True)
        variant = Variant.get(Variant.broadcast == draft)
        mail = b"".join(compile_variant(variant, prepare_variant(variant)).shared).replace(b"=\r\n", b"")
        ours, theirs = (
            url.encode() in mail
            for url in (
                f"{settings.tracking_url}/c/",
                f"http://links.acme.example:{settings.webhook_port}/c/",
            )
        )
        return ours, theirs

    return _links


def test_links_lead_to_the_domains_own_host_only_once_it_was_seen(links):
    assert links() == (True, False)
    assert links(tracking_host="links.acme.example") == (True, False)
    assert links(tracking_host="links.acme.example", tracking_verified_at=now()) == (False, True)


def test_links_to_pages_say_the_audiences_language(stack):
    team = make_team()
    people = make_people(team, 1)
    Audience.update(locale="de").where(Audience.id == people.audience.id).execute()
    variant = Variant.get(Variant.broadcast == make_draft(team, people.audience))
    mail = compile_variant(variant, prepare_variant(variant))
    composed = mail.compose(Recipient(uuid4(), 1, "ada@people.example"), TOKEN, now())
    assert f"/u/{TOKEN}.de>".encode() in mail.assemble(composed.values)
