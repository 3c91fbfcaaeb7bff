"""What is told of a domain that is not as mail needs it, by the simulator's DNS."""

from uuid import uuid4

import pytest

from sidecars.deliverability import dns_hosts, domain_checks, domains
from sidecars.deliverability.dns_lookup import Dns


@pytest.fixture
def zone():
    return f"{uuid4().hex[:12]}.example"


@pytest.fixture
def domain(team, zone, simulator_url):
    return domains.create(team.id, f"news.{zone}")


@pytest.fixture
def told(domain):
    """The check of a kind."""

    def _told(kind):
        return next(check for check in domain_checks.run(domain) if check.kind == kind)

    return _told


def test_an_alias_to_somebody_else_is_told(domain, publish, told):
    publish("CNAME", domain.return_path, "returns.other.example")
    check = told("return_path")
    assert check.found == ["returns.other.example"]
    assert "points to returns.other.example; it must point to returns.kibamail.test" in check.message


def test_records_in_the_place_of_an_alias_are_told(domain, publish, told):
    publish("MX", domain.return_path, "10 mx.kibamail.test")
    publish("TXT", domain.return_path, "v=spf1 -all")
    check = told("return_path")
    assert not check.ok
    assert "lacks a:mx.kibamail.test" in check.message
    assert "by a CNAME to returns.kibamail.test" in check.message


def test_an_own_spf_record_of_too_many_look_ups_is_told(domain, zone, publish, told):
    assert told("spf").ok
    publish("TXT", domain.name, f"v=spf1 include:s1.{zone} ~all")
    for n in range(1, 12):
        publish("TXT", f"s{n}.{zone}", f"v=spf1 include:s{n + 1}.{zone} ~all")
    publish("TXT", f"s12.{zone}", "v=spf1 -all")
    check = told("spf")
    assert not check.ok
    assert "takes 12 DNS look-ups, and 10 are allowed" in check.message


def test_a_policy_of_the_parent_covers_the_domain(zone, publish, told):
    assert not told("dmarc").ok
    publish("TXT", f"_dmarc.{zone}", "v=DMARC1; p=reject; aspf=s")
    check = told("dmarc")
    assert check.ok
    assert (
        f"The record of {zone} covers this domain: reject. Aligned by DKIM; SPF does not count"
        in check.message
    )


@pytest.mark.parametrize(
    ("kind", "value", "ok", "message"),
    [
        ("MX", "10 mx.kibamail.test", True, "Replies arrive."),
        ("MX", "0 .", False, "null MX (RFC 7505)"),
        ("MX", "10 gone.{zone}", False, "No MX host has an address: gone.{zone}."),
        ("A", "192.0.2.7", False, "They would go to its address, 192.0.2.7."),
        ("TXT", "hello", False, "There is no MX record"),
    ],
)
def test_whether_replies_arrive_is_told(domain, zone, publish, told, kind, value, ok, message):
    publish(kind, domain.name, value.format(zone=zone))
    check = told("replies")
    assert check.ok is ok
    assert message.format(zone=zone) in check.message


def test_a_parked_domain_is_told(domain, zone, publish, told):
    assert told("parked").ok
    publish("NS", zone, "ns1.sedoparking.com")
    assert f"{zone} is parked: its name server ns1.sedoparking.com" in told("parked").message


def test_a_domain_that_says_it_sends_nothing_is_told(domain, publish, told):
    publish("TXT", domain.name, "v=spf1 -all")
    assert "says that it sends no mail" in told("parked").message


def test_an_address_in_the_place_of_the_link_hosts_alias_is_told(domain, publish, told):
    domains.track_at(domain.id, f"links.{domain.name}")
    domain.tracking_host = f"links.{domain.name}"
    assert "no CNAME record" in told("tracking").message
    publish("A", domain.tracking_host, "192.0.2.8")
    assert 'a "proxy"' in told("tracking").message


@pytest.mark.parametrize(
    ("server", "key"),
    [
        ("ana.ns.cloudflare.com", "cloudflare"),
        ("ns-1536.awsdns-00.co.uk", "route53"),
        ("ns-cloud-a1.googledomains.com", "google"),
        ("ns1-01.azure-dns.com", "azure"),
        ("ns1.ana.ns.cloudflare.com.evil.test", None),
    ],
)
def test_the_dns_host_is_told_by_its_name_servers(domain, zone, publish, server, key):
    publish("NS", zone, server)
    panel = dns_hosts.find(domain.name, Dns())
    assert (panel.zone, panel.host and panel.host.key) == (zone, key)
