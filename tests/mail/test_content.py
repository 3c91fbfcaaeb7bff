import time
from contextlib import suppress

import pytest

from sidecars.mail.content import ContentError, ContentSource, prepare
from tests.mail.danger import dangers
from tests.mail.samples import content

MJML = """<mjml lang="en">
  <mj-head><mj-title>Hello {{ contact.first_name }}</mj-title>
    <mj-style>
      .x { color: red } .x:hover { color: blue } @media (max-width: 480px) { .x { color: green } }
    </mj-style>
  </mj-head>
  <mj-body>
    {% if contact.properties.vip %}
    <mj-section><mj-column>
      <mj-text><p class="x">Hi {{ contact.first_name | default: "there" }}</p></mj-text>
      <mj-button href="https://a.example/{{ contact.id }}">Go</mj-button>
      <mj-image src="https://a.example/i.png" alt="{{ contact.name | default: "a > b" }}" />
    </mj-column></mj-section>
    {% endif %}
    <mj-section><mj-column>
      <mj-table>{% for item in contact.properties.items %}<tr><td>{{ item }}</td></tr>{% endfor %}</mj-table>
      <mj-raw><script>alert(1)</script></mj-raw>
    </mj-column></mj-section>
  </mj-body>
</mjml>"""


def errors_of(kind="html", subject="s", preheader="", body="<p>x</p>", text=None):
    with pytest.raises(ContentError) as raised:
        prepare(ContentSource(kind, subject, preheader, body, text))
    return raised.value.errors


def test_mjml_becomes_a_safe_document_with_its_liquid_where_it_stood():
    prepared = prepare(ContentSource("mjml", "s", "", MJML))

    assert dangers(prepared.html) == []
    assert "mj-" not in prepared.html.replace("mj-column", "").replace("mj-full", "").replace(
        "mj-outlook", ""
    )
    for construct in (
        "<title>Hello {{ contact.first_name }}</title>",
        '>Hi {{ contact.first_name | default: "there" }}</p>',
        'href="https://a.example/{{ contact.id }}"',
        'alt="{{ contact.name | default: "a > b" }}"',
        "{% for item in contact.properties.items %}",
    ):
        assert construct in prepared.html
    before, _, after = prepared.html.partition("{% if contact.properties.vip %}")
    assert "Hi {{" not in before
    assert "Hi {{" in after.partition("{% endif %}")[0]


def test_styles_go_into_the_elements_and_what_cannot_stays_in_the_head():
    prepared = prepare(ContentSource("mjml", "s", "", MJML))
    head = prepared.html[: prepared.html.index("<body")]

    assert '<p class="x" style="color: red;">' in prepared.html
    assert ".x:hover { color: blue; }" in head
    assert "@media (max-width: 480px)" in head


def test_a_style_sheet_for_print_is_not_put_into_the_elements():
    prepared = content('<style media="print">p { display: none }</style><p>x</p>')

    assert "<p>x</p>" in prepared.html
    assert "@media print {p { display: none }}" in prepared.html.replace("\n", "")


def test_a_fragment_becomes_a_whole_document():
    html = content("{% if contact.id %}<p>x{% endif %}").html

    assert html.startswith("<!DOCTYPE html>\n<html>\n<head>\n<meta http-equiv")
    assert "<body>{% if contact.id %}<p>x{% endif %}</p></body>" in html


def test_names_the_merge_fields_of_all_parts():
    prepared = content(
        "<p>{{ contact.email }}", "{{ contact.name }}", preheader="{{ contact.id }}", text="{{ sender.name }}"
    )

    assert prepared.fields == {"contact.email", "contact.name", "contact.id", "sender.name"}


def test_says_everything_that_is_wrong_at_once():
    found = errors_of(subject=" ", preheader="{{ x }}", body="<p>\n{% if %}", text="{{ y")

    assert [(error.field, error.line) for error in found] == [
        ("subject", None),
        ("preheader", 1),
        ("body", 2),
        ("text", 1),
    ]


@pytest.mark.parametrize(
    ("body", "line", "part_of_message"),
    [
        ("<mjml>\n<mj-body>\n<mj-include path='/etc/passwd' />\n</mj-body></mjml>", 3, "included"),
        ("<mjml>\n\n<mj-body>{{ contact.email\n}}\n</mjml>", None, "MJML"),
        ("<p>no mjml</p>", 1, "MJML"),
        # mrml panics at this one.
        ("<mjml><mj-body><mj-raw><![if", None, "not finished"),
        ("<mjml><mj-body><mj-text foo=bar>x</mj-text></mj-body></mjml>", None, "MJML"),
        ("<mjml><mj-head>{% if contact.id %}</mj-head><mj-body></mj-body></mjml>", 1, "endif"),
    ],
)
def test_says_what_is_wrong_with_mjml(body, line, part_of_message):
    (error,) = errors_of("mjml", body=body)

    assert part_of_message in error.message
    assert error.field == "body"
    assert line is None or error.line == line


def test_lines_are_the_authors_though_liquid_spans_some():
    body = "<mjml>\n<mj-body>{{ contact.email\n| default: 'x'\n}}\n<mj-include path='x' /></mj-body></mjml>"

    assert errors_of("mjml", body=body)[0].line == 5


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (
            "mjml",
            "<mjml><mj-head>\n{% if contact.id %}<mj-font name='x' href='y' />{% endif %}</mj-head>"
            "<mj-body></mj-body></mjml>",
        ),
        ("html", "<p>x</p>\n<div {% if contact.id %}class='a'{% endif %}>x</div>"),
        (
            "html",
            "<p>x</p>\n<b title='{% if contact.id %}'>onclick=alert(1) {% endif %}<i class=' onclick=x '>",
        ),
        ("html", "\n<script>{% if contact.id %}</script>{% endif %}"),
    ],
)
def test_conditions_that_cannot_be_kept_are_refused_with_their_line(kind, body):
    (error,) = errors_of(kind, body=body)

    assert error.line == 2
    assert "{% if contact.id %} stands where it cannot be kept" in error.message


def test_what_fails_only_when_it_is_rendered_is_found_before_it_is_sent():
    (error,) = errors_of(body="{{ contact.id | divided_by: 0 }}")

    assert error.field == "body"


@pytest.mark.parametrize("field", ["subject", "preheader", "body", "text"])
def test_parts_have_a_largest_size(field):
    (error,) = errors_of(**{field: "x" * 300_000})

    assert error.field == field
    assert "300,000" in error.message


def test_a_preheader_and_a_subject_are_one_line():
    prepared = content("x", subject=" a\r\n b ", preheader="c\nd")

    assert (prepared.subject, prepared.preheader) == ("a b", "c d")


@pytest.mark.parametrize(
    "piece",
    [
        "<a", "<a ", '<a x="', "</a ", "<!", "<!--", "<style>", "<style ", '<style media="x">', "<title ",
        "<!--[if mso]>", "{{", "{%", "{% comment %}", "&", "<p>x", "<b>x", "<td>x", "<style>a{}</style>",
        '<a href="https://a.example">x</a>',
    ],
)  # fmt: skip
@pytest.mark.parametrize("frame", ["{}", "<body><!--[if mso]>{}<![endif]-->x", "<style>{}</style>x"])
def test_no_body_takes_long(piece, frame):
    body = frame.replace("{}", piece * (100_000 // len(piece)))
    started = time.process_time()

    with suppress(ContentError):
        content(body)

    assert time.process_time() - started < 5
