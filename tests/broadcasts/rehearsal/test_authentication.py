"""What of a sending domain a receiver would find wrong, by a real mail and the simulator's DNS."""

import pytest
import requests

from sidecars.deliverability import domain_records
from sidecars.models import SendingDomain


@pytest.fixture
def dns(stack, shop):
    """`dns.lose(name)`, `dns.say(name, type, value)`; all is as it was afterwards."""
    base = f"{stack.url('simulator_http')}/dns"

    class Dns:
        def lose(self, name):
            requests.delete(f"{base}/records", params={"name": name}, timeout=10).raise_for_status()

        def say(self, name, kind, value):
            self.lose(name)
            record = {"name": name, "type": kind, "value": value}
            requests.post(f"{base}/records", json=record, timeout=10).raise_for_status()

    made = Dns()
    yield made
    for record in domain_records.records(shop.domain):
        made.say(record.name, record.type, record.value)


def test_a_key_that_differs_or_is_gone_is_told_exactly(check, dns, shop):
    name = f"{shop.domain.dkim_selector}._domainkey.{shop.domain.name}"
    dns.say(name, "TXT", f"v=DKIM1; k=rsa; p={shop.domain.dkim_public_key[:80]}")
    ((status, message, _),) = check("dkim")
    assert status == "failure"
    assert "stops after 80 of" in message
    ((status, message, _),) = check("dmarc")
    assert (status, "not aligned by DKIM" in message) == ("failure", True)
    dns.lose(name)
    ((status, message, _),) = check("dkim")
    assert (status, "There is no DKIM record" in message) == ("failure", True)


def test_a_return_path_that_does_not_let_us_send_fails(check, dns, shop):
    dns.say(shop.domain.return_path, "CNAME", "elsewhere.example")
    assert check("spf") == [
        (
            "failure",
            "The CNAME points to elsewhere.example; it must point to returns.kibamail.test.",
            shop.domain.return_path,
        )
    ]


def test_dmarc_is_a_wish_for_few_and_a_demand_for_many(check, dns, shop, monkeypatch):
    dns.lose(f"_dmarc.{shop.domain.name}")
    ((status, message, where),) = check("dmarc")
    assert (status, where) == ("warning", f"_dmarc.{shop.domain.name}")
    monkeypatch.setattr("sidecars.broadcasts.rehearsal.authentication.BULK", 3)
    assert check("dmarc") == [("failure", message, where)]


def test_the_way_out_by_one_click_needs_tls(check, shop):
    mine = SendingDomain.update(
        tracking_host=f"links.{shop.domain.name}", tracking_verified_at=shop.domain.created_at
    )
    mine.where(SendingDomain.id == shop.domain.id).execute()
    try:
        ((status, message, where),) = check("unsubscribe_header")
        assert (status, where) == ("failure", f"links.{shop.domain.name}")
        assert "RFC 8058" in message
        assert check("tracking_host")[0][0] == "passed"
    finally:
        none = SendingDomain.update(tracking_host=None, tracking_verified_at=None)
        none.where(SendingDomain.id == shop.domain.id).execute()
