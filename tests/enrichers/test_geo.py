import pytest

from sidecars.enrichers.geo import Origin, origin


def test_an_address_has_a_country_and_a_network():
    assert origin("91.12.3.4") == Origin("DE", "Deutsche Telekom AG")


def test_ipv6_is_known_too():
    assert origin("2003:e0::1").country == "DE"


@pytest.mark.parametrize("ip", ["127.0.0.1", "10.1.1.1", "::1", "203.0.113.4", "", "not an address"])
def test_nothing_is_known_of_private_reserved_and_malformed_addresses(ip):
    assert origin(ip) == Origin()
