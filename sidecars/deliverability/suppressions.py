"""Addresses that a team must not write to: hard bounces, complaints, requests."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from peewee import chunked

from sidecars.callbacks import feed
from sidecars.deliverability.erased import erased_among
from sidecars.edge import suppressed
from sidecars.edge.suppressed import ERASED
from sidecars.models import SoftBounce, Suppression, SuppressionRemoval, database, now
from sidecars.models.suppressions import ALL_STREAMS, BROADCAST, UNSUBSCRIBE
from sidecars.names import address_key

LOOKUP_CHUNK = 1000


def suppress(
    team_id: int,
    email: str,
    reason: str,
    *,
    stream: str = ALL_STREAMS,
    detail: str = "",
    event_id: str = "",
    expires_at: datetime | None = None,
) -> Suppression:
    """The row that keeps `email` from being mailed; made now, or the one that stood already.

    Idempotent: the first reason stays. Only a row that would lapse is replaced, so that a complaint
    outlives the full mailbox that came before it. `expires_at` (with time zone): None for ever.
    Who unsubscribes means broadcasts, so that is its stream, and it stands beside a later hard bounce.
    Raises redis.RedisError where the row stands, and the clock will tell the edges of it.
    """
    address = address_key(email)
    stream = BROADCAST if reason == UNSUBSCRIBE else stream
    facts = {"reason": reason, "detail": detail[:1000], "event_id": event_id, "expires_at": expires_at}
    mine = (Suppression.team == team_id, Suppression.email == address, Suppression.stream == stream)
    lapses_first = (
        Suppression.expires_at.is_null(False)
        if expires_at is None
        else Suppression.expires_at < expires_at  # NULL, for ever, is not less
    )
    with database.atomic():
        row = Suppression.insert(team=team_id, email=address, stream=stream, **facts).on_conflict_ignore()
        if row.execute() or Suppression.update(**facts).where(*mine, lapses_first).execute():
            _tell_apps(team_id, address, stream, facts)
    suppressed.write(team_id, [address])
    return Suppression.get(*mine)


def _tell_apps(team_id: int, address: str, stream: str, facts: Mapping[str, Any]) -> None:
    data = {"address": address, "stream": stream} | {
        name: facts[name] for name in ("reason", "detail", "expires_at")
    }
    feed.tell(
        team_id,
        "address.suppressed",
        f"address:{address}",
        now(),
        data,
        None if stream == ALL_STREAMS else stream,
    )


def is_suppressed(team_id: int, emails: Iterable[str], stream: str) -> dict[str, str]:
    """Those of `emails` that must not be mailed on `stream` (broadcast or transactional), with the reason.

    Keys are the addresses as they were given; compared in lower case.
    """
    given = {email: address_key(email) for email in emails}
    reasons: dict[str, str] = {}
    for some in chunked(set(given.values()), LOOKUP_CHUNK):
        rows = Suppression.select(Suppression.email, Suppression.reason).where(
            Suppression.team == team_id,
            Suppression.email.in_(some),
            Suppression.stream.in_((ALL_STREAMS, stream)),
            Suppression.expires_at.is_null() | (Suppression.expires_at > now()),
        )
        reasons |= {row.email: row.reason for row in rows}
    reasons |= dict.fromkeys(erased_among(team_id, given.values()), ERASED)
    return {email: reasons[address] for email, address in given.items() if address in reasons}


def page(
    team_id: int, after: int, limit: int, email: str | None = None, containing: str = "", reason: str = ""
) -> list[Suppression]:
    """The team's rows in the order they came, beyond id `after`; lapsed ones too.

    Of one address, of those that hold a text, of one reason.
    """
    query = Suppression.select().where(Suppression.team == team_id, Suppression.id > after)
    if email is not None:
        query = query.where(Suppression.email == address_key(email))
    if containing:
        query = query.where(Suppression.email.contains(address_key(containing)))
    if reason:
        query = query.where(Suppression.reason == reason)
    return list(query.order_by(Suppression.id).limit(limit))


def lift(team_id: int, suppression_id: int, because: str, by: str) -> bool:
    """Lets the team write to the address again, and keeps who wanted it why. False: no such row of this team.

    Soft bounces are counted from nothing again. Raises redis.RedisError as `suppress` does.
    """
    with database.atomic():
        row = (
            Suppression.select()
            .where(Suppression.id == suppression_id, Suppression.team == team_id)
            .for_update()
            .first()
        )
        if row is None:
            return False
        SuppressionRemoval.create(
            **{name: getattr(row, name) for name in ("team_id", "email", "stream", "reason", "detail")},
            event_id=row.event_id,
            suppressed_at=row.created_at,
            removed_by=by,
            because=because,
        )
        SoftBounce.delete().where(SoftBounce.team == team_id, SoftBounce.email == row.email).execute()
        row.delete_instance()
    suppressed.write(team_id, [row.email])
    return True


def removals(team_id: int, after: int, limit: int, email: str | None = None) -> list[SuppressionRemoval]:
    """What the team took back, in the order in which it did, beyond id `after`."""
    query = SuppressionRemoval.select().where(
        SuppressionRemoval.team == team_id, SuppressionRemoval.id > after
    )
    if email is not None:
        query = query.where(SuppressionRemoval.email == address_key(email))
    return list(query.order_by(SuppressionRemoval.id).limit(limit))
