"""The words of notices, by Jinja. Pure.

A kind's template is its subject, an empty line, and paragraphs; what is indented stays as it is. A mail has
that as its text, and the same once more as HTML.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

MAX_SUBJECT = 255


class Words(NamedTuple):
    """What a notice says."""

    subject: str
    text: str


class Letter(NamedTuple):
    """A notice as a mail to one team: its text and its HTML."""

    text: str
    html: str


def written(kind: str, facts: Mapping[str, Any], templates: Environment | None = None) -> Words:
    """A notice of this kind. Raises jinja2.UndefinedError for a fact that its template misses."""
    template = (templates or _templates).get_template(f"{kind}.txt")
    subject, _, text = template.render(facts).strip().partition("\n")
    return Words(subject.strip()[:MAX_SUBJECT], re.sub(r"\n{3,}", "\n\n", text.strip()))


def letter(words: Words, readers: str) -> Letter:
    """The mail; `readers` says to whom: `the administrators of Acme`."""
    facts = {"subject": words.subject, "text": words.text, "blocks": _blocks(words.text), "readers": readers}
    return Letter(*(_templates.get_template(name).render(facts) for name in ("mail.txt", "mail.html")))


def _blocks(text: str) -> list[tuple[bool, str]]:
    """The paragraphs, each with whether it is indented."""
    return [(block.startswith("    "), block) for block in text.split("\n\n")]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def environment(folder: Path) -> Environment:
    """For the templates there."""
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["moment"] = _moment
    return made


_templates = environment(Path(__file__).parent / "templates")
