import json
import socket

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.resolver
import pytest

DKIM = "v=DKIM1; k=rsa; p=" + "A" * 600


def add(world, name, kind, value):
    return world.call("POST", "/dns/records", {"name": name, "type": kind, "value": value})


def ask(world, name, kind, **more):
    query = dns.message.make_query(name, kind)
    return dns.query.udp(query, "127.0.0.1", timeout=5, port=world.port("dns"), **more)


def test_a_provider_and_a_company_have_mail_exchangers_on_loopback(world):
    assert world.mx_of("bigmail.example") == ["mx1.bigmail.example", "mx2.bigmail.example"]
    (host, *_) = world.mx_of("some-company.example")
    (address,) = world.resolver().resolve(host, "A")
    assert address.address.startswith("127.0.25.")


def test_names_are_found_in_any_case(world):
    assert [host.lower() for host in world.mx_of("BigMail.EXAMPLE")] == world.mx_of("bigmail.example")


def test_a_name_without_such_records_exists(world):
    for name, kind in (("mx1.bigmail.example", "AAAA"), ("bigmail.example", "A"), ("bigmail.example", "TXT")):
        answer = ask(world, name, kind)
        assert (answer.rcode(), answer.answer) == (dns.rcode.NOERROR, [])


@pytest.mark.parametrize(
    "name", ["nobody.invalid", "gone.test", "a.b.example", "_dmarc.bigmail.example", "."]
)
def test_an_unknown_name_does_not_exist(world, name):
    assert ask(world, name, "MX").rcode() == dns.rcode.NXDOMAIN


def test_added_records_are_answered_and_taken_away(world):
    name = "s1._domainkey.news.added.example"
    status, _ = add(world, name, "TXT", DKIM)
    assert status == 201
    (record,) = world.resolver().resolve(name, "TXT")
    assert b"".join(record.strings).decode() == DKIM
    assert ask(world, "news.added.example", "A").rcode() == dns.rcode.NOERROR
    status, content = world.call("DELETE", f"/dns/records?name={name}&type=TXT")
    assert status == 200
    assert name not in json.dumps(content)
    assert ask(world, name, "TXT").rcode() == dns.rcode.NXDOMAIN


def test_an_added_record_leaves_the_other_types_of_the_name_alone(world):
    add(world, "spf.example", "txt", "v=spf1 -all")
    assert world.mx_of("spf.example")
    add(world, "spf.example.", "MX", "5 mine.spf.example.")
    assert world.mx_of("spf.example") == ["mine.spf.example"]


def test_a_zone_file_is_taken_whole(world):
    text = f"""$ORIGIN news.zoned.example.
$TTL 300
s1._domainkey  IN TXT    "{DKIM[:255]}" "{DKIM[255:500]}" "{DKIM[500:]}"
kb             IN CNAME  returns.kibamail.test.
"""
    status, _ = world.call("POST", "/dns/zone", text.encode())
    assert status == 201
    (key,) = world.resolver().resolve("s1._domainkey.news.zoned.example", "TXT")
    assert b"".join(key.strings).decode() == DKIM
    exchangers = world.resolver().resolve("kb.news.zoned.example", "MX")
    assert [each.exchange.to_text() for each in exchangers] == ["mx.kibamail.test."]
    assert ask(world, "kb.news.zoned.example", "CNAME").answer


def test_a_zone_file_that_cannot_be_read_is_refused_with_the_reason(world):
    status, content = world.call("POST", "/dns/zone", b"kb IN CNAME")
    assert status == 422
    assert "zone file" in content["message"]


def test_an_alias_is_followed(world):
    world.call("POST", "/dns/records", {"name": "kb.alias.test", "type": "CNAME", "value": "bigmail.example"})
    answer = world.resolver().resolve("kb.alias.test", "MX")
    assert answer.canonical_name.to_text() == "bigmail.example."
    world.call(
        "POST", "/dns/records", {"name": "loop.alias.test", "type": "CNAME", "value": "loop.alias.test."}
    )
    assert ask(world, "loop.alias.test", "MX").answer


@pytest.mark.parametrize(
    "record",
    [
        {"name": "x.example", "type": "MX", "value": "not a mail exchanger"},
        {"name": "x.example", "type": "NOPE", "value": "1"},
        {"name": "a" * 70 + ".example", "type": "TXT", "value": "1"},
        {"name": "x.example", "type": "TXT"},
        ["x.example"],
    ],
)
def test_a_record_that_dns_would_not_take_is_refused_with_the_reason(world, record):
    status, content = world.call("POST", "/dns/records", record)
    assert status == 422
    assert content["errors"][0]["message"]


def test_an_answer_too_long_for_a_datagram_is_cut_and_whole_over_tcp(world):
    add(world, "long.example", "TXT", DKIM)
    assert ask(world, "long.example", "TXT", raise_on_truncation=False).flags & dns.flags.TC
    query = dns.message.make_query("long.example", "TXT")
    answer = dns.query.tcp(query, "127.0.0.1", timeout=5, port=world.port("dns"))
    assert not answer.flags & dns.flags.TC
    assert len(answer.answer) == 1


def test_added_records_outlive_the_process(start):
    world = start()
    add(world, "kept.example", "TXT", 'say "hi"')
    world.stop()
    again = start(home=world.home)
    (record,) = again.resolver().resolve("kept.example", "TXT")
    assert record.strings == (b'say "hi"',)


def test_what_is_not_a_query_is_passed_over(world):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        for junk in (
            b"",
            b"junk",
            b"\xff" * 600,
            dns.message.make_response(dns.message.make_query("a.", "A")).to_wire(),
        ):
            wire.sendto(junk, ("127.0.0.1", world.port("dns")))
    assert world.mx_of("bigmail.example")
