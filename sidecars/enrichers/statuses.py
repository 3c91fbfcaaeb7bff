"""Events of the edges → rows of `smtp_messages`, moves of the ledger, suppressions. Pure.

A status goes on to ClickHouse as it came, with what is known of it in front. To parse and write it anew
would cost five times as much.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
import orjson
from tldextract import TLDExtract

from sidecars import names
from sidecars.broadcasts.settle import Settlement
from sidecars.broadcasts.states import Reason, SendState
from sidecars.deliverability.bounces import Inbound, classify_inbound, judge_reply
from sidecars.edge.messages import Attribution
from sidecars.enrichers.outcome import (
    Event,
    Outcome,
    Recipient,
    SoftBounced,
    Suppress,
    UnknownMessage,
    Unsubscribe,
    as_uuid,
    moment,
)

NOBODY = Attribution(0, 0, 0, 0)
NO_MESSAGE = UUID(int=0)
# The list of public suffixes that comes with the library: nothing is fetched.
_suffixes = TLDExtract(suffix_list_urls=(), cache_dir=None)

# Of refusals those that are about the recipient, and may pass: what each counts as. A block, a limit or a
# policy that outlasts the edge's patience is about the sender.
_PASSING = {
    ("soft", Reason.SOFT_BOUNCE_EXPIRED): "soft_bounce",
    ("dns", Reason.SOFT_BOUNCE_EXPIRED): "soft_bounce",
    ("mailbox_full", Reason.MAILBOX_FULL): "mailbox_full",
}

Columns = dict[str, Any]


class Status(msgspec.Struct, gc=False):
    """What is looked at of an event; the webhook receiver has seen to the rest of its line."""

    event_id: str
    type: str
    message_id: str | None
    team_id: int | None
    stream: str
    recipient: str
    attempt: int
    code: int | None
    enhanced: str | None
    response: str
    edge: str
    provider: str | None = None
    submitted: bool = False


# Raises msgspec.DecodeError, whose subclass ValidationError says which field is wrong.
read = msgspec.json.Decoder(Status).decode


def process(
    lines: Sequence[bytes],
    statuses: Iterable[Status],
    known: Mapping[str, Attribution],
    recipients: Mapping[UUID, Sequence[Recipient]],
    processed_at: str,
) -> Outcome:
    """One row an event; one for each recipient of whom an inbound event tells.

    `statuses` holds what `read` made of each line, `recipients` those of the mails that inbound events are
    about. Raises UnknownMessage where `known` lacks a mail.
    """
    outcome = Outcome()
    for line, status in zip(lines, statuses, strict=True):
        whose = _whose(status, known)
        outcome.teams.add(whose.team_id)
        if status.type == "inbound":
            _take_inbound(orjson.loads(line), whose, recipients, processed_at, outcome)
        else:
            _take_status(line, status, whose, processed_at, outcome)
    return outcome


def _whose(status: Status, known: Mapping[str, Attribution]) -> Attribution:
    if status.message_id is None:
        return NOBODY  # mail to postmaster and abuse is about no mail of ours
    try:
        return known[status.message_id]
    except KeyError:
        raise UnknownMessage from None


_LEADS_TO = {
    "accepted": SendState.ACCEPTED,
    "deferred": SendState.ACCEPTED,  # it proves that the edge has the mail
    "delivered": SendState.DELIVERED,
    "bounced": SendState.BOUNCED,
    "unknown": SendState.UNKNOWN,
    "cancelled": SendState.CANCELLED,
}
_STATE_COLUMN = {to: "" if to is SendState.ACCEPTED else to.name.lower() for to in _LEADS_TO.values()}
_REASON_COLUMN = {reason: reason.name.lower() if reason else "" for reason in Reason}


def _take_status(
    line: bytes, status: Status, whose: Attribution, processed_at: str, outcome: Outcome
) -> None:
    to = _LEADS_TO[status.type]
    reason = Reason.NONE
    if to is SendState.BOUNCED:
        verdict = judge_reply(status.code, status.enhanced, status.response)
        reason = verdict.reason
        if passing := _PASSING.get((verdict.kind, reason)):
            at = moment(orjson.loads(line))
            words = _words(status)
            outcome.soft_bounces.append(
                SoftBounced(whose.team_id, status.recipient, passing, words, status.event_id, at)
            )
    elif to is SendState.CANCELLED:
        # With a code: its recipient was suppressed while the edge had it.
        reason = Reason.SUPPRESSED if status.code else Reason.CANCELLED
    state = _STATE_COLUMN[to], _REASON_COLUMN[reason]
    if _says_all(line, status, whose):
        outcome.add_row(names.TOPIC_CH_MESSAGES, _spliced(line, whose, *state, processed_at))
    else:
        columns = _columns(orjson.loads(line), whose, processed_at)
        outcome.add_row(names.TOPIC_CH_MESSAGES, columns | dict(zip(("state", "reason"), state, strict=True)))
    outcome.settlements.append(
        Settlement(whose.broadcast_id, whose.contact_id, to, reason, status.attempt, status.edge)
    )
    if reason is Reason.HARD_BOUNCE:
        outcome.suppressions.append(
            Suppress(whose.team_id, status.recipient, "hard_bounce", _words(status), status.event_id)
        )


def _words(status: Status) -> str:
    """What the server said."""
    return f"{status.code or ''} {status.enhanced or ''} {status.response}".strip()


def _says_all(line: bytes, status: Status, whose: Attribution) -> bool:
    """Whether ClickHouse may read the event as it came: columns that it has are right, others are skipped."""
    return (
        bool(status.provider)
        and status.team_id == whose.team_id
        and (status.stream == "broadcast" or not whose.broadcast_id)
        and line.startswith(b"{")
    )


def _spliced(line: bytes, whose: Attribution, state: str, reason: str, processed_at: str) -> bytes:
    """The event with what is known of it in front. An event has none of these fields."""
    known = (
        f'{{"broadcast_id":{whose.broadcast_id},"contact_id":{whose.contact_id},"variant_id":{whose.variant_id},'
        f'"state":"{state}","reason":"{reason}","processed_at":"{processed_at}",'
    )
    return known.encode() + line[1:]


def _columns(event: Event, whose: Attribution, processed_at: str) -> Columns:
    return {
        "event_id": event["event_id"],
        "type": event["type"],
        "occurred_at": event["occurred_at"],
        "team_id": whose.team_id or event["team_id"] or 0,
        "broadcast_id": whose.broadcast_id,
        "contact_id": whose.contact_id,
        "variant_id": whose.variant_id,
        "message_id": event["message_id"] or str(NO_MESSAGE),
        "stream": "broadcast" if whose.broadcast_id else event["stream"],
        "recipient": event["recipient"],
        "from_domain": event["from_domain"] or "",
        "state": "",
        "reason": "",
        "kind": "",
        "edge": event["edge"],
        "queue_id": event["queue_id"],
        "attempt": event["attempt"],
        "code": event["code"] or 0,
        "enhanced": event["enhanced"] or "",
        "response": event["response"],
        "provider": event.get("provider") or provider(event["mx"] or ""),
        "mx": event["mx"] or "",
        "ip": event["ip"] or "",
        "source_ip": event["source_ip"] or "",
        "tls": event["tls"],
        "tls_version": event.get("tls_version") or "",
        "connection_mail": event.get("connection_mail") or 0,
        "delay_ms": event["delay_ms"],
        "next_attempt_in_s": event["next_attempt_in_s"],
        "conversation": event["conversation"],
        "raw": event["raw"] or "",
        "tag": event.get("tag") or "",
        "metadata": event.get("metadata") or {},
        "processed_at": processed_at,
    }


def _take_inbound(
    event: Event,
    whose: Attribution,
    recipients: Mapping[UUID, Sequence[Recipient]],
    processed_at: str,
    outcome: Outcome,
) -> None:
    row = _columns(event, whose, processed_at)
    findings = classify_inbound(base64.b64decode(event["raw"] or ""))
    if whose is NOBODY:
        outcome.add_row(names.TOPIC_CH_MESSAGES, row | _told(findings[0]))
        return
    message_id = as_uuid(event["message_id"])
    sent_to = recipients.get(message_id) or [Recipient(message_id, whose, "")]
    told: dict[Recipient, Inbound] = {}
    for found in findings:
        if recipient := _meant(found, sent_to):
            told.setdefault(recipient, found)
    for recipient, found in told.items():
        _take_finding(event, recipient, found, row | _told(found), outcome)
    if not told:
        # Of several recipients none is named: it is kept with the first, and moves nobody.
        outcome.add_row(names.TOPIC_CH_MESSAGES, row | _told(findings[0]))


def _told(found: Inbound) -> Columns:
    return {"kind": found.kind, "enhanced": found.status, "response": found.diagnostic[:1000]}


def _meant(found: Inbound, sent_to: Sequence[Recipient]) -> Recipient | None:
    """Whom it is about. A mail to one recipient may be returned by the address that it was forwarded to."""
    if len(sent_to) == 1:
        return sent_to[0]
    named = names.address_key(found.recipient)
    return next((each for each in sent_to if names.address_key(each.address) == named), None)


def _take_finding(event: Event, recipient: Recipient, found: Inbound, row: Columns, outcome: Outcome) -> None:
    message_id, whose, address = recipient
    row |= whose._asdict() | {"message_id": str(message_id), "recipient": address or event["recipient"]}
    if found.kind == "bounce":
        row |= {"state": "bounced", "reason": Reason.LATE_DSN.name.lower()}
        outcome.settlements.append(
            Settlement(whose.broadcast_id, whose.contact_id, SendState.BOUNCED, Reason.LATE_DSN)
        )
    if address and (reason := _suppression_reason(found)):
        outcome.suppressions.append(
            Suppress(whose.team_id, address, reason, found.diagnostic.strip(), event["event_id"])
        )
    passing = found.failure and _PASSING.get((found.failure, found.reason))
    if address and found.kind == "bounce" and passing:
        outcome.soft_bounces.append(
            SoftBounced(
                whose.team_id, address, passing, found.diagnostic.strip(), event["event_id"], moment(event)
            )
        )
    if found.kind == "unsubscribe":
        outcome.unsubscribes.append(Unsubscribe(whose, "mailto", event["event_id"], moment(event)))
        outcome.add_row(names.TOPIC_CH_CLICKS, _unsubscribe_row(row))
    outcome.add_row(names.TOPIC_CH_MESSAGES, row)


def _suppression_reason(found: Inbound) -> str | None:
    if found.kind == "complaint":
        return "complaint"
    return "hard_bounce" if found.reason is Reason.HARD_BOUNCE else None


def _unsubscribe_row(row: Columns) -> Columns:
    """A mail to the unsubscribe address counts where the other ways of unsubscribing do."""
    kept = ("event_id", "occurred_at", "team_id", "broadcast_id", "contact_id", "variant_id", "message_id")
    return {name: row[name] for name in kept} | {
        "type": "unsubscribe",
        "method": "mailto",
        "verdict": "person",
        "reasons": [],
        "processed_at": row["processed_at"],
    }


@lru_cache(maxsize=4096)
def provider(mx: str) -> str:
    """The registrable domain of an MX host, which is the same for all domains that a provider hosts.

    Empty for no host or an address; under a suffix that is not public, the last two labels.
    """
    parts = _suffixes(mx)
    if parts.ipv4 or parts.ipv6:
        return ""
    return parts.top_domain_under_public_suffix or ".".join(mx.lower().rstrip(".").split(".")[-2:])
