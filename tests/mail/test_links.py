import pytest

from sidecars.mail.links import LinkTarget, target, track
from tests.mail.samples import HOSTILE, content, recipient


def targets(body: str) -> list[str]:
    return [link.url for link in content(body).links]


def test_each_place_counts_by_itself_in_the_order_of_the_mail():
    prepared = content(
        '<a href="https://a.example/"><img src="https://a.example/logo.png"></a>'
        '<a href="https://b.example/?x=1&amp;y=2">b</a><a href="https://a.example/">a</a>'
    )

    assert prepared.links == (
        LinkTarget(0, "https://a.example/"),
        LinkTarget(1, "https://b.example/?x=1&y=2"),
        LinkTarget(2, "https://a.example/"),
    )


@pytest.mark.parametrize(
    "href",
    [
        "mailto:a@b.example", "tel:+49301", "sms:+49301", "#top", "/relative", "{{ unsubscribe_url }}",
        "https://a.example/?out={{ unsubscribe_url }}", "{{ contact.properties.site }}",
    ],
)  # fmt: skip
def test_addresses_that_are_left_as_they_are(href):
    prepared = content(f'<a href="{href}">x</a>')

    assert prepared.links == ()
    assert f'href="{href}"' in track(prepared.html, "https://go.example", clicks=True)


def test_a_link_may_opt_out_and_the_mark_is_gone():
    prepared = content('<a href="https://a.example/" data-track="off">x</a>')

    assert prepared.links == ()
    assert "data-track" not in prepared.html


def test_an_author_cannot_number_a_link():
    assert content('<a href="https://a.example/" data-link="7">x</a>').html.count('data-link="0"') == 1


def test_what_only_a_loop_knows_is_not_tracked():
    link = '<a href="https://a.example/{{ item.id }}">x</a>'
    body = f"{{% for item in contact.properties.items %}}{link}{{% endfor %}}"

    assert targets(body) == []


def test_outlooks_button_counts_with_the_link_that_it_repeats():
    prepared = content(
        '<!--[if mso]><v:roundrect href="https://a.example/"><center>x</center></v:roundrect><![endif]-->'
        '<!--[if !mso]><!--><a href="https://a.example/">x</a><!--<![endif]-->'
    )
    tracked = track(prepared.html, "https://go.example", clicks=True)

    assert prepared.links == (LinkTarget(0, "https://a.example/"),)
    assert tracked.count('href="https://go.example/c/{{ kiba_token }}/0"') == 2


def test_without_click_tracking_links_stay_and_their_numbers_go():
    body = '<a href="https://a.example/?x=1&amp;y={{ contact.email }}">x</a>'
    html = track(content(body).html, "https://go.example", clicks=False)

    assert body in html
    assert "data-link" not in html


def test_a_target_is_filled_in_when_it_is_clicked():
    url = "https://a.example/{{ contact.properties.city }}?m={{ contact.email }}&b={{ broadcast.id }}"
    prepared = content(f'<a href="{url}">x</a>')
    reader = recipient(properties={"city": "Zürich/West"})

    assert prepared.links[0].url == url
    assert target(url, reader, 7) == "https://a.example/Z%C3%BCrich%2FWest?m=maria%40mail.example&b=7"


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_no_value_changes_where_a_target_leads(value):
    url = target("https://a.example/{{ contact.properties.v }}", recipient(properties={"v": value}), 7)

    assert url is not None
    assert url.startswith("https://a.example/")
    assert url.isascii()
    assert not set(url) & set(" \r\n\"'<>")


def test_a_target_that_is_no_web_address_leads_nowhere():
    assert target("{{ contact.properties.v }}", recipient(properties={"v": "javascript:alert(1)"}), 7) is None
