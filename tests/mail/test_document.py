from sidecars.mail.document import Tracking, html_template, with_page_urls
from tests.mail.samples import TRACKING, content


def template(body: str, preheader: str = "", opens: bool = True, clicks: bool = True) -> str:
    return html_template(content(body).html, preheader, Tracking(TRACKING.url, opens, clicks))


def test_links_the_way_out_and_the_pixel_go_by_one_token():
    html = template(
        '<a href="https://a.example/">a</a><a href="{{ unsubscribe_url }}">u</a>'
        '<a href="{{preferences_url}}">p</a>'
    )

    assert (html.count("kiba_token"), html.count("kiba_page")) == (2, 2)
    assert 'href="https://go.acme.example/c/{{ kiba_token | in_url | in_html }}/0"' in html.replace(
        "  |", " |"
    )
    assert 'href="https://go.acme.example/u/{{ kiba_page' in html
    assert 'href="https://go.acme.example/p/{{ kiba_page' in html
    assert 'src="https://go.acme.example/o/{{ kiba_token' in html


def test_the_pixel_is_the_last_thing_in_the_body():
    assert template("<p>x</p>").partition("</p>")[2].startswith('<img src="https://go.acme.example/o/')
    assert template("<p>x</p>").endswith("</body>\n</html>\n")


def test_without_open_tracking_there_is_no_pixel():
    assert "<img" not in template("<p>x</p>", opens=False)


def test_the_preheader_is_the_first_thing_in_the_body_and_escaped():
    html = template(
        '<body title="{{ contact.id }} > x"><p>x</p></body>', 'A & B {{ contact.name | default: "<you>" }}'
    )
    body = html[html.index("<body") :]

    assert body.partition('>A &amp; B {{ contact.name | default: "<you>"  | in_html }}')[1] != ""
    assert body.index("A &amp; B") < body.index("<p>x</p>")


def test_the_way_out_in_text_is_an_address():
    assert with_page_urls("x {{unsubscribe_url}} y", "https://go") == "x https://go/u/{{ kiba_page }} y"
