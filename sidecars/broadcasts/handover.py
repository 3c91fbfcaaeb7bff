"""Handing a slice's mails to the edge and writing down what it answered.

The worker may die at any line: what it has not written down stays planned, the next worker submits it
again, and the edge takes each mail once (its claim key). So the only cost of a death is asking again.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Sequence

from sidecars.broadcasts import wakeups
from sidecars.broadcasts.compose import Planned, compiled, compose, load_planned
from sidecars.broadcasts.edges import edge_id
from sidecars.broadcasts.held import comes_in_waves
from sidecars.broadcasts.moves import READ_COMMITTED, move_sends
from sidecars.broadcasts.slices import Slice, claim_slice, close, held, open_again
from sidecars.broadcasts.states import Reason, SendState
from sidecars.edge import messages
from sidecars.edge.batch import Outgoing
from sidecars.edge.submit import Result, Status, pool
from sidecars.models import database, now
from sidecars.telemetry import MAILS, STAGE_SECONDS, stage

log = logging.getLogger(__name__)

PLANNED = frozenset({SendState.PLANNED})

# How long this process composes no more mails of a broadcast that the edge had no room for. Others go on: the
# edge may be full for one team, and not know one domain.
REST_SECONDS = 1.0
_resting: dict[int, float] = {}  # by broadcast, until when


def send_next_slice(broadcast_id: int) -> None:
    """Claims the broadcast's next slice, calls another worker for the one after it, and sends its own.

    While the broadcast rests nothing is done, and the clock calls again.
    """
    if _resting.get(broadcast_id, 0) > time.monotonic():
        return
    piece = claim_slice(broadcast_id)
    if piece is not None:
        wakeups.send_soon(broadcast_id)
        send_slice(piece)


def send_slice(piece: Slice) -> None:
    """Sends what is planned of the slice. What the edge had no room for is left for a later hold of it."""
    with held(piece):
        try:
            mails = _compose_all(piece, _skip_unwanted(piece))
            messages.remember((mail.message_id, mail.whose) for mail in mails)
            with stage("submit", len(mails)):
                results = pool().submit(mails)
            done = _write_down(piece, mails, results)
        except BaseException:
            open_again(piece)
            raise
        if done:
            _resting.pop(piece.broadcast_id, None)
        else:
            _resting[piece.broadcast_id] = time.monotonic() + REST_SECONDS
            open_again(piece, REST_SECONDS)


def _skip_unwanted(piece: Slice) -> list[Planned]:
    """Moves to `skipped` whoever must not get the mail any more since it was planned; returns the others."""
    wanted, unwanted = [], defaultdict(list)
    for each in load_planned(piece.broadcast_id, piece.lo, piece.hi):
        if each.unwanted:
            unwanted[each.unwanted].append(each.recipient.contact_id)
        else:
            wanted.append(each)
    for reason, contact_ids in unwanted.items():
        move_sends(piece.broadcast_id, contact_ids, PLANNED, SendState.SKIPPED, Reason(reason))
    return wanted


def _compose_all(piece: Slice, wanted: list[Planned]) -> list[Outgoing]:
    """The mails that can be made. One that cannot is `rejected`, and holds up no other."""
    at = now()
    composed, failed = [], []
    with STAGE_SECONDS.labels("compose").time():
        for variant_id in {each.variant_id for each in wanted}:
            compiled(variant_id)  # what raises here is no recipient's fault, and rejects none
        for each in wanted:
            try:
                composed.append(compose(each, piece.broadcast_id, at))
            except Exception as error:  # whatever a template or a contact's data brings about
                contact_id = each.recipient.contact_id
                failed.append(contact_id)
                log.warning(
                    "mail could not be composed", extra=_ids(piece, contact_id) | {"error": str(error)}
                )
    MAILS.labels("compose").inc(len(composed))
    move_sends(piece.broadcast_id, failed, PLANNED, SendState.REJECTED, Reason.COMPOSE_FAILED)
    return composed


def _write_down(piece: Slice, mails: Sequence[Outgoing], results: Sequence[Result]) -> bool:
    """The edge's answers, into the ledger: one UPDATE an answer. True: the slice is done."""
    accepted: dict[int, list[int]] = defaultdict(list)
    rejected, busy = [], []
    for mail, result in zip(mails, results, strict=True):
        contact_id = mail.whose.contact_id
        if result.status in (Status.ACCEPTED, Status.DUPLICATE):
            accepted[edge_id(result.edge)].append(contact_id)
        elif result.status is Status.REJECTED:
            rejected.append(contact_id)
            log.warning("edge rejected mail", extra=_ids(piece, contact_id) | {"reply": result.text})
        else:
            busy.append(result.text)
    with STAGE_SECONDS.labels("accept").time(), database.atomic(READ_COMMITTED):
        for edge, contact_ids in accepted.items():
            # Only where one edge took the whole slice is nobody else of its range planned: what another edge
            # had taken of it may have been planned anew meanwhile, as that edge is lost.
            # And only where no wave of the broadcast is released to there meanwhile.
            took_all = len(contact_ids) == piece.n and not comes_in_waves(piece.broadcast_id)
            whom = piece.contact_ids if took_all else contact_ids
            move_sends(piece.broadcast_id, whom, PLANNED, SendState.ACCEPTED, edge=edge)
        move_sends(piece.broadcast_id, rejected, PLANNED, SendState.REJECTED, Reason.REFUSED_BY_EDGE)
        done = close(piece)
    number = sum(map(len, accepted.values()))
    MAILS.labels("accept").inc(number)
    log.info(
        "slice handed over",
        extra=_ids(piece)
        | {"accepted": number, "rejected": len(rejected), "busy": len(busy)}
        | ({"reply": busy[0]} if busy else {}),
    )
    return done


def _ids(piece: Slice, contact_id: int | None = None) -> dict[str, object]:
    ids: dict[str, object] = {"broadcast_id": piece.broadcast_id, "slice": piece.lo}
    return ids if contact_id is None else ids | {"contact_id": contact_id}
