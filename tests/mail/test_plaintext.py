from tests.mail.samples import content


def text_of(body: str) -> str:
    return content(body).text


def test_paragraphs_lines_and_lists_read_as_they_look():
    html = "<h1>Title</h1>\n<p>One\n  two<br>three</p><ul><li>a</li><li>b</li></ul><hr><p>end</p>"

    assert text_of(html) == "Title\n\nOne two\nthree\n\n- a\n- b\n\n" + "-" * 20 + "\n\nend\n"


def test_links_show_their_address_unless_it_is_their_text():
    html = (
        '<p><a href="https://a.example/">Read</a> <a href="https://b.example/">https://b.example/</a> '
        '<a href="mailto:x@y.example">x@y.example</a> <a href="#top">Up</a></p>'
    )

    assert text_of(html) == "Read <https://a.example/> https://b.example/ x@y.example Up\n"


def test_a_picture_reads_as_its_description():
    assert (
        text_of('<a href="https://a.example/"><img src="x.png" alt="Our shop"></a>')
        == "Our shop <https://a.example/>\n"
    )


def test_what_nobody_sees_is_left_out():
    preheader = '<div style="display:none">preheader <b>x</b></div>'
    html = f"<style>p{{}}</style>{preheader}<!--[if mso]>Outlook<![endif]--><p>a</p>"

    assert text_of(html) == "a\n"


def test_liquid_stays_and_is_not_escaped_as_html():
    html = '<p title="{{ contact.id }}">Hi {{ contact.first_name | default: "A & B" }}</p>'

    assert text_of(html) == 'Hi {{ contact.first_name | default: "A & B" }}\n'


def test_values_in_addresses_are_escaped_as_addresses():
    html = '<a href="https://a.example/{{ contact.email }}">x</a>'

    assert text_of(html) == "x <https://a.example/{{ contact.email  | in_url }}>\n".replace("  ", " ")


def test_a_condition_around_a_block_leaves_no_gap():
    html = "<p>a</p>{% if contact.properties.x %}<p>b</p>{% endif %}<p>c</p>"

    assert text_of(html) == "a\n\n{%- if contact.properties.x %}\n\nb\n\n{%- endif %}\n\nc\n"


def test_an_authors_own_text_is_kept():
    assert content("<p>x</p>", text="Mine, {{ contact.email }}").text == "Mine, {{ contact.email }}"
