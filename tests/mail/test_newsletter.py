"""The demonstration's newsletter, as a reader gets it."""

import email
import email.policy
import re
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from sidecars.mail.content import ContentSource, prepare
from sidecars.mail.preview import render
from tests.mail.danger import dangers
from tests.mail.samples import AT, TOKEN, compiled, mail_to, recipient

DEMO = Path(__file__).resolve().parents[2] / "demo"
SOURCE = (DEMO / "newsletter.mjml").read_text("utf-8")
PREPARED = prepare(ContentSource("mjml", "{{ contact.first_name }}", "", SOURCE))


def test_has_five_links_each_tracked_once():
    _, octets = mail_to(compiled(PREPARED), recipient())
    body = email.message_from_bytes(octets, policy=email.policy.default).get_body(("html",))
    assert body is not None
    html = body.get_content()

    assert [link.index for link in PREPARED.links] == [0, 1, 2, 3, 4]
    assert sorted(re.findall(rf'href="https://go\.acme\.example/c/{TOKEN}/(\d)"', html)) == list("01234")
    assert [html.count(f"https://go.acme.example/{page}/{TOKEN}") for page in "up"] == [1, 1]


def test_greets_readers_of_whom_nothing_is_known():
    _, html, text = render(PREPARED, recipient(), AT)

    assert "The kettle is on, friend." in text
    assert "in your street this week" in re.sub(r"\s+", " ", text)
    assert dangers(html) == []
    assert "{{" not in html + text


def test_every_picture_is_there_and_described():
    page = LexborHTMLParser(render(PREPARED, recipient(), AT)[1])
    pictures = page.css("img")

    assert len(pictures) == 6
    for picture in pictures:
        name = (picture.attributes["src"] or "").removeprefix("https://assets.thekettle.example/")
        assert (DEMO / "images" / name).read_bytes().startswith(b"\x89PNG")
        assert "alt" in picture.attributes


def test_is_small_enough_not_to_be_clipped():
    assert len(mail_to(compiled(PREPARED), recipient())[1]) < 102 * 1024 / 2
