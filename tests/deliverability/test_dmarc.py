"""Which DMARC policy holds for a domain, and what of our mail it counts."""

import pytest

from sidecars.deliverability import dmarc

DOMAIN = "news.acme.example"


def find(**texts):
    """By the names below which the records stand; `_` for a dot."""
    records = {f"_dmarc.{name.replace('_', '.')}": found for name, found in texts.items()}
    return dmarc.find(DOMAIN, lambda name, kind: records.get(name, []))


@pytest.mark.parametrize(
    ("records", "where", "wish"),
    [
        ({"news_acme_example": ["v=DMARC1; p=none"]}, DOMAIN, "none"),
        ({"news_acme_example": ["v=DMARC1; p=Reject; rua=mailto:d@acme.example"]}, DOMAIN, "reject"),
        ({"acme_example": ["v=DMARC1; p=reject; sp=quarantine"]}, "acme.example", "quarantine"),
        ({"acme_example": ["hello", "v=DMARC1;p=reject"]}, "acme.example", "reject"),
        (
            {"news_acme_example": ["v=DMARC1; p=none; sp=reject"], "acme_example": ["v=DMARC1; p=reject"]},
            DOMAIN,
            "none",
        ),
    ],
)
def test_the_nearest_record_holds(records, where, wish):
    policy, fault = find(**records)
    assert fault == ""
    assert (policy.where, policy.wish) == (where, wish)


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ({}, "no DMARC record"),
        ({"news_acme_example": ["v=DMARC1; p=maybe"]}, "no valid p="),
        ({"acme_example": ["v=DMARC1; p=none; sp=some"]}, "no valid sp="),
        ({"news_acme_example": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}, "2 DMARC records"),
    ],
)
def test_what_is_wrong_is_told(records, told):
    policy, fault = find(**records)
    assert policy is None
    assert told in fault


def test_strict_spf_leaves_dkim_to_align():
    relaxed, _ = find(news_acme_example=["v=DMARC1; p=reject; adkim=s"])
    assert dmarc.alignment(relaxed) == "Aligned by DKIM and by SPF."
    strict, _ = find(news_acme_example=["v=DMARC1; p=reject; aspf=s"])
    assert "SPF does not count" in dmarc.alignment(strict)
