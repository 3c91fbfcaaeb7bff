"""Links and images, asked for at a site on loopback."""

import re

import pytest

from sidecars.broadcasts.rehearsal import web
from sidecars.broadcasts.rehearsal.web import Web
from sidecars.settings import settings

WAY_OUT = '<a href="{{ unsubscribe_url }}">Unsubscribe</a>'


def body(inner):
    return f"<p>{inner}</p>{WAY_OUT}"


def link(href, text="here"):
    return body(f'<a href="{href}">{text}</a>')


@pytest.mark.parametrize(
    ("check_name", "html", "status", "told"),
    [
        ("links_alive", link("SITE/good"), "passed", "Links asked: 1"),
        ("links_alive", link("SITE/get-only"), "passed", "Links asked: 1"),
        ("links_alive", link("SITE/gone"), "failure", 'answers 404. ("here")'),
        ("links_alive", link("SITE/status/500"), "failure", "answers 500"),
        ("links_alive", link("SITE/status/403"), "warning", "answers 403"),
        ("links_alive", link("http://nowhere.invalid/"), "failure", "has no address in DNS"),
        ("links_alive", link("http://2130706433/"), "failure", "has no address in DNS"),
        ("links_alive", link("SITE/to/9"), "failure", "redirects more than 5 times"),
        ("links_alive", link("mailto:a@b.example"), "passed", "no links"),
        ("links_redirects", link("SITE/to/0"), "passed", ""),
        ("links_redirects", link("SITE/to/3"), "warning", "redirects 4 times"),
        ("links_redirects", link("SITE/elsewhere"), "warning", "to another domain: http://127.0.0.1"),
        ("links_shortened", link("https://bit.ly/3x"), "warning", "bit.ly hides"),
        ("links_shortened", link("https://www.tinyurl.com/3x"), "warning", "tinyurl.com hides"),
        ("links_shortened", link("SITE/good"), "passed", ""),
        ("links_honest", link("https://evil.example/x", "https://bank.example/login"), "failure", "phishing"),
        ("links_honest", link("https://www.bank.example/x", "bank.example"), "warning", "127.0.0.1 first"),
        ("links_honest", link("https://bank.example/x", "At 10.30 today"), "passed", ""),
        ("links_honest", link('https://bank.example/x" data-track="off', "bank.example"), "passed", ""),
        ("links_encrypted", link("http://plain.example/"), "warning", "no TLS"),
        ("links_encrypted", link("https://safe.example/"), "passed", ""),
        ("links_domains", link("https://192.0.2.1/"), "failure", "bare IP address"),
        (
            "links_domains",
            body("".join(f'<a href="https://d{n}.example/">{n}</a>' for n in range(9))),
            "warning",
            "9",
        ),
        ("links_domains", link("https://www.tea.example/"), "passed", "tea.example"),
        ("images_alt", body('<img src="SITE/pixel.gif">'), "warning", "no alt text"),
        ("images_alt", body('<img src="SITE/pixel.gif" alt="">'), "passed", "Images: 1"),
        ("images_size", body('<img src="SITE/pixel.gif" alt="">'), "warning", "no width"),
        ("images_size", body('<img src="SITE/pixel.gif" alt="" style="width: 100%">'), "passed", ""),
        ("images_load", body('<img src="SITE/pixel.gif" alt="">'), "passed", "Images loaded: 1"),
        ("images_load", body('<img src="SITE/gone.gif" alt="">'), "failure", "answers 404"),
        ("images_load", body('<img src="cid:x" alt="">'), "warning", "no web address"),
        ("images_load", body('<img src="SITE/wide.gif" alt="" width="300">'), "warning", "1200 pixels wide"),
        ("images_load", body('<img src="SITE/large" alt="">'), "warning", "The image has 1,500.0 KB"),
    ],
)
def test_a_link_or_an_image(check, check_name, html, status, told):
    ((found, message, _),) = check(check_name, body=html)
    assert (found, told in message) == (status, True), message


def test_each_link_is_asked_once_and_a_merge_field_in_it_is_filled_in(check, site):
    site.asked.clear()
    html = link("SITE/good?of={{ contact.id }}") + link("SITE/good#part") + link("SITE/good")
    assert [each[0] for each in check("links_alive", body=html)] == ["passed"]
    assert sorted(site.asked.values()) == [1, 1]
    assert any(re.fullmatch(r"HEAD /good\?of=\d+", asked) for asked in site.asked)


def test_private_addresses_are_not_asked(check, site, monkeypatch):
    monkeypatch.setattr(web, "settings", settings.model_copy(update={"rehearsal_private_links": False}))
    site.asked.clear()
    places = ("SITE/good", f"http://127.0.0.1:{site.port}/good", f"http://[::1]:{site.port}/good")
    for place in places:
        ((status, message, _),) = check("links_alive", body=link(place))
        assert (status, "an address of a private network" in message) == ("failure", True)
    ((status, message, _),) = check("images_load", body=body('<img src="SITE/pixel.gif" alt="">'))
    assert (status, "an address of a private network" in message) == ("failure", True)
    assert not site.asked


def test_a_redirect_to_a_private_address_is_not_followed(site, monkeypatch, shop):
    asked = Web()
    monkeypatch.setattr(web, "is_public", lambda address: True)
    assert asked.ask([f"{site.url}/elsewhere"])[f"{site.url}/elsewhere"].status == 200
    # From here on the shop itself passes for public, and where it leads to does not.
    refusing = Web()
    monkeypatch.setattr(web, "settings", settings.model_copy(update={"rehearsal_private_links": False}))
    addresses = iter([True, False])
    monkeypatch.setattr(web, "is_public", lambda address: next(addresses))
    answer = refusing.ask([f"{site.url}/elsewhere"])[f"{site.url}/elsewhere"]
    assert (answer.refused, answer.hops) == (True, 1)


def test_a_server_that_does_not_answer_is_left(site, monkeypatch, shop):
    monkeypatch.setattr(web, "ALL_SECONDS", 0.3)
    url = f"{site.url}/hang"
    assert Web().ask([url])[url].fault.startswith("no answer within")
