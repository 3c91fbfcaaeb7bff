"""The whole HTML of one broadcast's mails as a template: preheader, tracked links, pixel, escaping."""

import html
import re
from typing import NamedTuple

from sidecars.mail import links
from sidecars.mail.contexts import escape_html
from sidecars.mail.placeholders import hide
from sidecars.mail.templating import PAGE, TOKEN
from sidecars.names import PATH_OPEN, PATH_PREFERENCES, PATH_UNSUBSCRIBE

_BODY = re.compile(r"<body[^>]*>")
_PAGES = {"unsubscribe_url": PATH_UNSUBSCRIBE, "preferences_url": PATH_PREFERENCES}
_PAGE_URL = re.compile(rf"\{{\{{\s*({'|'.join(_PAGES)})\s*(?:\|\s*in_url_start\s*)?\}}\}}")
# Clients show what follows a short preheader; these blanks keep the mail's first lines out of it.
_PREHEADER_END = "&#847;&zwnj;&nbsp;" * 60
_PREHEADER_STYLE = (
    "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;mso-hide:all;"
    "font-size:1px;line-height:1px"
)
_PIXEL_STYLE = "display:block;width:1px;height:1px;border:0"


class Tracking(NamedTuple):
    """Where links and pixel lead (`url`: public base URL without a slash at its end), and which are used."""

    url: str
    opens: bool
    clicks: bool


def html_template(prepared_html: str, preheader: str, tracking: Tracking) -> str:
    """The document as Liquid, each output with its escape.

    `kiba_token` stands for the mail's token, `kiba_page` for the token and the reader's language.
    """
    document = links.track(prepared_html, tracking.url, tracking.clicks)
    document = with_page_urls(document, tracking.url)
    if preheader:
        document = _with_preheader(document, preheader)
    if tracking.opens:
        before, end, after = document.rpartition("</body>")
        document = before + _pixel(tracking.url) + end + after
    return escape_html(hide(document))


def with_page_urls(template: str, tracking_url: str) -> str:
    """`unsubscribe_url` and `preferences_url` as the text and the value that they are made of."""
    return _PAGE_URL.sub(
        lambda found: f"{tracking_url}{_PAGES[found[1]]}/{{{{ {PAGE} }}}}",
        template,
    )


def _with_preheader(document: str, preheader: str) -> str:
    plain = hide(preheader)
    text = plain.with_text(html.escape(plain.text)).reveal()
    division = f'<div style="{_PREHEADER_STYLE}">{text}{_PREHEADER_END}</div>'
    hidden = hide(document)
    return hidden.with_text(_BODY.sub(r"\g<0>\0", hidden.text, count=1)).reveal().replace("\0", division, 1)


def _pixel(tracking_url: str) -> str:
    src = f"{html.escape(tracking_url)}{PATH_OPEN}/{{{{ {TOKEN} }}}}.gif"
    return f'<img src="{src}" width="1" height="1" alt="" style="{_PIXEL_STYLE}">'
