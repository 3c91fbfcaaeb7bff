"""What pages and mails say to readers, in their language: words/*.toml, one a language, `en` the whole of it.

A link says the language that its mail's contact or audience has (`/u/<token>.de`); where it says none, or
one that we do not speak, the browser's list decides, and after that it is English.
"""

import tomllib
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache, cached_property
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from markupsafe import Markup, escape

FOLDER = Path(__file__).with_name("words")
DEFAULT = "en"


class Language:
    """One of words/*.toml; `tag` is its name by BCP 47."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.words: dict[str, str] = tomllib.loads((FOLDER / f"{tag}.toml").read_text("utf-8"))

    @cached_property
    def _locale(self) -> Locale:
        return Locale.parse(self.tag, sep="-")

    @property
    def direction(self) -> str:
        """`ltr` or `rtl`."""
        return str(self._locale.text_direction)

    def say(self, key: str, **values: str) -> Markup:
        """The text as HTML. Each value keeps its own direction of writing, whatever the text's."""
        isolated = {name: Markup("<bdi>{}</bdi>").format(value) for name, value in values.items()}
        return escape(self.words[key]).format(**isolated)

    def text(self, key: str, **values: str) -> str:
        """The text as it is, for a mail's subject and its text part."""
        return self.words[key].format(**values)

    def date(self, day: date) -> str:
        """Such as `December 7, 2026`."""
        return format_date(day, "long", locale=self._locale)


@cache
def languages() -> dict[str, Language]:
    """All of them by their tags."""
    return {path.stem: Language(path.stem) for path in sorted(FOLDER.glob("*.toml"))}


def choose(wanted: Iterable[str]) -> Language:
    """The first of the tags that we speak, else English."""
    spoken = languages()
    return next((spoken[tag] for each in wanted for tag in _matches(each) if tag in spoken), spoken[DEFAULT])


def _matches(wanted: str) -> Iterator[str]:
    """Tags that a reader of `wanted` can read: `zh-Hant` for `zh-TW`, `pt` for `pt-BR`."""
    try:
        locale = Locale.parse(wanted, sep="-")
    except (ValueError, UnknownLocaleError):
        return
    script = locale.script or ("Hans" if locale.language == "zh" else None)
    if script:
        yield f"{locale.language}-{script}"
    yield locale.language
