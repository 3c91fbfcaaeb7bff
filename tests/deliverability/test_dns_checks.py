"""What is told of each fault that a DNS record can have."""

import pytest

from sidecars.deliverability import dns_checks

KEY = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A" + "b" * 360


@pytest.mark.parametrize(
    "text",
    [
        f"v=DKIM1; k=rsa; p={KEY}",
        f"v=DKIM1;k=rsa;p={KEY};",
        f"k=rsa; p={KEY[:200]} {KEY[200:]}",
        f"v=DKIM1; t=s; P={KEY}",
    ],
)
def test_a_dkim_record_may_be_spelled_in_many_ways(text):
    assert dns_checks.dkim([text], KEY) == ""


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([], "no DKIM record"),
        (["hello"], 'Found instead: "hello"'),
        ([f"v=DKIM1; p={KEY[:255]}"], "stops after 255 of 392 characters"),
        (["v=DKIM1; p="], "revokes"),
        ([f"v=DKIM1; p=X{KEY[1:]}"], "at character 1."),
        ([f"v=DKIM1; p={KEY[:40]}!{KEY[41:]}"], "at character 41."),
        ([f"v=DKIM1; p={KEY}zz"], "at character 393."),
        ([f"v=DKIM1; p={KEY}"] * 2, "2 DKIM records"),
        ([f"v=DKIM1; k=ed25519; p={KEY}"], "must say k=rsa"),
    ],
)
def test_what_is_wrong_with_a_dkim_record(found, told):
    assert told in dns_checks.dkim(found, KEY)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (["10 mx.kibamail.test"], None),
        (["10 MX.kibamail.test."], None),
        ([], "no MX record"),
        (["10 mail.acme.example"], "points to mail.acme.example; it must point to mx.kibamail.test"),
        (["10 mx.kibamail.test", "20 other.example"], "other.example, where bounces would be lost"),
    ],
)
def test_what_is_wrong_with_the_return_path(found, told):
    message = dns_checks.mx(found, "mx.kibamail.test")
    assert message == "" if told is None else told in message
