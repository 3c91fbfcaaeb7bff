import email
from datetime import UTC, datetime
from email import policy
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecars.mail.compiled import Origin
from sidecars.mail.followed_html import follow
from sidecars.mail.letter import Attachment, Following, Letter, LetterMail, Mailbox
from sidecars.mail.sealed_links import open_link
from sidecars.mail.tokens import make_token

ID = UUID("01890f5e-3f40-7abc-8def-0123456789ab")
SECRET = "s" * 32
TOKEN = make_token(ID, SECRET)
URL = "https://links.acme.example"
ORIGIN = Origin(7, 0, "transactional", "acme.example", "kb.acme.example")
AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
ANN = Mailbox("ann@mail.example", "Ann")


def written(letter, to="ann@mail.example"):
    mail = LetterMail(letter, ID, ORIGIN, "acme.example", Following(URL, SECRET), AT)
    return mail.assemble(mail.compose(to, ID, TOKEN).values)


def read(letter):
    return email.message_from_bytes(written(letter), policy=policy.default)


def letter(**fields):
    return Letter(**({"sender": Mailbox("a@acme.example", "Acme"), "to": (ANN,), "text": "Hi"} | fields))


FILE = Attachment("a.pdf", "application/pdf", b"x" * 100)
LOGO = Attachment("logo.png", "image/png", b"\x89PNG", "logo")


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({}, ["text/plain"]),
        ({"text": None, "html": "<p>Hi"}, ["text/html"]),
        ({"html": "<p>Hi"}, ["multipart/alternative", "text/plain", "text/html"]),
        ({"attachments": (FILE,)}, ["multipart/mixed", "text/plain", "application/pdf"]),
        ({"attachments": (LOGO,)}, ["multipart/mixed", "text/plain", "image/png"]),  # nothing shows it
        (
            {"html": "<img src=cid:logo>", "attachments": (FILE, LOGO)},
            ["multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html",
             "image/png", "application/pdf"],
        ),
    ],
)  # fmt: skip
def test_a_letter_has_the_parts_that_it_needs(fields, kinds):
    assert [part.get_content_type() for part in read(letter(**fields)).walk()] == kinds


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(
    name=TEXTS, subject=TEXTS, text=TEXTS, filename=TEXTS.filter(str.strip), content=st.binary(max_size=300)
)
def test_whatever_is_written_is_read_and_no_line_is_too_long(name, subject, text, filename, content):
    attachment = Attachment(filename, "application/octet-stream", content)
    mail = letter(
        sender=Mailbox("a@acme.example", name), subject=subject, text=text, attachments=(attachment,)
    )
    raw = written(mail)
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert b"\r" not in b"".join(lines)
    assert b"\n" not in b"".join(lines)
    assert not any(line.startswith(b".") for line in lines)
    found = email.message_from_bytes(raw, policy=policy.default)
    assert [each.addr_spec for each in found["From"].addresses] == ["a@acme.example"]
    parts = list(found.walk())
    assert parts[1].get_payload(decode=True).decode().replace("\r\n", "\n").rstrip("\n") == text.replace(
        "\r\n", "\n"
    ).replace("\r", "\n").rstrip("\n")
    assert parts[2].get_payload(decode=True) == content


def test_fields_of_an_authors_own_are_not_taken_apart():
    far = "<https://acme.example/" + "x" * 200 + ">"
    raw = written(letter(headers={"List-Unsubscribe": far, "X-City": "Köln", "References": "<a@b> <c@d>"}))
    found = email.message_from_bytes(raw, policy=policy.default)
    assert far.encode() in raw
    assert (found["X-City"], found["References"]) == ("Köln", "<a@b> <c@d>")


PAGE = (
    "<html><body><!-- <a href='https://no.example'> --><a class=x\nHREF=https://a.example/?a=1&amp;b=2>a</a>"
    '<area href="http://b.example"><a href="mailto:c@d.example"><a data-track=off href="https://e.example">'
    "<a data-href='https://f.example' href='https://g.example/{{ x }}'>g</a>"
    "<script>'<a href=\"https://h.example\">'</script>"
    f'<a href="{URL}/x"><a href="https://leave.example/u">leave</a></body></html>'
)


def test_links_are_led_over_the_tracking_host_and_all_else_stays():
    page = follow(PAGE, URL, SECRET, ID, TOKEN, "<https://leave.example/u>", opens=True, clicks=True)
    sealed = [each.partition('"')[0].split("/") for each in page.split(f'href="{URL}/c/')[1:]]
    assert all(token == TOKEN for token, _, _ in sealed)
    targets = [open_link(ID, int(index), link, SECRET) for _, index, link in sealed]
    assert targets == ["https://a.example/?a=1&b=2", "http://b.example", "https://g.example/{{ x }}"]
    assert page.endswith("</body></html>")
    assert page.count(f"{URL}/o/{TOKEN}.gif") == 1
    assert "<script>'<a href=\"https://h.example\">'</script>" in page
    assert follow(PAGE, URL, SECRET, ID, TOKEN, "", opens=False, clicks=False) == PAGE


@given(st.text("<>a href='\"/=!-\n&;x:s.bodyhtml", max_size=300))
def test_whatever_html_is_followed_nothing_of_it_is_lost(page):
    followed = follow(page, URL, SECRET, ID, TOKEN, "", opens=True, clicks=False)
    start = followed.index("<img src=")
    end = followed.index(">", start) + 1
    assert followed[:start] + followed[end:] == page
