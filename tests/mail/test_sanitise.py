import css_inline
import pytest
from selectolax.lexbor import LexborHTMLParser

from sidecars.mail.sanitise import sanitise
from tests.mail.danger import dangers

_SEEN = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="java&#9;script:alert(1)">x</a>',
    "<svg onload=alert(1)></svg>",
    "<meta http-equiv=refresh content='0;url=x'>",
    "<p style='width:expression(alert(1))'>x</p>",
    "<style>@import 'x.css';</style>",
    "<body><!--[if mso]><iframe src=x></iframe><![endif]-->x",
]


def clean(html: str) -> str:
    return sanitise(css_inline.inline(html, load_remote_stylesheets=False, keep_at_rules=True))


HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=https://evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src='x' onerror = 'alert(1)' / >",
    "<img/src=x/onerror=alert(1)>",
    '<img src="javascript:alert(1)">',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="JaVaScRiPt:alert(1)">x</a>',
    '<a href="java&#9;script:alert(1)">x</a>',
    '<a href="&#106;&#97;vascript&colon;alert(1)">x</a>',
    '<a href=" &#1;javascript:alert(1)">x</a>',
    '<a href="vbscript:x">x</a>',
    '<a href="data:text/html;base64,PHNjcmlwdD4=">x</a>',
    '<area href="javascript:alert(1)">',
    '<svg onload=alert(1)><a xlink:href="javascript:x"><text>x</text></a></svg>',
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math><mi//xlink:href='data:x,<script>alert(4)</script>'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'></xmp>",
    "<title><img src=x onerror=alert(1)></title>",
    "<textarea><img title='</textarea><img src=x onerror=alert(1)>'></textarea>",
    "<iframe src=https://evil.example></iframe><iframe srcdoc='<script>x</script>'></iframe>",
    "<object data=x></object><embed src=x><applet code=x></applet>",
    "<form action=https://evil.example><input name=password><button formaction=x>go</button></form>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<html><head><meta http-equiv=refresh content='0;url=javascript:alert(1)'></head><body>x</body></html>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<base href=https://evil.example/>",
    "<html onload=alert(1)><body onload=alert(1) background='javascript:alert(1)'>x</body></html>",
    '<body style="background:url(javascript:alert(1))">x</body>',
    "<p style='width:expression(alert(1))'>x</p>",
    "<p style='behavior:url(x.htc);-moz-binding:url(x)'>x</p>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<style>p{background:url('javascript:alert(1)')}</style><p>x</p>",
    "<style>a::after{content:'</style><script>alert(1)</script>'}</style>",
    "<style><!--</style><script>alert(1)</script>--></style>",
    "<!--[if mso]><script>alert(1)</script><![endif]-->",
    "<!--[if gte IE 4]><iframe src=x></iframe><img src=x onerror=alert(1)><![endif]-->",
    "<!--[if mso]><style>p{x:expression(alert(1))}</style><![endif]-->",
    "<!--[if mso]><a href='javascript:x'>x</a><v:rect href='javascript:x'></v:rect><![endif]-->",
    "<!--[if mso]><p title='--><img src=x onerror=alert(1)>'><![endif]-->",
    "<!--[if mso]>--!><img src=x onerror=alert(1)><![endif]-->",
    "<!--[if mso]><![<?<!x<img src=x onerror=alert(1)><a href='javascript:x' <![endif]-->",
    "<!--[if mso]><style><![endif]--><b title='</style><img src=x onerror=alert(1)>'>x</b>",
    "<!--[if <script>alert(1)</script>]>x<![endif]-->",
    "<a title='<!--[if mso]><td class=\" onmouseover=alert(1) x=\"><![endif]-->'>x</a>",
    "<!--<img src='--><img src=x onerror=alert(1)//'>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><?php echo 1 ?>",
    "<p title='</head><body onload=alert(1)>'>x</p>",
    "<head><title></head><body onload=alert(1)></title></head>",
    "<template><script>alert(1)</script></template>",
    "<video><source onerror=alert(1)></video><audio src=x onerror=alert(1)>",
    "<div id='x' style='x:\\65xpression(alert(1))'>x</div>",
    '<table background="javascript:alert(1)"><tr><td background="vbscript:x">x</td></tr></table>',
    "\x00<\x00script>alert(1)</script>",
    "<a href='https://a.example/' ping='https://evil.example' target=_top>x</a>",
]


@pytest.mark.parametrize("html", HOSTILE)
def test_nothing_that_runs_loads_or_submits_is_left(html):
    assert dangers(clean(html)) == []


@pytest.mark.parametrize("html", _SEEN)
def test_the_detector_of_these_tests_sees_what_was_removed(html):
    assert dangers(html)


@pytest.mark.parametrize("html", HOSTILE)
def test_cleaning_again_changes_nothing(html):
    once = clean(html)

    assert sanitise(once) == once


def test_what_a_mail_needs_of_its_head_stays():
    page = clean(
        """<html lang="ar" dir="rtl"><head><title>A &amp; B</title>
        <meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
        <meta name="generator" content="x"><style>@media (max-width: 480px) { p { color: red } }</style>
        </head><body bgcolor="#eee" class="c" style="margin:0"><p>x</p></body></html>"""
    )
    head = page[: page.index("<body")]

    assert page.startswith('<!DOCTYPE html>\n<html lang="ar" dir="rtl">')
    assert "<title>A &amp; B</title>" in head
    assert '<meta name="viewport" content="width=device-width">' in head
    assert '<meta name="color-scheme" content="light dark">' in head
    assert "@media (max-width: 480px)" in head
    assert "generator" not in head
    body = LexborHTMLParser(page).body
    assert body is not None
    assert body.attributes == {"class": "c", "style": "margin:0", "bgcolor": "#eee"}


def test_outlooks_comments_stay_with_the_tables_that_they_open_and_close():
    html = (
        '<!--[if mso | IE]><table width="600"><tr><td><![endif]--><p>x</p>'
        "<!--[if mso | IE]></td></tr></table><![endif]-->"
        "<!--[if !mso]><!--><b>y</b><!--<![endif]-->"
        '<!--[if mso]><v:roundrect arcsize="10%" href="https://a.example/?x=1&amp;y=2" fillcolor="#fff">'
        "<w:anchorlock/><center>z</center></v:roundrect><![endif]-->"
    )

    assert f"<body>{html}</body>" in clean(f"<body>{html}</body>")


def test_outlooks_settings_keep_their_spelling():
    settings = (
        "<!--[if mso]><xml><o:OfficeDocumentSettings><o:AllowPNG/><o:PixelsPerInch>96</o:PixelsPerInch>"
        "</o:OfficeDocumentSettings></xml><![endif]-->"
    )

    assert settings in clean(f"<head>{settings}</head>x")


def test_other_comments_go():
    assert "secret" not in clean("<p>a<!-- secret -->b<!--[if]>secret<![endif]--></p>")


def test_text_of_unknown_elements_stays():
    assert "<body>kept</body>" in clean("<blink>kept</blink>")
