"""Single mails of the ledger, as a person asks for them: by broadcast, or by message id."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sidecars.archive.rows import SendRow
from sidecars.archive.sends import find_sends, read_sends
from sidecars.broadcasts.states import Reason, SendState
from sidecars.models import Contact, Edge, Email


@dataclass(frozen=True)
class Mail:
    """One recipient's row. `broadcast_id`, `contact_id` and `variant_id` are None where there is none."""

    message_id: UUID
    broadcast_id: int | None
    contact_id: int | None
    variant_id: int | None
    recipient: str
    state: SendState
    reason: Reason
    attempts: int
    edge: str
    accepted_at: datetime | None
    settled_at: datetime | None


def page(
    team_id: int, broadcast_id: int, after: int, limit: int, state: SendState | None = None
) -> list[Mail]:
    """Mails of a broadcast beyond contact id `after`, in the order of contact ids; of one state, or of any.

    States as they are stored: a mail that a worker holds is PLANNED.
    """
    return _mails(team_id, read_sends(broadcast_id, after=after, state=state, limit=limit))


def find(team_id: int, message_id: UUID) -> Mail | None:
    """The mail, if it is the team's."""
    return next(iter(_mails(team_id, find_sends([message_id]).values())), None)


def find_all(team_id: int, message_ids: Collection[UUID]) -> list[Mail]:
    """Those of the mails that are the team's, in any order."""
    return _mails(team_id, find_sends(message_ids).values())


def of_contact(team_id: int, broadcast_id: int, contact_id: int) -> Mail | None:
    """The contact's mail of a broadcast."""
    following = read_sends(broadcast_id, after=contact_id - 1, limit=1)
    theirs = [row for row in following if row.contact_id == contact_id]
    return next(iter(_mails(team_id, theirs)), None)


def _mails(team_id: int, rows: Iterable[SendRow]) -> list[Mail]:
    """Those of the team, with what the ledger knows by id alone."""
    own = [row for row in rows if row.team_id == team_id]
    contacts = Contact.select(Contact.id, Contact.email).where(
        Contact.id.in_([row.contact_id for row in own if row.broadcast_id])
    )
    emails = Email.select(Email.id, Email.recipient).where(
        Email.id.in_([row.contact_id for row in own if not row.broadcast_id])
    )
    edges = Edge.select().where(Edge.id.in_({row.edge for row in own}))
    addresses = {contact.id: contact.email for contact in contacts}
    noted = {email.id: email.recipient for email in emails}
    names = {edge.id: edge.name for edge in edges}
    return [
        Mail(
            row.message_id,
            row.broadcast_id or None,
            row.contact_id if row.broadcast_id else None,
            row.variant_id or None,
            # A mail of no broadcast has no contact, but `emails` noted its recipient.
            (addresses if row.broadcast_id else noted).get(row.contact_id, ""),
            SendState(row.state),
            Reason(row.reason),
            row.attempts,
            names.get(row.edge, ""),
            _moment(row.accepted_at),
            _moment(row.settled_at),
        )
        for row in own
    ]


def _moment(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
