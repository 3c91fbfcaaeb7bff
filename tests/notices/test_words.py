"""The words of notices, as text and as HTML."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from sidecars.notices import words

KINDS = [path.stem for path in Path(words.__file__).parent.glob("templates/*_*.txt")]
FACTS = {
    "domain": "news.acme.example",
    "domain_id": 3,
    "faults": ["There is no CNAME record.", "There is no DKIM record."],
    "stops_at": datetime(2026, 12, 1, 9, 30, tzinfo=UTC),
    "broadcast_id": 7,
    "name": "Spring <b>& more</b> {{ contact.email }}",
    "reason": "Paused: 7.4% of mails bounced hard (74 of 1000, the limit is 5 %).",
    "stream": "transactional",
    "percent": 80,
    "taken": 8123,
    "limit": 10_000,
    "next_month": "2027-01-01",
    "endpoint_id": 12,
    "url": "https://acme.example/hooks",
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_notice_says_what_happened_and_the_call_that_answers_it(kind):
    subject, text = words.written(kind, FACTS)
    assert 10 < len(subject) <= 255
    assert "\n" not in subject
    assert not any("\n\n\n" in each or each != each.strip() for each in (text,))
    assert kind == "broadcast_stopped" or "/v1/" in text
    assert "_stopped" in kind or "_verified" in kind or "{{" not in text


def test_a_failing_domain_is_told_with_its_faults_and_until_when_it_sends():
    subject, text = words.written("domain_failing", FACTS)
    assert subject == "A DNS record of news.acme.example is gone"
    assert "until 2026-12-01 09:30 UTC" in text
    assert "There is no CNAME record.\n\nThere is no DKIM record." in text
    assert "\n    POST /v1/domains/dom_3/verify" in text


def test_html_says_what_the_text_says_and_takes_nothing_of_it_for_markup():
    readers = "the administrators and managers of Acme & Sons"
    letter = words.letter(words.written("broadcast_paused", FACTS), readers)
    assert 'Your broadcast "Spring' not in letter.text  # the subject
    assert "To the administrators and managers of Acme & Sons." in letter.text
    assert "Acme &amp; Sons" in letter.html
    assert "Spring &lt;b&gt;&amp; more&lt;/b&gt;" in letter.html
    assert ">GET  /v1/broadcasts/bc_7/report\nPOST /v1/broadcasts/bc_7/resume" in letter.html
    assert ">Paused: 7.4% of mails bounced hard" in letter.html


def test_a_fact_that_is_missing_is_no_blank():
    with pytest.raises(UndefinedError):
        words.written("domain_verified", {})
