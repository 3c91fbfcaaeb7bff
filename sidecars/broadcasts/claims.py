"""Claims of broadcasts' mails, by the ledger: set again where Redis lost them, released with an edge.

An edge claims each mail that it takes (haraka/plugins/lib/claims.js). A claim from here names no batch, which
the ledger does not know: `<message id>:<edge>:`.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID

from peewee import chunked

from sidecars import names
from sidecars.broadcasts.states import SendState
from sidecars.edge.store import redis
from sidecars.models import Broadcast, database, now

KEYS_A_CALL = 1000
# A worker that was stopped in the midst of a slice may go on with it so long after its broadcast has ended.
LATE = timedelta(hours=1)

_RESTORE = redis.register_script(
    "for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[i + 1], 'NX', 'EX', ARGV[1]) end"
)
_HELD = redis.register_script(
    """local held = {}
    for i, key in ipairs(KEYS) do
        local holder = redis.call('GET', key)
        if holder and string.match(holder, '^[^:]*:([^:]*):') == ARGV[1] then held[#held + 1] = i - 1 end
    end
    return held"""
)


def restore() -> int:
    """Claims each mail that, by the ledger, an edge took, of broadcasts that workers have in hand.

    To be called before a Redis that lost its data is declared whole, as no edge takes a broadcast's mail till
    then. Returns how many there are.
    Claims that stand are left alone. Raises redis.RedisError.
    """
    restored = 0
    in_hand = Broadcast.finished_at.is_null() | (Broadcast.finished_at > now() - LATE)
    for broadcast in Broadcast.select(Broadcast.id).where(Broadcast.planned_total > 0, in_hand):
        for part in chunked(_taken(broadcast.id), KEYS_A_CALL):
            _RESTORE(
                keys=[names.broadcast_claim_key(broadcast.id, contact_id) for contact_id, _, _ in part],
                args=[names.CLAIM_TTL_SECONDS, *(f"{UUID(bytes=id_)}:{edge}:" for _, id_, edge in part)],
            )
            restored += len(part)
    return restored


def held_by(edge: str, broadcast_id: int, contact_ids: Sequence[int]) -> list[int]:
    """The contacts whose mail this edge has claimed."""
    held = []
    for part in chunked(contact_ids, KEYS_A_CALL):
        keys = [names.broadcast_claim_key(broadcast_id, contact_id) for contact_id in part]
        held += [part[i] for i in _HELD(keys=keys, args=[edge])]
    return held


def release(broadcast_id: int, contact_ids: Sequence[int]) -> None:
    """Lets edges have these mails again; to be called where no edge has them any more."""
    for part in chunked(contact_ids, KEYS_A_CALL):
        redis.delete(*[names.broadcast_claim_key(broadcast_id, contact_id) for contact_id in part])


def _taken(broadcast_id: int) -> Iterator[tuple[int, bytes, str]]:
    """(contact id, message id, edge) of each mail that the ledger knows an edge to have taken."""
    after = 0
    while rows := database.execute_sql(
        """SELECT s.contact_id, s.message_id, g.name FROM sends s JOIN edges g ON g.id = s.edge
            WHERE s.broadcast_id = %s AND s.contact_id > %s AND s.state <> %s
            ORDER BY s.contact_id LIMIT %s""",
        (broadcast_id, after, SendState.PLANNED, KEYS_A_CALL),
    ).fetchall():
        yield from rows
        after = rows[-1][0]
