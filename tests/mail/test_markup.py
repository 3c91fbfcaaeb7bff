from hypothesis import given
from hypothesis import strategies as st

from sidecars.mail.markup import Place, Tag, change_tags, places, read_attributes, write_attributes

PAGE = (
    "<!DOCTYPE html>\n<html><head><title>a &lt;b&gt;</title>"
    '<style type="text/css">a > b { c: d }</style></head>'
    '<body class="x"><!--[if mso]><v:rect href="https://a.example/?x=1&amp;y=2"/><![endif]-->'
    '<!--[if !mso]><!--><a href="https://b.example/" title="&lt;a href=&quot;no&quot;&gt;">t</a>'
    "<!--<![endif]-->"
    "</body></html>"
)


def test_finds_what_is_not_text_between_tags():
    found = [(place.kind, place.name, PAGE[place.start : place.end]) for place in places(PAGE)]

    assert found == [
        ("title", "", "a &lt;b&gt;"),
        ("css", "", "a > b { c: d }"),
        ("attribute", "class", "x"),
        ("comment", "", '<v:rect href="https://a.example/?x=1&amp;y=2"/>'),
        ("attribute", "href", "https://a.example/?x=1&amp;y=2"),
        ("attribute", "href", "https://b.example/"),
        ("attribute", "title", "&lt;a href=&quot;no&quot;&gt;"),
    ]


def test_a_page_without_changes_is_the_same_page():
    assert change_tags(PAGE, lambda tag: tag) == PAGE


def test_changes_tags_in_outlooks_comments_too():
    seen: list[Tag] = []

    def change(tag: Tag) -> Tag:
        seen.append(tag)
        return (
            tag._replace(attributes={**tag.attributes, "href": 'new "&'}) if "href" in tag.attributes else tag
        )

    changed = change_tags(PAGE, change)

    assert Tag("v:rect", {"href": "https://a.example/?x=1&y=2"}, "/") in seen
    assert '<v:rect href="new &quot;&amp;"/>' in changed
    assert changed.count('href="new &quot;&amp;"') == 2
    assert [place for place in places(changed) if place.kind == "comment"] != []


@given(
    st.dictionaries(
        st.text("abc-", min_size=1),
        st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs", "Cc"])),
    )
)
def test_attributes_read_back_as_they_were_written(attributes):
    assert read_attributes(write_attributes(attributes)) == attributes


def test_a_place_in_a_comment_is_counted_from_the_pages_start():
    place = next(place for place in places(PAGE) if place.name == "href")

    assert place == Place("attribute", "href", PAGE.index("https://a"), PAGE.index('"/>'))
