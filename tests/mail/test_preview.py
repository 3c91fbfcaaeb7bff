import pytest

from sidecars.mail.errors import Unsendable
from sidecars.mail.preview import render
from tests.mail.danger import dangers
from tests.mail.samples import AT, HOSTILE, content, recipient


def test_shows_what_the_reader_will_see_without_tracking():
    prepared = content(
        '<p>Hi {{ contact.first_name | default: "you" }}, '
        '<a href="https://a.example/{{ contact.id }}">go</a> <a href="{{ unsubscribe_url }}">leave</a></p>'
        "{{ preferences_url }}",
        "For {{ contact.first_name }}: {{ 'now' | date: '%Y' }}",
        preheader="Psst {{ broadcast.subject }}",
    )
    subject, html, text = render(prepared, recipient(first_name="Zoë & Co"), AT)

    assert subject == "For Zoë & Co: 2026"
    assert "Psst For Zoë &amp; Co: 2026" in html
    assert 'Hi Zoë &amp; Co, <a href="https://a.example/42">go</a>' in html
    assert "data-link" not in html
    assert "<img" not in html
    assert text == "Hi Zoë & Co, go <https://a.example/42> leave <#preview/u/preview>\n\n#preview/p/preview\n"


EVERYWHERE = """<style>p { color: V }</style><p style="color: V" title="V">V</p><a href="V">V</a>
<img src="https://a.example/V" alt="V"><!--[if mso]><p title="V">V</p><![endif]-->"""


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_no_value_of_a_contact_runs_in_a_preview(value):
    field = "{{ contact.properties.v }}"
    prepared = content(EVERYWHERE.replace("V", field), field, preheader=field)

    assert dangers(render(prepared, recipient(properties={"v": value}), AT)[1]) == []


def test_a_value_that_cannot_be_rendered_is_said():
    prepared = content("{% assign n = contact.properties.n | default: 1 %}{{ 10 | divided_by: n }}")

    assert render(prepared, recipient(properties={"n": 5}), AT)[2] == "2\n"
    with pytest.raises(Unsendable):
        render(prepared, recipient(properties={"n": "0"}), AT)
