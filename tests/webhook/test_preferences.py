"""The preference page, read and sent as a browser without scripts does."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from uuid import uuid4

import pytest

from sidecars.broadcasts.states import SendState
from sidecars.deliverability.suppressions import is_suppressed
from sidecars.mail.tokens import make_token
from sidecars.models import (
    Audience,
    Broadcast,
    Contact,
    Email,
    Send,
    Suppression,
    SuppressionRemoval,
    Team,
    database,
)
from sidecars.settings import settings
from tests.mailing import mailing

SECRET = settings.token_secret.get_secret_value()


class Page(HTMLParser):
    """A page's form as (name, value) pairs that a press of its button would send, and what else it has."""

    def __init__(self, answer):
        super().__init__()
        self.status, self.text = answer.status_code, answer.text
        self.form, self.inputs, self.posts, self.root, self.labels = [], [], [], {}, 0
        self.feed(answer.text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "html":
            self.root = found
        if tag == "form":
            self.posts.append(found.get("action"))
        if tag == "label":
            self.labels += 1
        if tag == "input":
            self.inputs.append(found)
            if found["type"] == "hidden" or "checked" in found:
                self.form.append((found["name"], found["value"]))

    def values(self, name):
        return [value for each, value in self.form if each == name]


class Reader:
    """Someone who got a mail of a broadcast, is on that list and on another, and may join a third."""

    def __init__(self, client):
        self.client, self.sent = client, mailing(1)
        self.mail = self.sent.mails[0]
        self.address = f"/p/{make_token(self.mail.message_id, SECRET)}"
        with database.connection_context():
            team = self.sent.team_id
            self.own = Broadcast.get_by_id(self.sent.broadcast_id).audience_id
            self.other = Audience.create(team=team, name="Customers <i>", public_name="Offers & <b>news").id
            self.open = Audience.create(team=team, name="Tea", description="Now & then", is_open=True).id
            Audience.create(team=team, name="Hidden")
            Contact.create(audience=self.other, email=self.mail.email)

    def look(self, **options):
        return Page(self.client.get(self.address, **options))

    def send(self, form, **options):
        return Page(self.client.post(self.address, data=as_data(form), **options))

    def lists(self):
        with database.connection_context():
            rows = Contact.select().where(Contact.email == self.mail.email).order_by(Contact.audience)
            found = {row.audience_id: row.status for row in rows}
        return [found.get(id_) for id_ in (self.own, self.other, self.open)]

    def suppressed(self, stream="broadcast"):
        with database.connection_context():
            return is_suppressed(self.sent.team_id, [self.mail.email], stream).get(self.mail.email)


def as_data(form):
    data = {}
    for name, value in form:
        data.setdefault(name, []).append(value)
    return data


def without(form, *gone):
    return [each for each in form if each not in gone]


def when(form, value):
    return [*((name, old) for name, old in form if name != "when"), ("when", value)]


def in_days(days):
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


@pytest.fixture
def reader(client):
    return Reader(client)


def test_the_page_shows_the_lists_and_looking_changes_nothing(reader, clicks):
    before = reader.lists()
    page = reader.look()

    assert page.status == 200
    assert page.values("shown") == [str(id_) for id_ in (reader.own, reader.other, reader.open)]
    assert page.values("keep") == [str(reader.own), str(reader.other)]
    assert page.values("when") == ["none"]
    assert "<bdi>Offers &amp; &lt;b&gt;news</bdi>" in page.text
    assert "<bdi>Now &amp; then</bdi>" in page.text
    assert "Customers" not in page.text
    assert "Hidden" not in page.text
    assert page.labels == len([each for each in page.inputs if each["type"] != "hidden"])
    assert (reader.lists(), clicks.events()) == (before, [])


def test_lists_are_left_and_joined_at_once_and_a_second_time_changes_nothing(reader, clicks):
    form = reader.look().form
    form = [*without(form, ("keep", str(reader.own))), ("keep", str(reader.open))]
    for _ in range(2):
        page = reader.send(form)
        assert "Saved" in page.text
        assert page.values("keep") == [str(reader.other), str(reader.open)]
        assert reader.lists() == ["unsubscribed", "subscribed", "subscribed"]

    (event,) = clicks.wait_for_events(1)
    assert (event["message_id"], event["type"]) == (str(reader.mail.message_id), "unsubscribe")
    assert event["method"] == "preferences", "it is counted for the broadcast, and done here"
    assert reader.suppressed() is None

    reader.send([*form, ("keep", str(reader.own))])
    assert reader.lists()[0] == "subscribed"


def test_everything_is_left_for_broadcasts_alone_and_the_same_page_undoes_it(reader, clicks):
    form = reader.look().form
    page = reader.send(when(form, "forever"))

    assert page.values("when") == ["forever"]
    assert (reader.suppressed(), reader.suppressed("transactional")) == ("unsubscribe", None)
    assert reader.lists() == ["subscribed", "subscribed", None], "what they come back to"
    assert clicks.wait_for_events(1)[0]["method"] == "preferences"

    assert reader.send(when(form, "none")).values("when") == ["none"]
    assert reader.suppressed() is None
    with database.connection_context():
        removal = SuppressionRemoval.get(SuppressionRemoval.team == reader.sent.team_id)
    assert (removal.reason, removal.removed_by) == ("unsubscribe", "the recipient")


def test_a_break_ends_by_itself_and_may_be_changed(reader):
    form = reader.look().form
    week, month = in_days(7), in_days(30)
    assert {week, month, in_days(91)} < {each["value"] for each in reader.look().inputs}
    for until in (month, week, week):
        assert reader.send(when(form, until)).values("when") == [until]
        with database.connection_context():
            row = Suppression.get(Suppression.team == reader.sent.team_id)
        assert (row.stream, row.reason) == ("broadcast", "pause")
        assert row.expires_at.isoformat() == f"{until}T00:00:00+00:00"
    assert reader.suppressed() == "pause"

    with database.connection_context():
        Suppression.update(expires_at=datetime.now(UTC)).where(Suppression.id == row.id).execute()
    assert reader.suppressed() is None
    assert reader.look().values("when") == ["none"]

    assert reader.send(when(form, in_days(12))).values("when") == [in_days(12)], "any day before the longest"
    assert reader.send(when(form, "forever")).values("when") == ["forever"]
    assert reader.send(when(form, week)).values("when") == [week]
    assert reader.send(when(form, in_days(-1))).values("when") == ["none"], (
        "a form sent again when it is over"
    )


def test_what_the_form_does_not_say_stays_and_what_the_page_never_sends_is_refused(reader):
    before = reader.lists()
    for form in ([], [("keep", "999999999")], [("shown", "999999999"), ("keep", "999999999")]):
        assert reader.send(form).status == 200
    for form in (
        [("when", "soon")],
        [("when", in_days(200))],
        [("shown", "x")],
        [("shown", str(reader.own)), ("keep", "")],
    ):
        assert reader.send(form).status == 400
    assert (reader.lists(), reader.suppressed()) == (before, None)


def test_a_suppression_that_is_not_the_persons_own_stays_and_is_told(reader):
    with database.connection_context():
        Suppression.create(team=reader.sent.team_id, email=reader.mail.email, reason="complaint")
    page = reader.look()
    assert "This address gets no newsletters" in page.text
    for choice in ("forever", "none"):
        reader.send(when(page.form, choice))
    assert reader.suppressed() == "complaint"


def test_a_mail_of_no_list_has_the_page_too(client):
    message_id, address = uuid4(), "ada@people.example"
    with database.connection_context():
        team = Team.create(name="Shop")
        facts = {"message_id": message_id, "team_id": team.id}
        email = Email.create(**facts, source="smtp", from_address="a@shop.example", recipient=address)
        Send.create(**facts, broadcast_id=0, contact_id=email.id, state=SendState.ACCEPTED)
    link = f"/p/{make_token(message_id, SECRET)}"
    page = Page(client.get(link))
    assert (page.values("shown"), page.values("when")) == ([], ["none"])
    client.post(link, data={"when": "forever"})
    with database.connection_context():
        assert is_suppressed(team.id, [address], "broadcast") == {address: "unsubscribe"}


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_forged_token_and_a_contact_that_is_gone_are_told_so(reader, method):
    forged = reader.address[:-1] + ("a" if reader.address[-1] != "a" else "b")
    assert getattr(reader.client, method)(forged).status_code == 404
    with database.connection_context():
        Contact.delete().where(Contact.id == reader.mail.whose.contact_id).execute()
    assert getattr(reader.client, method)(reader.address).status_code == 404


@pytest.mark.parametrize(
    ("suffix", "accepts", "tag", "direction"),
    [
        ("", "", "en", "ltr"),
        ("", "fr-CH, de;q=0.8", "fr", "ltr"),
        (".he", "fr", "he", "rtl"),
        (".pt-BR", "fr", "pt", "ltr"),
        (".sv", "tr", "tr", "ltr"),
        (".../x", "", "en", "ltr"),
    ],
)
def test_the_pages_speak_the_links_language_else_the_browsers(reader, suffix, accepts, tag, direction):
    reader.address += suffix.partition("/")[0]
    page = reader.look(headers={"Accept-Language": accepts})
    assert page.root == {"lang": tag, "dir": direction}
    plain = reader.client.get(reader.address.replace("/p/", "/u/"), headers={"Accept-Language": accepts})
    assert plain.headers["Content-Language"] == tag
    assert Page(plain).root == page.root
