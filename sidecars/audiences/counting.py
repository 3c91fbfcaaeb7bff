"""How many contacts an audience has, by status.

A small one is counted whenever somebody asks. Counting a million takes a good part of a second, so a large
one is counted by one asker a minute, and the others read what that one wrote down.
"""

from collections.abc import Iterable
from datetime import timedelta

from peewee import fn

from sidecars.models import Audience, Contact, database, now

LARGE = 20_000
GOOD_FOR = timedelta(minutes=1)


def counts(audience_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Audience id → {status: contacts}; of an audience of more than LARGE up to GOOD_FOR old."""
    audiences = Audience.select().where(Audience.id.in_(list(audience_ids)))
    return {audience.id: _counts(audience) for audience in audiences}


def _counts(audience: Audience) -> dict[str, int]:
    written: dict[str, int] = audience.counted or {}
    if sum(written.values()) > LARGE:
        is_fresh = audience.counted_at > now() - GOOD_FOR
        if is_fresh or not _may_count(audience):
            return written
    counted = _count(audience.id)
    if written or sum(counted.values()) > LARGE:
        kept = counted if sum(counted.values()) > LARGE else None
        Audience.update(counted=kept, counted_at=now()).where(Audience.id == audience.id).execute()
    return counted


def _may_count(audience: Audience) -> bool:
    """Whether this asker is the one that counts again."""
    unchanged = Audience.counted_at == audience.counted_at
    return bool(Audience.update(counted_at=now()).where(Audience.id == audience.id, unchanged).execute())


def _count(audience_id: int) -> dict[str, int]:
    rows = (
        Contact.select(Contact.status, fn.COUNT(1))
        .where(Contact.audience == audience_id)
        .group_by(Contact.status)
    )
    return dict(database.execute(rows))
