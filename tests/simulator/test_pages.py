import urllib.request

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.simulator.world import TOKEN, mail


def page(world, path):
    return LexborHTMLParser(world.get(path).decode())


@pytest.fixture(scope="module")
def received(world):
    """The id of a newsletter."""
    world.deliver("accept.page@outcome.example", mail("accept.page@outcome.example", "http://127.0.0.1:9"))
    return world.call("GET", "/mails?limit=1000")[1]["mails"][-1]["id"]


def test_the_newest_mail_is_first_with_its_subject_decoded(world, received):
    first = page(world, "/").css_first("tbody tr")
    assert first.css_first("a").attributes["href"] == f"/mails/{received}"
    assert "Grüße" in first.text()
    assert "accept.page@outcome.example" in first.text()


def test_mails_are_searched_by_address_and_provider(world, received):
    assert len(page(world, "/?q=ACCEPT.PAGE@").css("tbody tr")) == 1
    assert len(page(world, "/?q=accept.page@&provider=outcome").css("tbody tr")) == 1
    nothing = page(world, "/?q=accept.page@&provider=bigmail")
    assert nothing.css("tbody tr") == []
    assert "No mail matches" in nothing.text()


def test_a_search_is_shown_as_text(world):
    shown = world.get("/?q=%22%3E%3Cscript%3E").decode()
    assert "<script>" not in shown


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("text", ["Hello."]),
        ("headers", ["List-Unsubscribe-Post", "Grüße"]),
        ("source", ["=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "--cut--"]),
    ],
)
def test_a_mail_is_shown_as_text_headers_and_source(world, received, view, words):
    shown = page(world, f"/mails/{received}?view={view}")
    assert shown.css_first("nav a[aria-current]").attributes["href"] == f"/mails/{received}?view={view}"
    assert all(word in shown.text() for word in words)


def test_the_html_is_framed_and_may_do_nothing(world, received):
    frame = page(world, f"/mails/{received}").css_first("iframe")
    assert frame.attributes["src"] == f"/mails/{received}/html"
    assert "sandbox" in frame.attributes
    address = f"http://127.0.0.1:{world.port('http')}/mails/{received}/html"
    with urllib.request.urlopen(address, timeout=10) as response:
        policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script" not in policy


def test_looking_at_a_mail_is_not_reading_it(world, received):
    shown = page(world, f"/mails/{received}/html")
    assert "Grüße" in shown.text()
    assert shown.css("img") == []
    assert shown.css("a[href]") == []
    assert shown.css_first("a").attributes["title"] == f"http://127.0.0.1:9/c/{TOKEN}/0"


def test_a_mail_without_html_is_shown_as_text(world):
    world.deliver("accept.plain@outcome.example", b"Subject: plain\r\n\r\nJust <b>text</b>.\r\n")
    plain = world.call("GET", "/mails?limit=1000")[1]["mails"][-1]["id"]
    shown = page(world, f"/mails/{plain}")
    assert shown.css("iframe") == []
    assert "Just <b>text</b>." in shown.css_first("pre").text()


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"Subject: =?x?q?=FF?=\r\nFrom: <<>>\r\n\r\n\xff"])
def test_a_broken_mail_breaks_no_page(world, raw):
    world.deliver("accept.broken@outcome.example", raw or b"\r\n")
    broken = world.call("GET", "/mails?limit=1000")[1]["mails"][-1]["id"]
    for path in ("/", f"/mails/{broken}", f"/mails/{broken}?view=headers", f"/mails/{broken}/html"):
        assert world.get(path) is not None
