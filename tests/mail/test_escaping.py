import html
import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecars.mail.escaping import as_text, in_css, in_html, in_url, in_url_start
from tests.mail.samples import HOSTILE


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (False, "false"), (3, "3"), (2.5, "2.5"), (["a", 1], "a1"), ("ü", "ü")],
)
def test_values_read_as_liquid_writes_them(value, text):
    assert as_text(value) == text


@given(st.text())
def test_html_holds_no_markup_and_reads_back_the_same(text):
    escaped = in_html(text)

    assert not re.search("[<>\"']", escaped)
    assert html.unescape(escaped) == html.unescape(html.escape(text))


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_url_parts_hold_unreserved_characters_only_and_read_back_the_same(text):
    escaped = in_url(text)

    assert re.fullmatch(r"[A-Za-z0-9._~%-]*", escaped)
    assert unquote(escaped) == text


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("https://a.example/ü?x=1&y=2#z", "https://a.example/%C3%BC?x=1&y=2#z"),
        ("HTTP://a.example:8080/", "HTTP://a.example:8080/"),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("tel:+49 30 1", "tel:+49%2030%201"),
        ("www.a.example/x", "www.a.example/x"),
        ("javascript:alert(1)", ""),
        (" JavaScript:alert(1)", ""),
        ("data:text/html,x", ""),
        (":alert(1)", "%3Aalert(1)"),
        ("java\nscript:alert(1)", "java%0Ascript%3Aalert(1)"),
    ],
)
def test_a_url_keeps_a_scheme_that_mails_may_use_and_no_other(value, url):
    assert in_url_start(value) == url


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_css_values_end_no_declaration_and_call_no_function(value):
    assert not re.search(r"[;:{}()<>\"'\\@\n]", in_css(value))


@pytest.mark.parametrize("value", ["#ff0000", "12px", "1.5em", "50%", "dark red", "Georgia, serif"])
def test_colours_sizes_and_words_pass_into_css(value):
    assert in_css(value) == value
