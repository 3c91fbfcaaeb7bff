import css_inline
import nh3
import pytest

from sidecars.mail.placeholders import hide, hide_from_tools, plain_liquid

LIQUID = (
    """<p title="{{ contact.name | default: "a > b" }}">{% if contact.id %}{{ contact.email }}{% endif %}"""
)


def test_hidden_liquid_is_revealed_as_it_was():
    assert hide(LIQUID).reveal() == LIQUID
    assert hide_from_tools(LIQUID).reveal() == LIQUID


def test_no_liquid_is_left_in_sight():
    text = hide_from_tools(LIQUID).text

    assert "{" not in text
    assert "contact" not in text


def test_tags_between_elements_are_comments_and_others_are_words():
    hidden = hide_from_tools(
        '<tr title="{% if contact.id %}{% endif %}">{% for i in contact.properties.l %}</tr>'
    )

    assert hidden.text == '<tr title="_kq0__kq1_"><!--_kq2_--></tr>'


def test_a_loop_over_rows_stays_where_it_stands_in_its_table():
    rows = "{% for i in contact.properties.l %}<tr><td>{{ i }}</td></tr>{% endfor %}"
    table = f"<table><tbody>{rows}</tbody></table>"
    hidden = hide_from_tools(table)
    cleaned = nh3.clean(hidden.text, tags={"table", "tbody", "tr", "td"}, strip_comments=False)

    assert hidden.with_text(cleaned).reveal() == table


def test_text_that_looks_like_a_placeholder_is_told_from_one():
    source = "_kq0_ <!--_kq1_--> {{ contact.email }} _kqq0_"

    assert hide(source).reveal() == source


def test_css_carries_placeholders_through():
    hidden = hide_from_tools('<style>.x{color:{{ contact.properties.c }}}</style><p class="x">a</p>')
    inlined = css_inline.inline(hidden.text)

    assert 'style="color: {{ contact.properties.c }};"' in hidden.with_text(inlined).reveal()


def test_quotes_that_an_editor_escaped_are_quotes_again():
    assert (
        plain_liquid("<a>{{ x | default: &quot;y&#39;&nbsp;&quot; }}</a>")
        == '<a>{{ x | default: "y\'\xa0" }}</a>'
    )


@pytest.mark.parametrize(
    "comment",
    ["{% comment %}a\n{{ b }}\n{% endcomment %}", "{%- comment -%}\n\n{%- endcomment -%}", "{% # a\n\nb %}"],
)
def test_comments_go_and_their_lines_stay(comment):
    assert plain_liquid(f"x{comment}y") == "x\n\ny"


def test_reveal_tells_each_construct_its_place():
    hidden = hide("a{{ b }}c{{ d }}")

    assert hidden.reveal(lambda construct, index: f"[{construct[3]}{hidden.text[index - 1]}]") == "a[ba]c[dc]"
