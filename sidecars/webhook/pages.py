"""The few pages that people see: plain, good for every browser and screen reader, nothing from elsewhere."""

from typing import NamedTuple

from flask import render_template

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


class _Words(NamedTuple):
    title: str
    text: str


_NOT_FOUND = _Words(
    "This link does not work",
    "It may have been cut in two by a mail program, or the mail it came from is gone. "
    "Open the mail again and follow the link from there, or ask whoever sent it.",
)
_LATER = _Words(
    "Please try again in a minute",
    "Something on our side is not answering. Nothing was changed; the same link will work again soon.",
)
_REFUSED = _Words("This does not work", "Open the mail again and follow the link from there.")


def page(template: str, code: int = 200, **values: str) -> tuple[str, int, dict[str, str]]:
    """One of templates/*.html, never cached."""
    return render_template(template, **values), code, HEADERS


def error(code: int) -> tuple[str, int, dict[str, str]]:
    """What a person reads when something does not work; a 503 asks programs to come again in a minute."""
    words = _NOT_FOUND if code == 404 else _LATER if code >= 500 else _REFUSED
    body, _, headers = page("message.html", code, **words._asdict())
    return body, code, headers | ({"Retry-After": "60"} if code == 503 else {})
