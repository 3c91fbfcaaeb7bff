from html.parser import HTMLParser
from uuid import uuid4

import pytest

from sidecars import names
from sidecars.mail.tokens import make_token
from sidecars.settings import settings
from sidecars.streams import ndjson
from sidecars.webhook.mta import sign
from tests.mailing import mailing
from tests.raw_events import inbound, mta_event, unix_now
from tests.support import frozen, wait_for

SECRET = settings.token_secret.get_secret_value()


@pytest.fixture
def message_id():
    return uuid4()


@pytest.fixture
def address(message_id):
    return f"/u/{make_token(message_id, SECRET)}"


class Form(HTMLParser):
    """The method and action of a page's only form."""

    def __init__(self, page):
        super().__init__()
        self.forms = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "form":
            self.forms.append(dict(attrs))


def test_looking_at_the_page_changes_nothing(client, address, clicks):
    answer = client.get(address)

    assert answer.status_code == 200
    assert Form(answer.text).forms == [{"method": "post"}]
    assert clicks.events() == []


def test_the_button_unsubscribes(client, address, message_id, clicks):
    answer = client.post(address)

    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.text
    (event,) = clicks.wait_for_events(1)
    assert (event["message_id"], event["type"], event["method"]) == (str(message_id), "unsubscribe", "page")


def test_a_mailbox_provider_unsubscribes_with_one_click_by_a_form(client, address, clicks):
    assert client.post(address, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert clicks.wait_for_events(1)[0]["method"] == "one-click"


def test_one_click_may_come_as_multipart_too(client, address, clicks):
    # RFC 8058 section 3.2 allows both encodings.
    answer = client.post(
        address, data={"List-Unsubscribe": "One-Click"}, content_type="multipart/form-data; boundary=x"
    )

    assert answer.status_code == 200
    assert clicks.wait_for_events(1)[0]["method"] == "one-click"


def test_the_contact_has_left_within_a_moment_without_an_enricher(client):
    mail = mailing(1).mails[0]
    address = f"/u/{make_token(mail.message_id, SECRET)}"
    assert client.post(f"{address}.de").status_code == 200

    wait_for(lambda: mail.contact().status == "unsubscribed")


def test_so_it_has_by_mail_whatever_else_the_edge_reports(client):
    left, bounced = mailing(2).mails
    events = [
        mta_event("delivered", bounced.message_id),
        inbound(bounced.message_id, b"To: b-token@kb.news.example\r\n\r\n"),
        inbound(left.message_id, b"To: u-token@kb.news.example\r\n\r\n", "u-token@kb.news.example"),
    ]
    body, timestamp = ndjson(events), unix_now()
    signature = sign(body, timestamp, settings.webhook_secret.get_secret_value())
    headers = {names.HEADER_TIMESTAMP: timestamp, names.HEADER_SIGNATURE: signature}
    assert client.post("/mta/events", data=body, headers=headers).status_code == 200

    wait_for(lambda: left.contact().status == "unsubscribed")
    assert bounced.contact().status == "subscribed"


def test_a_second_time_is_answered_like_the_first(client, address, clicks):
    answers = [client.post(address, data={"List-Unsubscribe": "One-Click"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(clicks.wait_for_events(2)) == 2


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_forged_token_is_told_so_and_changes_nothing(client, address, clicks, method):
    forged = address[:-1] + ("a" if address[-1] != "a" else "b")

    answer = getattr(client, method)(forged)

    assert answer.status_code == 404
    assert "This link does not work" in answer.text
    assert clicks.events() == []


def test_the_page_loads_nothing_from_elsewhere_and_is_never_framed_or_kept(client, address):
    headers = client.get(address).headers

    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


def test_while_kafka_is_down_it_says_to_come_again(client, address, stack):
    with frozen(stack.kafka.daemon):
        answer = client.post(address)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    assert "Please try again in a minute" in answer.text
