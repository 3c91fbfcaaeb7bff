from collections import Counter
from random import Random

import pytest
from geoip2fast import GeoIP2Fast

from simulator.devices import FILE, Devices

PLACES = GeoIP2Fast()


@pytest.fixture(scope="module")
def devices():
    return Devices()


def test_a_reader_is_the_same_for_the_same_chance(devices):
    assert devices.reader(Random(1)) == devices.reader(Random(1))


def test_every_address_is_public_and_access_networks_are_in_their_countries(devices):
    for country in devices.countries:
        for network in country.networks:
            assert network.is_global
            for number in range(0, network.num_addresses, network.num_addresses // 50):
                assert PLACES.lookup(str(network[number])).country_code == country.code


def test_readers_come_from_many_countries_with_desktops_phones_and_image_proxies(devices):
    readers = [devices.reader(Random(number)) for number in range(2000)]
    countries = Counter(PLACES.lookup(browser["X-Forwarded-For"]).country_code for _, browser in readers)
    assert len(countries) > 15
    agents = " ".join(images["User-Agent"] for images, _ in readers)
    for word in ("GoogleImageProxy", "YahooMailProxy", "iPhone", "Android", "Outlook", "Thunderbird"):
        assert word in agents


def test_an_image_proxy_calls_from_its_own_network_and_the_reader_clicks_from_home(devices):
    readers = (devices.reader(Random(number)) for number in range(200))
    images, browser = next(pair for pair in readers if "GoogleImageProxy" in pair[0]["User-Agent"])
    assert images["X-Forwarded-For"].startswith(("66.249.", "66.102."))
    assert "Accept-Language" not in images
    assert images["X-Forwarded-For"] != browser["X-Forwarded-For"]
    assert "Proxy" not in browser["User-Agent"]


def test_a_scanner_is_not_a_reader(devices):
    scanner = devices.scanner(Random(1))
    assert scanner["User-Agent"] in FILE.read_text()
    assert scanner["User-Agent"] not in {devices.reader(Random(n))[0]["User-Agent"] for n in range(500)}
