"""A body in its layout, and whose lines are whose."""

import pytest

from sidecars.mail.content import ContentSource, prepare
from sidecars.mail.errors import ContentError
from sidecars.mail.wrapping import check_place, in_layout, told_apart

LAYOUT = "<div>\n<h1>Acme</h1>\n{{ content }}\n<p>{{ contact.nickname }}</p>\n</div>"


@pytest.mark.parametrize("layout", ["<p></p>", "{{ content }}{{- content -}}", ""])
def test_a_layout_has_one_place(layout):
    with pytest.raises(ContentError, match="once"):
        check_place(layout)


def test_a_body_stands_in_its_layout_as_it_is():
    check_place(LAYOUT)
    source = in_layout(ContentSource("html", "Hi", "", r"<p>a \1 {{ contact.first_name }}</p>"), LAYOUT)
    assert r"<h1>Acme</h1>" + "\n" + r"<p>a \1 {{ contact.first_name }}</p>" in source.body
    mjml = "<mjml><mj-body>{{ content }}</mj-body></mjml>"
    section = "<mj-section><mj-column><mj-text>Hello</mj-text></mj-column></mj-section>"
    assert "Hello" in prepare(in_layout(ContentSource("mjml", "Hi", "", section), mjml)).html


def test_an_error_is_told_by_the_line_of_where_it_stands():
    body = "<p>one</p>\n<p>{{ contact.nickname }}</p>"
    with pytest.raises(ContentError) as raised:
        prepare(in_layout(ContentSource("html", "Hi", "", body), LAYOUT))
    told = told_apart(raised.value, body, LAYOUT)
    assert [(each.field, each.line) for each in told.errors] == [("body", 2), ("layout", 4)]
