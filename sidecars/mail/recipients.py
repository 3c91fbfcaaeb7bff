"""Whom a mail goes to, and the merge fields that its template may use."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

# BCP 47, as far as it names a language, its script and its region. `de_AT` is meant as `de-AT`.
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")


class Recipient(NamedTuple):
    """One contact and the message id that its send has in the ledger.

    `properties` are the contact's own, as JSON has them: text, numbers, booleans, lists.
    """

    message_id: UUID
    contact_id: int
    email: str
    name: str = ""
    properties: Mapping[str, Any] = MappingProxyType({})
    first_name: str = ""
    last_name: str = ""

    @property
    def display_name(self) -> str:
        """The name as a mail client would show it; empty where none is known."""
        return self.name or f"{self.first_name} {self.last_name}".strip()


def language_of(recipient: Recipient) -> str:
    """The language that a contact's property `locale` or `language` names; empty where neither does."""
    for name in ("locale", "language"):
        value = recipient.properties.get(name)
        if isinstance(value, str) and LANGUAGE_TAG.fullmatch(value):
            return value.replace("_", "-")
    return ""


def contact_fields(recipient: Recipient) -> dict[str, Any]:
    """What `contact` is in a template. Its names are those of `templating.CONTACT_FIELDS`."""
    return {
        "id": recipient.contact_id,
        "email": recipient.email,
        "name": recipient.display_name,
        "first_name": recipient.first_name,
        "last_name": recipient.last_name,
        "properties": recipient.properties,
    }
