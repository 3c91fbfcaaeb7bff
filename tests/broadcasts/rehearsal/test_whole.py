"""A rehearsal from its beginning to its end, through the real edge, DNS and web."""

import json
from uuid import uuid4

import pytest

from infra.local.install import install_debian_packages
from sidecars.broadcasts.errors import WrongState
from sidecars.broadcasts.rehearsal import spam
from sidecars.broadcasts.rehearsal.checks import CHECKS, Rehearsal, _made, rehearse
from sidecars.broadcasts.rehearsal.findings import Status
from sidecars.edge.store import redis
from sidecars.models import Broadcast, Content, Send, Variant
from tests.sending import make_draft, make_people, make_team

SPAM = """<p>Dear friend,</p><p>BUY VIAGRA NOW, 100% guaranteed, no prescription needed. You are a winner!
Click below. This is not spam.</p><p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p>"""


@pytest.fixture(scope="session")
def _spamassassin():
    install_debian_packages(print, {"spamassassin": "spamassassin"})


def of(outcome, check):
    return [finding for finding in outcome.findings if finding.check == check]


@pytest.mark.usefixtures("_spamassassin")
def test_a_good_letter_passes_everything_but_what_is_of_an_installation_on_loopback(letter):
    draft = letter()
    outcome = rehearse(draft)
    assert {finding.check for finding in outcome.findings} == set(CHECKS)
    wrong = {each.check: each.status for each in outcome.findings if each.status is not Status.PASSED}
    on_loopback = ("tracking_host", "unsubscribe_header", "links_encrypted")
    assert wrong == dict.fromkeys(on_loopback, Status.WARNING)
    assert [each.fix != "" for each in of(outcome, "tracking_host")] == [True]
    (dkim,) = of(outcome, "dkim")
    assert f"{draft.sender.domain.name} (rsa-sha256) verifies" in dkim.message
    assert "SpamAssassin" in of(outcome, "spam_filter")[0].message
    assert outcome.recipients.total == 3
    assert outcome.recipients.by_provider == {"outcome.example": 3}
    assert outcome.duration.seconds < 60
    assert "the lane to outcome.example" in outcome.duration.limited_by


@pytest.mark.usefixtures("_spamassassin")
def test_a_spam_filter_names_its_rules_and_their_points(letter, monkeypatch):
    draft = letter(body=SPAM, subject="FREE VIAGRA")
    rehearsal = Rehearsal(draft)
    (found,) = _made("spam_filter", CHECKS["spam_filter"], rehearsal)
    assert found.status is Status.FAILURE
    assert "DEAR_FRIEND" in found.message
    monkeypatch.setenv("PATH", "/nowhere")
    (without,) = _made("spam_filter", CHECKS["spam_filter"], rehearsal)
    assert (without.status, without.message) == (Status.SKIPPED, "No spam filter answers here.")


def test_words_of_filters_are_read():
    spamd = (
        b"2.7/5.0\r\n\r\n pts rule name\n---- ----\n 2.7 DEAR_FRIEND  BODY: Dear Friend?\n-0.1 GOOD_ONE x\n"
    )
    verdict = spam._report("spamd", spamd)
    assert (verdict.points, verdict.limit) == (2.7, 5.0)
    assert verdict.status is Status.WARNING
    assert verdict.rules == [(2.7, "DEAR_FRIEND", "BODY: Dear Friend?"), (-0.1, "GOOD_ONE", "x")]
    assert spam._report("spamd", b"nothing of the kind") is None

    said = {
        "score": 9.95,
        "required_score": 15.0,
        "action": "add header",
        "symbols": {"HTTP_TO_IP": {"score": 1.0, "description": "To an IP"}, "MIME_TRACE": {"score": 0.0}},
    }
    verdict = spam._json_report(json.dumps(said).encode())
    assert (verdict.points, verdict.limit, verdict.status) == (9.95, 15.0, Status.FAILURE)
    assert verdict.rules[0] == (1.0, "HTTP_TO_IP", "To an IP")
    passing = json.dumps(said | {"action": "no action"}).encode()
    assert spam._json_report(passing).status is Status.PASSED
    assert spam._json_report(b"IO write error: Connection refused") is None


def test_nothing_is_sent_or_changed(letter):
    draft = letter()
    rehearsal = Rehearsal(draft)
    assert rehearsal.mails[0].signature_fields.startswith(b"DKIM-Signature: v=1; a=rsa-sha256;")
    assert Broadcast.get_by_id(draft.id).state == "draft"
    assert not Send.select().where(Send.broadcast_id == draft.id).exists()
    assert not list(redis.scan_iter(match=f"BROADCAST:{draft.id}:*"))


def test_each_variant_is_looked_at_and_named(letter, shop):
    draft = letter()
    Variant.update(weight=50).where(Variant.broadcast == draft).execute()
    bad = Content.create(team=shop.row, kind="html", subject="Re: your order", body="<p>No way out</p>")
    Variant.create(broadcast=draft, content=bad, weight=50)
    rehearsal = Rehearsal(draft)
    found = [
        (each.status, each.where)
        for check in ("unsubscribe_link", "subject", "preheader")
        for each in _made(check, CHECKS[check], rehearsal)
    ]
    assert found == [
        (Status.PASSED, "variants.0."),
        (Status.FAILURE, "variants.1.body"),
        (Status.PASSED, ""),
        (Status.FAILURE, "variants.1.subject"),
        (Status.PASSED, "variants.0."),
        (Status.WARNING, "variants.1.preheader"),
    ]


def test_what_publishing_refuses_fails_and_the_rest_is_looked_at_all_the_same(letter, readers):
    outcome = rehearse(letter(audience=readers(0).audience, body="<p>{% if %}</p>"))
    assert [(each.status, each.where) for each in of(outcome, "publishable")] == [
        (Status.FAILURE, "audience_id"),
        (Status.FAILURE, "body"),
    ]
    assert [each.status for each in of(outcome, "composed")] == [Status.SKIPPED]
    assert outcome.duration.limited_by == "nobody would get it"


def test_what_the_edge_would_not_sign_fails():
    team = make_team()  # the edge was never told of its domain
    rehearsal = Rehearsal(make_draft(team, make_people(team, 1).audience))
    (found,) = _made("dkim", CHECKS["dkim"], rehearsal)
    assert found.status is Status.FAILURE
    assert f"{team.domain.name} has no signing key here yet" in found.message


def test_a_check_that_breaks_holds_up_no_other(letter):
    def breaks(_):
        raise RuntimeError(f"at {uuid4()}")

    (found,) = _made("new", breaks, Rehearsal(letter()))
    assert (found.check, found.status) == ("new", Status.SKIPPED)


def test_what_is_on_its_way_is_not_rehearsed(letter):
    draft = letter()
    Broadcast.update(state="sending").where(Broadcast.id == draft.id).execute()
    with pytest.raises(WrongState):
        rehearse(Broadcast.get_by_id(draft.id))
