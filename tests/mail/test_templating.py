import time
from datetime import UTC, datetime

import pytest

from sidecars.mail.errors import ContentError, Unsendable
from sidecars.mail.templating import NOW, check, parse, render


def rendered(source, **fields):
    return render(parse(source, "body"), fields)


def test_names_the_merge_fields_in_use():
    source = (
        "{{ contact.first_name | default: 'x' }}{% if contact.properties.plan == 'plus' %}"
        "{{ unsubscribe_url }}{{ preferences_url }}{% endif %}"
        "{% for item in contact.properties.items %}{{ item.name }}{% endfor %}"
    )

    assert check(source, "body") == {
        "contact.first_name",
        "contact.properties.plan",
        "contact.properties.items",
        "unsubscribe_url",
        "preferences_url",
    }


@pytest.mark.parametrize(
    ("source", "line", "part_of_message"),
    [
        ("a\n{{ contact.email", 2, "never closed"),
        ("\n\n{% if contact.id %}", 3, "endif"),
        ("{% if contact.id %}\n{% endfor %}", 2, "endfor"),
        ("\n{{ }}", 2, "expected"),
        ("\n{{ contact. }}", 2, "identifier"),
        ("\n{% if contact.id == %}{% endif %}", 2, "expected"),
        ("\n{% if contact.id = 1 %}{% endif %}", 2, "'='"),
        ("\n{{ contact.email | shout }}", 2, "no filter shout"),
        ("\n{% if false %}{{ 'x' | safe }}{% endif %}", 2, "no filter safe"),
        ("\n{% include 'other' %}", 2, "include"),
        ("\n{% render 'other' %}", 2, "render"),
        ("\n{% echo '<b>' %}", 2, "echo"),
        ("\n{% liquid echo 1 %}", 2, "liquid"),
        ("\n{% cycle '<b>', '<i>' %}", 2, "cycle"),
        ("\n{% raw %}<script>{% endraw %}", 2, "raw"),
        ("\n{% doc %}x{% enddoc %}", 2, "doc"),
        ("\n{{ first_name }}", 2, "no merge field first_name"),
        ("\n{{ contact.city }}", 2, "contact.properties.city"),
        ("\n{% assign kiba_token = 'x' %}", 2, "reserved"),
        ("\n{{ '" + "x" * 2_001 + "' }}", 2, "characters"),
        ("{{ contact.id }}" * 1_001, 1, "merge fields"),
    ],
)
def test_says_field_line_and_reason_of_what_is_wrong(source, line, part_of_message):
    with pytest.raises(ContentError) as raised:
        check(source, "subject")

    first = raised.value.errors[0]
    assert (first.field, first.line) == ("subject", line)
    assert part_of_message in first.message


def test_missing_fields_are_empty_unless_they_have_a_default():
    assert rendered("[{{ contact.first_name }}]", contact={}) == "[]"
    assert rendered("[{{ contact.properties.a.b.c }}]", contact={"properties": {"a": "text"}}) == "[]"
    assert rendered("{{ contact.first_name | default: 'there' }}", contact={"first_name": ""}) == "there"


def test_now_is_the_moment_of_composing_in_utc():
    assert (
        rendered("{{ 'now' | date: '%Y-%m-%d' }}", **{NOW: datetime(2031, 5, 6, tzinfo=UTC)}) == "2031-05-06"
    )


def test_numbers_of_seconds_are_dates_in_utc():
    assert rendered("{{ 86399 | date: '%d %H:%M' }}") == "01 23:59"


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in (1..100000000) %}x{% endfor %}",
        "{% for a in (1..200) %}{% for b in (1..200) %}{% endfor %}{% endfor %}",
        "{% for a in (1..9000) %}{% endfor %}{% for a in (1..9000) %}{% endfor %}",
        "{{ (1..10000000000) | join: '' }}",
        "{% assign a = (1..100000000000) %}{{ a | reverse }}",
        "{% assign a = 'aaaaaaaaaa' %}{% for i in (1..99) %}{% assign a = a | append: a %}{% endfor %}",
        "{% assign a = 'a,b' | split: ',' %}{% for i in (1..99) %}{% assign a = a | concat: a %}{% endfor %}",
        "{% assign n = 9999 %}{% for i in (1..99) %}{% assign n = n | times: n %}{% endfor %}",
        "{{ 'aaaaaaaaaa'" + " | replace: 'a', 'aaaaaaaaaa'" * 12 + " }}",
        "{% for i in (1..9000) %}" + "x" * 200 + "{% endfor %}",
        "{{ (1..99999999999999999999999) | size }}",
        "{{ 99999999999999999999999999 | date }}",
        "{{ 1 | divided_by: 0 }}",
    ],
)
def test_no_template_runs_long_or_grows_large(source):
    template = parse(source, "body")
    started = time.process_time()

    with pytest.raises(Unsendable):
        render(template, {})

    assert time.process_time() - started < 1


def test_blanks_without_end_are_no_way_to_hang_the_lexer():
    started = time.process_time()

    with pytest.raises(ContentError):
        check("{{" + " " * 200_000, "body")

    assert time.process_time() - started < 1
