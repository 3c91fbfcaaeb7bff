import pytest

from simulator.letter import Letter, Link, post_form
from tests.simulator.world import TOKEN, mail

URL = "http://127.0.0.1:8081"


def letter(*headers):
    raw = "".join(f"{header}\r\n" for header in headers) + "\r\nx"
    return Letter(raw.encode())


def test_links_pixel_and_page_are_read_from_the_html_part():
    read = Letter(mail("a@b.example", URL))
    assert read.pixel == f"{URL}/o/{TOKEN}.gif"
    assert read.links == [Link(f"{URL}/c/{TOKEN}/0", 0), Link(f"{URL}/c/{TOKEN}/1", 1)]
    assert read.unsubscribe_page == f"{URL}/u/{TOKEN}"
    assert "Grüße" in read.html


def test_ways_to_unsubscribe_are_read_from_the_headers():
    read = Letter(mail("a@b.example", URL))
    assert read.one_click == f"{URL}/u/{TOKEN}"
    assert read.mailto == (f"u-{TOKEN}@kb.acme.example", "unsubscribe")


def test_one_click_needs_its_second_header():
    assert letter("List-Unsubscribe: <https://a.example/u>").one_click is None


def test_a_folded_header_is_read_whole():
    read = letter(
        "List-Unsubscribe: <mailto:a%2Bb@c.example?subject=off%20please>,\r\n <https://a.example/\r\n u>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    )
    assert (read.one_click, read.mailto) == ("https://a.example/u", ("a+b@c.example", "off please"))


def test_a_mail_without_tracking_has_nothing_to_do():
    read = letter("Subject: x")
    assert (read.html, read.pixel, read.links, read.unsubscribe_page) == ("", None, [], None)
    assert (read.one_click, read.mailto) == (None, None)


def test_other_links_and_images_are_left_alone():
    html = '<a href="https://shop.example/c/1"></a><img src="https://shop.example/logo.png"><a>no address</a>'
    read = Letter(f"Content-Type: text/html\r\n\r\n{html}".encode())
    assert (read.links, read.pixel) == ([], None)


def test_an_unknown_charset_is_read_as_far_as_it_goes():
    read = Letter(b"Content-Type: text/html; charset=no-such-thing\r\n\r\n<p>plain</p>")
    assert "plain" in read.html


@pytest.mark.parametrize(
    ("action", "address"),
    [("", f"{URL}/u/x"), (' action="/go"', f"{URL}/go"), (' action="go?a=1"', f"{URL}/u/go?a=1")],
)
def test_a_form_is_sent_as_a_press_of_its_button_would(action, address):
    page = (
        f'<form method="get"></form><form method="POST"{action}><input type="hidden" name="a" value="1">'
        '<input type="submit"><button name="b" value="2">Yes</button></form>'
    )
    assert post_form(page.encode(), f"{URL}/u/x") == (address, {"a": "1", "b": "2"})


def test_a_page_without_a_form_has_none():
    assert post_form(b"<p>Done.</p>", URL) is None
