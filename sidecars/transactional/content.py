"""What an app wrote, made into what readers see: MJML into HTML, and merge fields into their values.

HTML and text without variables stay as they are, letter by letter. With variables they are written as a
template is: `{{ contact.first_name }}`, `{{ contact.properties.order }}`.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sidecars.mail import preview
from sidecars.mail.content import ContentSource, PreparedContent, prepare
from sidecars.mail.recipients import Recipient

# Prepared content that a process keeps, as apps send the same with other variables again and again.
KEPT = 64
_NOBODY = UUID(int=0)
_OF_CONTACT = ("name", "first_name", "last_name")


class Rendered(NamedTuple):
    """What a reader sees. Of `html` and `text` one is there at least."""

    subject: str
    html: str | None
    text: str | None


def render(prepared: PreparedContent, variables: Mapping[str, Any], address: str) -> Rendered:
    """The content with the variables in the place of a contact's properties. Raises Unsendable.

    Those that are called as one of a contact's own fields are that field too.
    """
    own = {name: str(variables[name]) for name in _OF_CONTACT if variables.get(name) is not None}
    reader = Recipient(_NOBODY, 0, address, properties=variables, **own)
    return Rendered(*preview.render(prepared, reader))


@lru_cache(maxsize=KEPT)
def prepared(
    kind: Literal["html", "mjml"], subject: str, preheader: str, body: str, text: str | None
) -> PreparedContent:
    """Ready to be rendered. Raises ContentError."""
    return prepare(ContentSource(kind, subject, preheader, body, text))
