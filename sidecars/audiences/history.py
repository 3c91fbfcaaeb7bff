"""How each contact came to be subscribed, or to be so no more: the moves of its status, with their proof."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sidecars.models import (
    Contact,
    ContactImport,
    SubscriptionChange,
    Suppression,
    SuppressionRemoval,
    database,
    now,
)

# Where a move came from.
API = "api"  # the team's program, of its own accord
FORM = "form"  # the same, for a person who asked for it
IMPORT = "import"
CONFIRMATION = "confirmation"  # the link of a mail that asked
PREFERENCES = "preferences"
MERGE = "merge"
# Beside them the ways out of a mail: one-click, page, mailto.

# What an entry of no status of its own says.
SUPPRESSED = "suppressed"
ALLOWED = "allowed"

_CHUNK = 1000


class Proof(NamedTuple):
    """Where a move comes from. `ip` and `user_agent` are the person's, `shown` what they read, where known.

    `reference` is an id to look for: of an event, of an API key.
    """

    source: str
    reference: str = ""
    ip: str = ""
    user_agent: str = ""
    shown: str = ""


class Entry(NamedTuple):
    """A move as it is shown: to a status, SUPPRESSED (the address gets no mail) or ALLOWED (again)."""

    status: str
    source: str
    changed_at: datetime
    ip: str = ""
    user_agent: str = ""
    shown: str = ""
    reference: str = ""


def note(moves: Iterable[tuple[int, str, Proof]], at: datetime | None = None) -> None:
    """Writes moves down, (contact id, status, proof) each, in the caller's transaction; `at` None: now."""
    rows = [
        {
            "contact": contact_id,
            "status": status,
            "source": proof.source,
            "changed_at": at or now(),
            "ip": proof.ip[:45],
            "user_agent": proof.user_agent[:500],
            "shown": proof.shown[:1000],
            "reference": proof.reference[:64],
        }
        for contact_id, status, proof in moves
    ]
    with database.atomic():
        for start in range(0, len(rows), _CHUNK):
            SubscriptionChange.insert_many(rows[start : start + _CHUNK]).execute()


def of_contact(contact: Contact, team_id: int) -> list[Entry]:
    """All that is known of the contact's subscription, newest first.

    An import says of no single contact that it subscribed it: the contact itself says which one it was. What
    keeps the address from mail is the suppressions' to say.
    """
    rows = SubscriptionChange.select().where(SubscriptionChange.contact == contact.id)
    entries = [
        Entry(*(getattr(row, name) for name in Entry._fields)) for row in rows.order_by(SubscriptionChange.id)
    ]
    entries += [entry for entry in (of_import(contact),) if entry]
    entries += _of_address(team_id, contact.email)
    return sorted(entries, key=lambda entry: entry.changed_at)[::-1]


def of_import(contact: Contact) -> Entry | None:
    """What the import that made the contact says of it; None where none did."""
    job = ContactImport.get_or_none(ContactImport.id == contact.import_id) if contact.import_id else None
    if job is None:
        return None
    return Entry(job.status, IMPORT, contact.created_at, shown=job.consent, reference=f"imp_{job.id}")


def _of_address(team_id: int, email: str) -> list[Entry]:
    standing = Suppression.select().where(Suppression.team == team_id, Suppression.email == email)
    removed = SuppressionRemoval.select().where(
        SuppressionRemoval.team == team_id, SuppressionRemoval.email == email
    )
    entries = [Entry(SUPPRESSED, row.reason, row.created_at, reference=row.event_id) for row in standing]
    for row in removed:
        entries.append(Entry(SUPPRESSED, row.reason, row.suppressed_at, reference=row.event_id))
        entries.append(Entry(ALLOWED, API, row.removed_at, shown=row.because, reference=row.removed_by))
    return entries
