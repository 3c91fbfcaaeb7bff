"""The few pages that people see: plain, good for every browser and screen reader, nothing from elsewhere."""

from typing import Any
from uuid import UUID

from flask import g, render_template, request

from sidecars.audiences.languages import Language, choose, languages
from sidecars.mail.tokens import open_token
from sidecars.settings import settings

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
Page = tuple[str, int, dict[str, str]]


def opened(name: str) -> UUID | None:
    """The message id of the last part of a page's address, which is a token, or a token and a language.

    None where it is forged or malformed. The language holds for what this request is answered.
    """
    token, _, wanted = name.partition(".")
    g.language = choose([wanted, *request.accept_languages.values()])
    return open_token(token, settings.token_secret.get_secret_value())


def page(template: str, code: int = 200, **values: Any) -> Page:
    """One of templates/*.html in the reader's language, never cached."""
    language: Language = g.get("language") or choose(request.accept_languages.values())
    body = render_template(
        template, language=language, say=language.say, languages=languages(), token=_token(), **values
    )
    return body, code, HEADERS | {"Content-Language": language.tag}


def error(code: int) -> Page:
    """What a person reads when something does not work; a 503 asks programs to come again in a minute."""
    words = "not_found" if code == 404 else "later" if code >= 500 else "refused"
    return come_again(page("message.html", code, words=words))


def come_again(answer: Page) -> Page:
    """Tells programs when, where the answer is a 503."""
    body, code, headers = answer
    return body, code, headers | ({"Retry-After": "60"} if code == 503 else {})


def _token() -> str:
    """That in the request's address, by which a page refers to others of the same mail."""
    return str((request.view_args or {}).get("token", "")).partition(".")[0]
