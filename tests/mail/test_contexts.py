import pytest

from sidecars.mail.contexts import escape_html, escape_url, straddling
from sidecars.mail.placeholders import hide


@pytest.mark.parametrize(
    ("html", "template"),
    [
        ("<p>{{ x }}</p>", "<p>{{ x | in_html }}</p>"),
        ("<p>{{- x | upcase -}}</p>", "<p>{{- x | upcase  | in_html -}}</p>"),
        ('<p title="a{{ x }}">', '<p title="a{{ x | in_html }}">'),
        ('<a href="{{ x }}">', '<a href="{{ x | in_url_start | in_html }}">'),
        (
            '<a href="{% if y %}{{ x }}{% endif %}">',
            '<a href="{% if y %}{{ x | in_url_start | in_html }}{% endif %}">',
        ),
        ('<a href="https://a.example/{{ x }}">', '<a href="https://a.example/{{ x | in_url | in_html }}">'),
        ('<img src="https://{{ x }}">', '<img src="https://{{ x | in_url | in_html }}">'),
        ('<td background="{{ x }}">', '<td background="{{ x | in_url_start | in_html }}">'),
        ('<p style="color: {{ x }}">', '<p style="color: {{ x | in_css }}">'),
        ("<style>p { color: {{ x }} }</style>", "<style>p { color: {{ x | in_css }} }</style>"),
        ("<title>{{ x }}</title>", "<title>{{ x | in_html }}</title>"),
        (
            '<!--[if mso]><v:rect href="//{{ x }}" alt="{{ y }}"><![endif]-->',
            '<!--[if mso]><v:rect href="//{{ x | in_url | in_html }}" alt="{{ y | in_html }}"><![endif]-->',
        ),
    ],
)
def test_each_value_is_escaped_for_where_it_stands(html, template):
    assert " ".join(escape_html(hide(html)).split()) == " ".join(template.split())


def test_a_url_by_itself_is_not_html():
    assert escape_url(hide("{{ x }}/{{ y }}")) == "{{ x | in_url_start }}/{{ y | in_url }}".replace(
        " | ", "  | "
    )


@pytest.mark.parametrize(
    "html",
    [
        '<b title="{% if x %}">text onerror=alert(1) {% endif %}<i class=" onmouseover=alert(1) ">',
        '<b title="{% if x %}" class="{% endif %}">',
        "<style>{% if x %}</style><p>{% endif %}",
        "<title>{% if x %}</title><p>{% endif %}",
        "{% if x %}<!--[if mso]><p>{% endif %}<![endif]-->",
        "<!--[if mso]>{% if x %}<![endif]--><p>{% endif %}",
        '<!--[if mso]><p title="{% if x %}">{% endif %}<![endif]-->',
        '<p title="{% endif %}{% if x %}">',
    ],
)
def test_a_condition_that_would_take_half_of_something_away_is_found(html):
    assert straddling(hide(html)) != []


@pytest.mark.parametrize(
    "html",
    [
        "{% if x %}<p>a</p>{% else %}<p>b</p>{% endif %}",
        "<div>{% if x %}</div><div>{% endif %}</div>",
        '<p title="{% if x %}a{% endif %}" style="{% if x %}color:red{% endif %}">{% if x %}a{% endif %}</p>',
        "{% for i in x %}<!--[if mso]><td>{% if i %}{{ i }}{% endif %}<![endif]-->{% endfor %}",
    ],
)
def test_conditions_in_one_place_pass(html):
    assert straddling(hide(html)) == []
