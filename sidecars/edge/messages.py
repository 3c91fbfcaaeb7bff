"""Whose mail is it: from a message id to team, broadcast, contact and variant.

The worker writes the answer into Redis before it submits, so that an event can never arrive first. What
Redis no longer has (a week over, a loss) the ledger answers.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple, TypeVar
from uuid import UUID

from peewee import chunked

from sidecars import names
from sidecars.archive.sends import find_sends
from sidecars.edge.store import redis

Id = TypeVar("Id", UUID, str)
KEYS_A_CALL = 1000
_SET_ALL = redis.register_script(
    "for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[i + 1], 'EX', ARGV[1]) end"
)


class Attribution(NamedTuple):
    """Ids; 0 where there is none. A mail of no broadcast has its `emails` id as `contact_id`."""

    team_id: int
    broadcast_id: int
    contact_id: int
    variant_id: int


def remember(messages: Iterable[tuple[UUID, Attribution]]) -> None:
    """Keeps whose each mail is for MESSAGE_TTL_SECONDS.

    One script call a thousand: a pipeline costs the client 18 times as much.
    """
    for part in chunked(messages, KEYS_A_CALL):
        _SET_ALL(
            keys=[names.message_key(message_id) for message_id, _ in part],
            args=[names.MESSAGE_TTL_SECONDS, *(":".join(map(str, whose)) for _, whose in part)],
        )


def resolve(message_ids: Iterable[Id]) -> dict[Id, Attribution]:
    """The attribution of each message id that Redis or the ledger knows; others are missing.

    Ids may be text, as events have them. Raises ValueError for a text that is no UUID.
    """
    wanted = list(dict.fromkeys(message_ids))
    found: dict[Id, Attribution] = {}
    for start in range(0, len(wanted), KEYS_A_CALL):
        part = wanted[start : start + KEYS_A_CALL]
        packed = redis.mget([names.message_key(message_id) for message_id in part])
        found |= {
            message_id: Attribution._make(map(int, str(value).split(":")))
            for message_id, value in zip(part, packed, strict=True)
            if value
        }
        lost = {message_id: UUID(str(message_id)) for message_id in part if message_id not in found}
        if lost:
            known = _from_ledger(list(lost.values()))
            found |= {message_id: known[uuid] for message_id, uuid in lost.items() if uuid in known}
    return found


def find_in_ledger(message_ids: Collection[UUID]) -> dict[UUID, Attribution]:
    """The same by the ledger alone; Redis learns nothing of it."""
    return {
        message_id: Attribution(send.team_id, send.broadcast_id, send.contact_id, send.variant_id)
        for message_id, send in find_sends(message_ids).items()
    }


def _from_ledger(message_ids: list[UUID]) -> dict[UUID, Attribution]:
    known = find_in_ledger(message_ids)
    remember(known.items())
    return known
