from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecars.mail.templating import NOW, parse, render
from sidecars.mail.values import Field, Merge, pieces
from tests.mail.samples import HOSTILE

FIELDS = {
    "contact": {
        "id": 42,
        "email": "maria@mail.example",
        "first_name": "Maria",
        "last_name": "",
        "properties": {
            "n": 3,
            "yes": True,
            "no": False,
            "none": None,
            "list": ["b", "a"],
            "deep": {"x": [1, 2]},
        },
    },
    "sender": {"name": "Acme"},
    "broadcast": {"id": 7},
    NOW: datetime(2026, 11, 24, tzinfo=UTC),
}
TEMPLATES = [
    "",
    "no fields",
    "{{ contact.first_name }}",
    "a {{ contact.first_name | upcase }} b {{ contact.first_name | upcase }} c",
    "{{ contact.last_name | default: 'x' }}{{ contact.missing | default: 3 }}{{ contact.missing.deep }}",
    "{{ contact.properties.n }}{{ contact.properties.n | plus: 1 }}{{ contact.properties.yes }}",
    "{{ contact.properties.no | default: 'x' }}{{ contact.properties.no | default: 'x', allow_false: true }}",
    "{{ contact.properties.none }}{{ contact.properties.list }}",
    "{{ contact.properties.list | sort | join: '-' }}",
    "{{ contact.properties.list.first }}{{ contact.properties.list.size }}{{ contact.properties.deep.x[1] }}",
    "{{ contact.email.x }}{{ contact['email'] }}{{ contact.properties['n'] }}",
    "{{ contact.first_name | append: contact.email }}",
    "{{ contact.properties.n | default: contact.email }}",
    "{{ 'now' | date: '%Y' }}{{ contact.id | date: '%Y' }}",
    "{{ contact.first_name | replace: 'M', 'N' | truncate: 3 | in_html }}",
    "{% if contact.properties.yes %}{{ contact.email }}{% else %}b{% endif %}c",
    "{% unless contact.x %}d{% endunless %}",
    "{% for i in contact.properties.list %}{{ i }}{{ forloop.index }}{% endfor %}{{ contact.id }}",
    "a {{- contact.id -}} b {%- if contact.id -%} c {%- endif -%} d",
    "{% assign x = contact.first_name %}{{ x }}{% capture y %}[{{ x }}]{% endcapture %}{{ y }}",
    "{{ sender.name }} {{ broadcast.id }} {{ contact.id }} {{ sender.name | upcase }}",
]


def joined(source: str, fields: dict, known: dict | None = None) -> str:
    found = pieces(parse(source, "body"), known or {})
    merge = Merge(dict(fields))
    return "".join(piece if isinstance(piece, str) else piece.text(merge) for piece in found)


@pytest.mark.parametrize("source", TEMPLATES)
def test_a_template_taken_apart_reads_as_liquid_renders_it(source):
    assert joined(source, FIELDS) == render(parse(source, "body"), FIELDS)


@pytest.mark.parametrize("source", TEMPLATES)
def test_what_is_known_beforehand_changes_nothing(source):
    known = {"sender": FIELDS["sender"], "broadcast": FIELDS["broadcast"]}

    assert joined(source, FIELDS, known) == render(parse(source, "body"), FIELDS)


values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.lists(st.text(), max_size=3)
)


@given(values)
@example(HOSTILE["header"])
@example(HOSTILE["url"])
def test_any_value_reads_as_liquid_renders_it(value):
    source = (
        "{{ contact.v }}|{{ contact.v | default: 'x' }}|{{ contact.v | upcase }}|"
        "{{ contact.v | append: '<' | in_html }}|{{ contact.v | in_url }}|"
        "{{ contact.v | in_url_start | in_html }}"
    )
    fields = {"contact": {"v": value}}
    # Liquid writes into a text buffer, which makes every line end LF.
    ours = joined(source, fields).replace("\r\n", "\n").replace("\r", "\n")

    assert ours == render(parse(source, "body"), fields)


def test_a_field_keeps_its_key_in_every_place():
    found = pieces(parse("{{ contact.id }}{{ contact.id | in_html }}{{ contact.id | upcase }}", "body"), {})

    assert [piece.key for piece in found if isinstance(piece, Field)][0::1] == [
        "contact.id",
        "contact.id",
        "contact.id | upcase",
    ]


def test_shared_text_is_in_one_piece():
    found = pieces(parse("a{{ sender.name }}b{{ contact.id }}c", "body"), {"sender": {"name": "S"}})

    assert [piece if isinstance(piece, str) else piece.key for piece in found] == ["aSb", "contact.id", "c"]
