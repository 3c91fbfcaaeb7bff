"""Sending domains: registered in MariaDB, checked in the simulator's DNS, told to the edge."""

import base64
from datetime import timedelta
from uuid import uuid4

import dns.resolver
import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_private_key

from sidecars.deliverability import dns_lookup, domain_checks, domains
from sidecars.deliverability.domain_records import records, zone_file
from sidecars.deliverability.domains import DomainError, DomainTaken, NextKeyUnseen
from sidecars.deliverability.seal import unseal
from sidecars.edge.store import redis
from sidecars.edge.tracking import tracking_url
from sidecars.models import Notice, SendingDomain, Team, now
from sidecars.names import domain_key, team_key
from sidecars.settings import settings


@pytest.fixture
def domain(team):
    return domains.create(team.id, f"news.acme-{uuid4().hex[:12]}.example")


def decoded(mapping):
    return {
        (key.decode() if isinstance(key, bytes) else key): (
            value.decode() if isinstance(value, bytes) else value
        )
        for key, value in mapping.items()
    }


def publish_all(publish, domain):
    for record in records(domain):
        publish(record.type, record.name, record.value)


def row_of(domain):
    return SendingDomain.get_by_id(domain.id)


def notices(team_id):
    return list(Notice.select().where(Notice.team == team_id).order_by(Notice.id))


def outcomes(checks, *kinds):
    """Of these kinds, in this order."""
    by_kind = {check.kind: check.ok for check in checks}
    return [by_kind[kind] for kind in kinds]


def test_the_published_key_is_that_of_the_sealed_one(domain):
    row = SendingDomain.get_by_id(domain.id)
    private_key = load_pem_private_key(unseal(row.dkim_private_key), None)
    assert private_key.key_size == 2048
    public_key = load_der_public_key(base64.b64decode(row.dkim_public_key))
    assert public_key.public_numbers() == private_key.public_key().public_numbers()
    assert "PRIVATE" not in row.dkim_private_key


def test_the_records_to_publish(domain):
    dkim, back, following, dmarc = records(domain)
    assert (dkim.type, dkim.name) == ("TXT", f"{domain.dkim_selector}._domainkey.{domain.name}")
    assert dkim.value == f"v=DKIM1; k=rsa; p={domain.dkim_public_key}"
    assert (back.type, back.name, back.value) == ("CNAME", f"kb.{domain.name}", "returns.kibamail.test")
    assert following.name == f"{domain.next_selector}._domainkey.{domain.name}"
    assert following.value == f"v=DKIM1; k=rsa; p={domain.next_public_key}" != dkim.value
    assert dmarc.name == f"_dmarc.{domain.name}"
    assert [record.required for record in (dkim, back, following, dmarc)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("News.Acme.Example", "news.acme.example"),
        (" news.acme.example. ", "news.acme.example"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_domain_has_one_spelling(text, name):
    assert domains.domain_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acme",
        "192.0.2.1",
        "a b.example",
        "-a.example",
        "a..example",
        "http://a.example",
        "_x.example",
        "a." * 99 + "example",
    ],
)
def test_what_is_no_domain_is_refused_with_a_reason(text):
    with pytest.raises(DomainError) as error:
        domains.domain_name(text)
    assert len(str(error.value)) > 10


def test_a_team_registers_a_domain_once(team, domain):
    with pytest.raises(DomainTaken):
        domains.create(team.id, domain.name.upper())


def test_who_registered_a_name_first_keeps_nobody_out_who_proves_it(domain, publish, withdraw):
    squatter, owner = domain, domains.create(Team.create(name="Owner").id, domain.name)
    assert squatter.dkim_selector != owner.dkim_selector
    publish_all(publish, owner)

    assert outcomes(domains.verify(squatter.id), "dkim", "return_path") == [False, True]
    domains.verify(owner.id)

    assert [domains.state_of(row_of(each)) for each in (squatter, owner)] == ["pending", "verified"]
    at_the_edge = decoded(redis.hgetall(domain_key(domain.name)))
    assert (at_the_edge["team_id"], at_the_edge["selector"]) == (str(owner.team_id), owner.dkim_selector)
    assert decoded(redis.hgetall(team_key(squatter.team_id)))["domains"] == ""


def test_a_name_goes_over_to_who_proves_it_once_the_records_of_who_holds_it_fail(domain, publish, withdraw):
    holder, heir = domain, domains.create(Team.create(name="Heir").id, domain.name)
    publish_all(publish, holder)
    domains.verify(holder.id)
    publish_all(publish, heir)

    (held,) = [check for check in domains.verify(heir.id) if check.kind == "held"]
    assert f"remove its TXT record {holder.dkim_selector}._domainkey.{domain.name}" in held.message
    assert [domains.state_of(row_of(each)) for each in (holder, heir)] == ["verified", "pending"]
    assert row_of(heir).problems[-1]["kind"] == "held"

    withdraw(holder.return_path)
    domains.verify(holder.id)
    publish_all(publish, heir)
    assert "held" in [check.kind for check in domains.verify(heir.id)]
    domains.verify(holder.id)

    for record in records(holder):
        if record.kind.startswith("dkim"):
            withdraw(record.name)
    domains.verify(holder.id)
    assert "held" not in [check.kind for check in domains.verify(heir.id)]

    assert [domains.state_of(row_of(each)) for each in (holder, heir)] == ["stopped", "verified"]
    assert row_of(holder).next_check_at <= now()
    assert decoded(redis.hgetall(domain_key(domain.name)))["team_id"] == str(heir.team_id)
    assert decoded(redis.hgetall(team_key(holder.team_id)))["domains"] == ""
    assert decoded(redis.hgetall(team_key(heir.team_id)))["domains"] == domain.name
    told = notices(holder.team_id)
    assert [notice.kind.removeprefix("domain_") for notice in told] == [
        *("failing", "verified"),
        *("failing", "stopped"),
    ]
    assert "has taken the name over" in told[-1].text
    assert notices(heir.team_id) == []


def test_a_domain_with_its_records_is_verified_and_the_edge_knows(team, domain, publish):
    publish_all(publish, domain)
    checks = domains.verify(domain.id)
    assert outcomes(checks, "dkim", "return_path", "dkim_next", "dmarc") == [True] * 4
    row = SendingDomain.get_by_id(domain.id)
    assert row.verified_at is not None
    assert row.verified_at == row.checked_at
    assert domains.state_of(row) == "verified"
    assert domain.name in decoded(redis.hgetall(team_key(team.id)))["domains"].split(",")
    at_the_edge = decoded(redis.hgetall(domain_key(domain.name)))
    assert at_the_edge["private_key"] == row.dkim_private_key
    assert at_the_edge["return_path"] == f"kb.{domain.name}"


def test_the_zone_file_is_all_that_a_name_server_needs(domain, publish_zone):
    publish_zone(zone_file(domain))
    domains.verify(domain.id)
    assert domains.state_of(SendingDomain.get_by_id(domain.id)) == "verified"


def test_only_required_records_are_needed(domain, publish):
    for record in records(domain):
        if record.required:
            publish(record.type, record.name, record.value)
    checks = domains.verify(domain.id)
    assert outcomes(checks, "dkim", "return_path", "dkim_next", "dmarc") == [True, True, False, False]
    row = SendingDomain.get_by_id(domain.id)
    assert row.verified_at is not None
    assert {"dkim_next", "dmarc"} <= {problem["kind"] for problem in row.problems}


def test_missing_records_are_told_one_by_one(domain, simulator_url):
    checks = domains.verify(domain.id)
    assert outcomes(checks, "dkim", "return_path", "dkim_next", "dmarc") == [False] * 4
    assert "no DKIM record" in checks[0].message
    assert domains.state_of(SendingDomain.get_by_id(domain.id)) == "pending"


def test_a_name_that_the_panel_doubled_is_recognised(domain, publish):
    dkim = records(domain)[0]
    zone = domain.name.partition(".")[2]
    publish(dkim.type, f"{dkim.name}.{zone}", dkim.value)
    message = domains.verify(domain.id)[0].message
    assert f"your DNS panel adds {zone} by itself" in message


def test_a_return_path_by_own_mx_and_spf_records_counts(domain, publish):
    publish("MX", domain.return_path, "10 mx.kibamail.test.")
    publish("TXT", domain.return_path, "v=spf1 a:mx.kibamail.test ~all")
    (check,) = [check for check in domains.verify(domain.id) if check.kind == "return_path"]
    assert check.ok is True


def test_a_record_that_vanishes_warns_first_and_stops_the_domain_when_it_stays_away(
    team, domain, publish, withdraw, caplog
):
    publish_all(publish, domain)
    domains.verify(domain.id)
    withdraw(domain.return_path)

    domains.verify(domain.id)
    failing = SendingDomain.get_by_id(domain.id)
    assert domains.state_of(failing) == "failing"
    assert domains.stops_at(failing) == failing.failing_since + timedelta(hours=72)
    assert failing.next_check_at == failing.checked_at + timedelta(minutes=1)
    assert domain.name in decoded(redis.hgetall(team_key(team.id)))["domains"].split(",")
    (warning,) = [record for record in caplog.records if getattr(record, "stops_at", None)]
    assert "no CNAME record" in warning.error

    SendingDomain.update(failing_since=now() - timedelta(hours=73)).where(
        SendingDomain.id == domain.id
    ).execute()
    domains.verify(domain.id)
    assert domains.state_of(SendingDomain.get_by_id(domain.id)) == "stopped"
    assert domain.name not in decoded(redis.hgetall(team_key(team.id)))["domains"].split(",")

    publish_all(publish, domain)
    domains.verify(domain.id)
    back = SendingDomain.get_by_id(domain.id)
    assert (domains.state_of(back), back.failing_since) == ("verified", None)

    domains.verify(domain.id)
    told = notices(team.id)
    assert [notice.subject for notice in told] == [
        f"A DNS record of {domain.name} is gone",
        f"{domain.name} has stopped sending",
        f"{domain.name} sends again",
    ]
    assert "There is no CNAME record" in told[0].text
    assert f"until {failing.failing_since + timedelta(hours=72):%Y-%m-%d %H:%M} UTC" in told[0].text


def test_the_next_key_takes_over_without_a_gap(domain, publish):
    publish_all(publish, domain)
    rotated = domains.rotate(domain.id)
    assert (rotated.dkim_selector, rotated.previous_selector) == (domain.next_selector, domain.dkim_selector)
    assert rotated.dkim_private_key == domain.next_private_key
    assert rotated.next_selector not in (None, domain.dkim_selector, domain.next_selector)
    assert rotated.verified_at is not None
    assert domains.previous_needed_until(rotated) == rotated.rotated_at + domains.KEEP_PREVIOUS_KEY
    at_the_edge = decoded(redis.hgetall(domain_key(domain.name)))
    assert (at_the_edge["selector"], at_the_edge["private_key"]) == (
        domain.next_selector,
        domain.next_private_key,
    )
    with pytest.raises(NextKeyUnseen) as error:
        domains.rotate(domain.id)
    assert f"{rotated.next_selector}._domainkey.{domain.name}" in str(error.value)


def test_a_key_that_vanishes_gives_way_to_the_next_one(domain, publish, withdraw):
    publish_all(publish, domain)
    domains.verify(domain.id)
    withdraw(records(domain)[0].name)
    row = domains.rotate(domain.id)
    assert (domains.state_of(row), row.dkim_selector) == ("verified", domain.next_selector)


def test_a_domain_of_before_there_were_next_keys_gets_one_at_its_check(domain, publish):
    SendingDomain.update(next_selector=None, next_private_key=None, next_public_key=None).where(
        SendingDomain.id == domain.id
    ).execute()
    domains.verify(domain.id)
    assert "dkim_next" in [record.kind for record in records(SendingDomain.get_by_id(domain.id))]


def test_what_was_changed_while_dns_was_asked_is_asked_for_anew(domain, publish, monkeypatch):
    publish_all(publish, domain)
    run = domain_checks.run
    keys = iter(["kb-changed"])

    def run_and_change(asked):
        checks = run(asked)
        for selector in keys:
            SendingDomain.update(next_selector=selector).where(SendingDomain.id == domain.id).execute()
        return checks

    monkeypatch.setattr(domain_checks, "run", run_and_change)
    checks = domains.verify(domain.id)
    assert outcomes(checks, "dkim", "dkim_next") == [True, False]
    assert SendingDomain.get_by_id(domain.id).next_verified_at is None


@pytest.mark.parametrize(
    ("state", "age", "pause"),
    [
        ("pending", timedelta(0), timedelta(minutes=1)),
        ("pending", timedelta(hours=5), timedelta(minutes=30)),
        ("pending", timedelta(days=30), timedelta(hours=6)),
        ("verified", timedelta(days=30), timedelta(hours=6)),
        ("failing", timedelta(hours=10), timedelta(hours=1)),
        ("failing", timedelta(hours=71), timedelta(hours=1)),
        ("stopped", timedelta(days=9), timedelta(hours=6)),
    ],
)
def test_what_waits_for_its_owner_is_checked_soon_at_first_then_ever_more_seldom(state, age, pause):
    moment = now()
    row = SendingDomain(created_at=moment - age)
    if state in ("failing", "stopped"):
        row.failing_since = moment - age
    if state in ("failing", "verified"):
        row.verified_at = moment - age
    assert domains.state_of(row) == state
    assert domains.next_check(row, moment) - moment == pause


def test_silent_name_servers_change_nothing(domain, publish, monkeypatch):
    publish_all(publish, domain)
    domains.verify(domain.id)
    before = SendingDomain.get_by_id(domain.id)
    nowhere = dns.resolver.Resolver(configure=False)
    nowhere.nameservers = [dns.nameserver.Do53Nameserver("127.0.0.1", 1)]
    nowhere.lifetime = 0.2
    monkeypatch.setattr(dns_lookup, "resolver", lambda: nowhere)
    checks = domains.verify(domain.id)
    assert {check.ok for check in checks} == {None}
    assert "could not be asked" in checks[0].message
    after = SendingDomain.get_by_id(domain.id)
    assert (after.verified_at, after.failing_since) == (before.verified_at, None)
    assert after.checked_at >= before.checked_at


def test_links_lead_to_the_domains_own_host_once_it_leads_to_us(stack, domain, publish):
    with pytest.raises(DomainError):
        domains.track_at(domain.id, "links.elsewhere.example")
    domains.track_at(domain.id, f"Links.{domain.name}")
    record = records(SendingDomain.get_by_id(domain.id))[-1]
    assert (record.type, record.value) == ("CNAME", "links.kibamail.test")
    assert tracking_url(SendingDomain.get_by_id(domain.id)) == settings.tracking_url

    publish(record.type, record.name, record.value)
    stack.start_processes("webhook")
    assert outcomes(domains.verify(domain.id), "tracking") == [True]
    url = f"http://links.{domain.name}:{stack.ports['webhook']}"
    assert tracking_url(SendingDomain.get_by_id(domain.id)) == url
    assert decoded(redis.hgetall(domain_key(domain.name)))["tracking_url"] == url

    stack.stop_processes("webhook")
    (check,) = [check for check in domains.verify(domain.id) if check.kind == "tracking"]
    assert "nothing answers in this name" in check.message
    assert decoded(redis.hgetall(domain_key(domain.name)))["tracking_url"] == settings.tracking_url


def test_a_second_key_signs_once_its_record_is_seen(domain, publish):
    publish_all(publish, domain)
    domains.sign_with_ed25519(domain.id, True)
    row = SendingDomain.get_by_id(domain.id)
    record = records(row)[-1]
    assert (record.type, record.required) == ("TXT", False)
    assert record.name == f"{row.ed25519_selector}._domainkey.{domain.name}"
    assert record.value == f"v=DKIM1; k=ed25519; p={row.ed25519_public_key}"
    private_key = load_pem_private_key(unseal(row.ed25519_private_key), None)
    assert private_key.public_key().public_bytes_raw() == base64.b64decode(row.ed25519_public_key)

    assert outcomes(domains.verify(domain.id), "ed25519") == [False]
    assert SendingDomain.get_by_id(domain.id).verified_at is not None
    assert "ed25519_selector" not in decoded(redis.hgetall(domain_key(domain.name)))

    publish(record.type, record.name, record.value)
    assert outcomes(domains.verify(domain.id), "ed25519") == [True]
    at_the_edge = decoded(redis.hgetall(domain_key(domain.name)))
    assert at_the_edge["ed25519_selector"] == row.ed25519_selector
    assert at_the_edge["ed25519_private_key"] == row.ed25519_private_key


def test_asking_for_a_second_key_again_keeps_it_and_asking_for_none_forgets_it(domain, publish):
    domains.sign_with_ed25519(domain.id, True)
    key = SendingDomain.get_by_id(domain.id).ed25519_public_key
    domains.sign_with_ed25519(domain.id, True)
    assert SendingDomain.get_by_id(domain.id).ed25519_public_key == key
    publish_all(publish, SendingDomain.get_by_id(domain.id))
    domains.verify(domain.id)
    assert "ed25519_selector" in decoded(redis.hgetall(domain_key(domain.name)))

    domains.sign_with_ed25519(domain.id, False)
    row = SendingDomain.get_by_id(domain.id)
    assert (row.ed25519_selector, row.ed25519_private_key, row.ed25519_public_key) == (None, None, None)
    assert "ed25519" not in [record.kind for record in records(row)]
    assert "ed25519_selector" not in decoded(redis.hgetall(domain_key(domain.name)))
