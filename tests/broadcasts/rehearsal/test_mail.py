"""Sizes, parts, and the way out."""

import pytest

from sidecars.broadcasts.rehearsal.page import Page

WAY_OUT = '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
PREFERENCES = '<p><a href="{{ preferences_url }}">Choose</a></p>'
WORDS = "<p>One two three four five six seven eight nine ten.</p>"


@pytest.mark.parametrize(
    ("check_name", "parts", "status", "told"),
    [
        ("gmail_clipping", {"body": WORDS * 50 + WAY_OUT}, "passed", "Gmail clips at 102.0 KB"),
        ("gmail_clipping", {"body": WORDS * 1720 + WAY_OUT}, "warning", "near the 102.0 KB"),
        ("gmail_clipping", {"body": WORDS * 2000 + WAY_OUT}, "failure", "Gmail clips it"),
        ("size", {"body": WORDS + WAY_OUT}, "passed", "The mail has"),
        ("size", {"body": WORDS * 2400 + WAY_OUT}, "warning", "The mail has"),
        ("text_part", {"body": WORDS + WAY_OUT}, "passed", "100%"),
        (
            "text_part",
            {"body": WORDS + WAY_OUT, "text": "Something else."},
            "warning",
            "0% of the HTML's words",
        ),
        ("unsubscribe_link", {"body": WORDS + WAY_OUT}, "passed", '"Unsubscribe" unsubscribes'),
        ("unsubscribe_link", {"body": WORDS}, "failure", "no link that unsubscribes"),
        ("unsubscribe_link", {"body": WORDS + PREFERENCES}, "passed", '"Choose" unsubscribes'),
        (
            "unsubscribe_link",
            {"body": WORDS + '<a href="{{ unsubscribe_url }}"></a>'},
            "failure",
            "has no text",
        ),
        (
            "unsubscribe_link",
            {"body": WORDS + WAY_OUT, "text": "No."},
            "warning",
            "The text part has no link",
        ),
        ("subject", {"subject": "x" * 71}, "warning", "71 characters"),
        (
            "subject",
            {"subject": "{{ contact.last_name }}"},
            "failure",
            "For this reader the subject is empty",
        ),
        ("subject", {"subject": "Fwd: your order"}, "failure", "answer or a forwarded mail"),
        ("subject", {"subject": "EVERYTHING MUST GO"}, "warning", "all capitals"),
        ("preheader", {"preheader": ""}, "warning", "no preheader"),
        ("preheader", {"preheader": "x" * 141}, "warning", "141 characters"),
    ],
)
def test_a_part_of_the_mail(check, check_name, parts, status, told):
    ((found, message, _),) = check(check_name, **parts)
    assert (found, told in message) == (status, True), message


def test_a_page_is_what_readers_see():
    page = Page(
        """<head><title>x</title><style>a{}</style></head><div style="display:none">hidden <img src="a"></div>
        <a href="/1">One <b>two</b><img src="b.gif" alt="three"></a><a name="x">no link</a><br>last"""
    )
    assert page.text.split() == ["One", "two", "no", "link", "last"]
    assert [(anchor.href, anchor.text.split()) for anchor in page.anchors] == [
        ("/1", ["One", "two", "three"])
    ]
    assert [(image.src, image.alt, image.is_sized) for image in page.images] == [("b.gif", "three", False)]
