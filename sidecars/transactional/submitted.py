"""Mails that a team's program handed to an edge itself, by SMTP.

The ledger learns of them from the edge's events. They have broadcast 0, and their row of `emails` stands
where a broadcast's mail has its contact.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from peewee import JOIN

from sidecars.broadcasts.states import SendState
from sidecars.edge import messages
from sidecars.edge.messages import Attribution
from sidecars.models import Email, Send, database
from sidecars.transactional.tags import write_tags
from sidecars.usage import allowance

MOST_SUBJECT = 998  # what the column holds; RFC 5322 section 2.1.1 lets no line be longer
MOST_SUBMISSION = 64  # what the column holds


def record_submitted(events: Iterable[Mapping[str, Any]]) -> dict[UUID, Attribution]:
    """Puts the mails of the edge's events into the ledger as accepted; returns whose they are.

    Events of stream `transactional`, as the webhook takes them, of any type but `inbound`: that of a delivery
    may overtake `accepted`, and proves as much; but `accepted` alone names the submission. Idempotent.
    Raises peewee.IntegrityError for a team that there is not.
    """
    accepted_last = sorted(events, key=lambda event: event["type"] == "accepted")
    by_message = {UUID(event["message_id"]): event for event in accepted_last}
    if not by_message:
        return {}
    with database.atomic():
        _insert_emails(by_message)
        rows: Any = (
            Email.select(
                *(Email.message_id, Email.team_id, Email.id, Email.stream, Email.created_at),
                Send.contact_id.is_null(),
            )
            .join(Send, JOIN.LEFT_OUTER, on=(Send.broadcast_id == 0) & (Send.contact_id == Email.id))
            .where(Email.message_id.in_(list(by_message)))
            .tuples()
        )
        found = {message_id: Attribution(team_id, 0, id_, 0) for message_id, team_id, id_, *_ in rows}
        _insert_sends([whose.contact_id for whose in found.values()])
        _count(
            (team_id, stream, allowance.month_of(at)) for _, team_id, _, stream, at, is_new in rows if is_new
        )
        write_tags((id_, [tag]) for id_, event in by_message.items() if (tag := event.get("tag")))
    messages.remember(found.items())
    return found


def _count(mails: Iterable[tuple[int, str, date]]) -> None:
    """Their credits, also beyond the team's limit: edges have taken the mails."""
    for (team_id, stream, month), number in sorted(Counter(mails).items()):
        allowance.take(team_id, stream, number, month)


def _insert_emails(events: Mapping[UUID, Mapping[str, Any]]) -> None:
    # As text: peewee takes 80 µs to compose a row, and there is one for each mail.
    rows = [_row(message_id, event) for message_id, event in events.items()]
    places = ", ".join([f"({', '.join(['%s'] * len(rows[0]))})"] * len(rows))
    database.execute_sql(
        f"""INSERT INTO emails (message_id, team_id, submission, source, from_address, recipient, subject,
                                created_at, stream, state)
            VALUES {places}
            ON DUPLICATE KEY UPDATE submission = COALESCE(submission, VALUES(submission))""",
        [value for row in rows for value in row],
    )


def _row(message_id: UUID, event: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        message_id.bytes,
        event["team_id"],
        event["queue_id"][:MOST_SUBMISSION] if event["type"] == "accepted" else None,
        "smtp",
        f"@{event['from_domain'] or ''}",  # an event tells no more than the domain
        event["recipient"],
        (event["subject"] or "")[:MOST_SUBJECT],
        Email.created_at.db_value(datetime.fromisoformat(event["occurred_at"])),
        event["stream"],
        SendState.ACCEPTED,
    )


def _insert_sends(email_ids: list[int]) -> None:
    # Not INSERT IGNORE, which would swallow every other error too.
    database.execute_sql(
        f"""INSERT INTO sends (broadcast_id, contact_id, team_id, message_id, state, accepted_at)
            SELECT 0, id, team_id, message_id, %s, UNIX_TIMESTAMP(created_at) FROM emails
             WHERE id IN ({", ".join(["%s"] * len(email_ids))})
            ON DUPLICATE KEY UPDATE sends.contact_id = sends.contact_id""",
        [SendState.ACCEPTED, *email_ids],
    )
