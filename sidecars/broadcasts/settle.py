"""Settling: what the edge reports of a mail becomes the state of its send.

The same report may come twice and late; each is one conditional UPDATE, so it counts once.
A broadcast's ledger may be in the archive by then: its sends come back for it.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from sidecars.broadcasts.edges import edge_id
from sidecars.broadcasts.moves import move_sends
from sidecars.broadcasts.recall import recall
from sidecars.broadcasts.states import Reason, SendState, states_before
from sidecars.telemetry import MAILS, STAGE_SECONDS

# Sends in one UPDATE.
CHUNK = 2000
# Within a batch the weaker report goes first: a bounce that follows a delivery finds it delivered.
ORDER = (
    SendState.ACCEPTED,
    SendState.CANCELLED,
    SendState.UNKNOWN,
    SendState.DELIVERED,
    SendState.BOUNCED,
)


class Settlement(NamedTuple):
    """What became of one mail. `broadcast_id` is 0 for a mail of no broadcast, `contact_id` its `emails` id.

    `to` is one of ORDER: a deferral reports ACCEPTED, for it proves that the edge has the mail. `edge` is the
    name of the one that reports; where that of a mail is not known, none can be said to have lost it.
    """

    broadcast_id: int
    contact_id: int
    to: SendState
    reason: Reason = Reason.NONE
    attempts: int = 0
    edge: str = ""


def settle(settlements: Iterable[Settlement]) -> int:
    """Moves the sends; returns how many moved: those that were there before, or further, are not counted.

    Raises ValueError for a state that no report leads to.
    """
    groups: dict[tuple[SendState, int, Reason, int, str], list[int]] = defaultdict(list)
    for each in settlements:
        group = (each.to, each.broadcast_id, each.reason, each.attempts, each.edge)
        groups[group].append(each.contact_id)
    for to, *_ in groups:
        if to not in ORDER:
            raise ValueError(f"no report leads to {to.name}")
    moved = 0
    with STAGE_SECONDS.labels("settle").time():
        for group in sorted(groups, key=lambda group: ORDER.index(group[0])):
            to, broadcast_id, reason, attempts, edge = group
            contact_ids = sorted(groups[group])
            for start in range(0, len(contact_ids), CHUNK):
                some = contact_ids[start : start + CHUNK]
                moves = (broadcast_id, some, states_before(to), to, reason)
                here = move_sends(*moves, edge=edge_id(edge), attempts=attempts)
                # Asked only when some did not move: most of those have been there before.
                if here < len(some) and recall(broadcast_id, some, states_before(to)):
                    here += move_sends(*moves, edge=edge_id(edge), attempts=attempts)
                moved += here
    MAILS.labels("settle").inc(moved)
    return moved
