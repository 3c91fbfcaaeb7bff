"""The process types `webhook` and `enricher` as they run in production."""

import os
import signal

import pytest
import requests

from sidecars import names
from sidecars.analytics.reports import message_timeline
from sidecars.broadcasts.states import SendState
from sidecars.mail.tokens import make_token
from sidecars.settings import settings
from sidecars.streams import ndjson
from sidecars.webhook.mta import sign
from tests.mailing import mailing
from tests.raw_events import BROWSER, mta_event, unix_now
from tests.support import wait_for

WEBHOOK = f"http://127.0.0.1:{settings.webhook_port}"
HEADERS = {"User-Agent": BROWSER, "Accept-Language": "de"}


@pytest.fixture(scope="module")
def processes(stack):
    stack.start_processes("webhook", "enricher")
    yield stack.processes
    stack.stop_processes("webhook", "enricher")


def report(events):
    """As the edge does: again, if the receiver cannot take them now."""
    wait_for(lambda: is_taken(events), interval=0.5)


def is_taken(events):
    body, timestamp = ndjson(events), unix_now()
    signature = sign(body, timestamp, settings.webhook_secret.get_secret_value())
    headers = {names.HEADER_TIMESTAMP: str(timestamp), names.HEADER_SIGNATURE: signature}
    answer = requests.post(f"{WEBHOOK}/mta/events", data=body, headers=headers, timeout=30)
    assert answer.status_code in (200, 503), answer.text
    return answer.ok


def types_in_timeline(sent, mail):
    return {event["type"] for event in message_timeline(sent.team_id, mail.message_id)}


def test_what_is_posted_is_in_ledger_and_timeline(processes):
    sent = mailing(1)
    mail = sent.mails[0]
    token = make_token(mail.message_id, settings.token_secret.get_secret_value())
    warm = mailing(1)
    report([mta_event("delivered", warm.mails[0].message_id)])
    wait_for(lambda: types_in_timeline(warm, warm.mails[0]))

    delivered = mta_event("delivered", mail.message_id, team_id=sent.team_id)
    report([delivered])
    requests.get(f"{WEBHOOK}/o/{token}.gif", headers=HEADERS, timeout=10)
    requests.get(f"{WEBHOOK}/c/{token}/0", headers=HEADERS, timeout=10, allow_redirects=False)
    requests.post(f"{WEBHOOK}/u/{token}", data={"List-Unsubscribe": "One-Click"}, timeout=10)

    wait_for(lambda: types_in_timeline(sent, mail) == {"delivered", "open", "click", "unsubscribe"})
    (told,) = (e for e in message_timeline(sent.team_id, mail.message_id) if e["type"] == "delivered")
    assert told["state"] == "delivered"
    assert [tuple(step.values()) for step in delivered["conversation"]] == told["conversation"]
    for field in ("recipient", "attempt", "code", "response", "provider", "mx", "tls_version", "delay_ms"):
        assert told[field] == delivered[field]
    assert mail.send().state == SendState.DELIVERED
    assert mail.contact().status == "unsubscribed"


def test_an_enricher_that_was_killed_goes_on(processes, stack):
    sent = mailing(2)
    first, second = sent.mails
    report([mta_event("delivered", first.message_id)])
    wait_for(lambda: first.send().state == SendState.DELIVERED)

    os.kill(processes["enricher"].daemon.pid(), signal.SIGKILL)
    wait_for(lambda: processes["enricher"].daemon.pid() is None)
    report([mta_event("delivered", second.message_id)])
    stack.start_processes("enricher")

    wait_for(lambda: second.send().state == SendState.DELIVERED)


def test_an_enricher_drains_and_says_so(processes, stack):
    stack.stop_processes("enricher")

    events = processes["enricher"].daemon.log_file.read_text()
    assert events.rindex('"event":"draining"') < events.rindex('"event":"stopped"')
