"""Authors and contacts who do their worst together: whatever is made of it is safe, and one mail."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecars.mail.content import ContentError, ContentSource, PreparedContent, prepare
from sidecars.mail.preview import render
from tests.mail.danger import dangers
from tests.mail.samples import AT, HOSTILE, compiled, mail_to, recipient
from tests.mail.test_compiled import part, read

# fmt: off
FRAGMENTS = [
    '<a href="', "<a href='", '<img src="', '<b title="', "<b title='", "<td background=", '<div style="',
    "<p>", "</p>", "</div>", "<table>", "<tr><td>", "</table>", "<!--", "-->", "<!--[if mso]>",
    "<![endif]-->", "<!--[if !mso]><!-->", "<!--<![endif]-->", "<style>", "</style>", "<title>", "</title>",
    "<script>", "</script>", "<svg>", "</svg>", "<math>", "<mtext>", "<noscript>", "</noscript>",
    "<textarea>", "</textarea>", '<iframe srcdoc="', "<template>", "<xmp>", "<plaintext>", "<select>",
    "<form>", '"', "'", ">", "<", "/>", " onerror=alert(1) ", ' onclick="alert(1)"', "javascript:", "java",
    "script:alert(1)", "vbscript:", "data:text/html,", "http://a.example/", "mailto:", ":", "//", "&#106;",
    "&colon;", "&quot;", "&gt;", "&lt;", "\n", "\t", "\0", " ", "=", "x", "expression(", "url(",
    '@import "x";', "behavior:", "\\65", "/*", "*/", '<v:rect href="', "<o:p>",
    '<meta http-equiv=refresh content="0;url=', "<base href=", "<link rel=stylesheet href=",
    "<body onload=x>", "<html onclick=x>", "</body>", "</html>", "<head>", "</head>", "_kq0_", "_kq1_",
    "<center>", "</a>", "</b>", "kiba_token", "<!-->", "--!>", "<![CDATA[", "]]>", "<?x", "<mj-raw>",
    '<area href="', "{% if contact.properties.v %}", "{% else %}", "{% endif %}",
    "{% unless contact.properties.v %}", "{% endunless %}", "{% for i in contact.properties.l %}",
    "{{ i }}", "{% endfor %}", "{% capture c %}", "{% endcapture %}", "{{ c }}",
    "{% assign c = contact.name %}", "{{ contact.name }}", "{{ contact.properties.v }}",
    '{{ contact.name | default: "<b>" }}', "{% comment %}", "{% endcomment %}", "{% raw %}", "{% endraw %}",
    "{{", "}}", "{%", "%}",
]
# fmt: on
FRAMES = {
    "fragment": ("html", "{}"),
    "table": ("html", "<table><tr><td>{}</td></tr></table>"),
    "head": ("html", "<html><head>{}</head><body>x</body></html>"),
    "mjml text": (
        "mjml",
        "<mjml><mj-body><mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section></mj-body></mjml>",
    ),
    "raw mjml": ("mjml", "<mjml><mj-body><mj-raw>{}</mj-raw></mj-body></mjml>"),
}
bodies = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=12).map("".join)
values = st.sampled_from(list(HOSTILE.values()))


def prepared(frame: str, body: str) -> PreparedContent | None:
    """The content, or None where its author is told to mend it."""
    kind, around = FRAMES[frame]
    try:
        return prepare(ContentSource(kind, "s", "", around.replace("{}", body)))
    except ContentError:
        return None


@pytest.mark.parametrize("frame", FRAMES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=bodies, name=values, value=values, items=st.lists(values, max_size=2))
def test_whatever_an_author_and_a_contact_write_is_safe_to_show_and_one_mail(frame, body, name, value, items):
    found = prepared(frame, body)
    if found is None:
        return
    reader = recipient(name=name, properties={"v": value, "l": items})

    assert dangers(render(found, reader, AT)[1]) == []
    message = read(mail_to(compiled(found), reader)[1])
    assert [each.get_content_type() for each in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    html = part(message, "html")
    assert dangers(html) == []
    assert html.count('<img src="https://go.acme.example/o/') == 1
