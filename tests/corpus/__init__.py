"""Mails that come back, and mails that look like it, in the formats of the servers that write them.

Each module holds a few families of servers, written after what their makers document of their formats; names
and addresses are made up, in reserved domains, by a generator with a seed. `mails()` is all of them.
"""

from functools import cache

from tests.corpus import (
    appliances,
    automatic,
    complaints,
    delays,
    groupware,
    japan,
    microsoft,
    ordinary,
    providers,
    real,
    relays,
    servers,
    standard,
)
from tests.corpus.writing import Mail

FAMILIES = (
    standard,
    microsoft,
    servers,
    groupware,
    providers,
    real,
    japan,
    relays,
    appliances,
    delays,
    automatic,
    complaints,
    ordinary,
)


@cache
def mails() -> tuple[Mail, ...]:
    """Every mail of the corpus with what it is, always the same ones."""
    return tuple(mail for family in FAMILIES for mail in family.mails())
