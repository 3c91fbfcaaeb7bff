"""Handing submissions to the edge, and writing down what it answered.

The worker may die at any line: what it has not written down stays planned and in the queue, the next one
submits it again, and the edge takes each mail once (its claim key).
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec
import orjson
from botocore.exceptions import BotoCoreError

from sidecars.broadcasts.edges import edge_id
from sidecars.broadcasts.moves import READ_COMMITTED, move_sends
from sidecars.broadcasts.slices import pause_seconds
from sidecars.broadcasts.states import Reason, SendState
from sidecars.deliverability.suppressions import is_suppressed
from sidecars.edge import messages
from sidecars.edge.batch import Outgoing, Said
from sidecars.edge.messages import Attribution
from sidecars.edge.submit import Result, Status, pool
from sidecars.mail.compiled import Origin
from sidecars.mail.errors import Unsendable
from sidecars.mail.letter import Following, Letter, LetterMail
from sidecars.mail.placeholders import hide
from sidecars.mail.plaintext import plain_text
from sidecars.mail.tokens import make_token
from sidecars.models import database, now
from sidecars.settings import settings
from sidecars.telemetry import MAILS
from sidecars.transactional import contents, may_send, queue
from sidecars.transactional.may_send import NotVerified, StreamStopped
from sidecars.transactional.queue import Piece

log = logging.getLogger(__name__)

# What no edge could be given for so long is old news.
KEEP_TRYING = timedelta(days=3)
# A stream that stopped itself, or a domain that lost its records, does not come back within seconds.
HELD_BACK_SECONDS = 60.0
# S3 may.
AWAY_SECONDS = 5.0
_PLANNED = frozenset({SendState.PLANNED})
_letters = msgspec.msgpack.Decoder(Letter)


class _Copy(NamedTuple):
    """A recipient's row that is still planned; `email_id` is its place in the ledger."""

    email_id: int
    message_id: UUID
    recipient: str


@dataclass
class _Work:
    """A submission in hand. `rest` is how long it is to be left alone, None: there is nothing left to do."""

    id: UUID
    team_id: int
    stream: str
    said: Said | None
    sender: str
    content: bytes | None
    storage_key: str | None
    waits_since: datetime
    copies: list[_Copy] = field(default_factory=list)
    rest: float | None = None


def hand_over_next() -> bool:
    """Hands over what has been due for longest; False where nothing is."""
    piece = queue.take()
    if piece is None:
        return False
    with queue.held(piece):
        try:
            _hand_over(piece)
        except BaseException:
            queue.put_back(piece, piece.ids, pause_seconds(max(piece.attempts.values())))
            raise
    return True


def _hand_over(piece: Piece) -> None:
    work = _load(piece)
    _skip_suppressed(work)
    mails = [mail for each in work for mail in _composed(each)]
    messages.remember((mail.message_id, mail.whose) for mail in mails)
    # A batch has one origin.
    groups: dict[Origin, list[Outgoing]] = defaultdict(list)
    for mail in mails:
        groups[mail.mail.origin].append(mail)
    results = {
        mail.whose.contact_id: result
        for of_one in groups.values()
        for mail, result in zip(of_one, pool().submit(of_one), strict=True)
    }
    _write_down(piece, work, results)


def _load(piece: Piece) -> list[_Work]:
    """The submissions, with those of their recipients that are still planned."""
    rows = database.execute_sql(
        f"""SELECT id, team_id, stream, tags, metadata, sender, content, storage_key,
                   COALESCE(send_at, created_at)
              FROM submissions WHERE id IN ({_places(piece.ids)})""",
        [each.bytes for each in piece.ids],
    ).fetchall()
    work = {UUID(bytes=row[0]): _work(*row) for row in rows}
    if not work:
        return []
    copies = database.execute_sql(
        f"""SELECT e.submission, e.id, e.message_id, e.recipient FROM emails e
              JOIN sends s ON s.broadcast_id = 0 AND s.contact_id = e.id
             WHERE e.submission IN ({_places(work)}) AND s.state = %s ORDER BY e.id""",
        (*(each.hex for each in work), SendState.PLANNED),
    )
    for submission, email_id, message_id, recipient in copies:
        work[UUID(submission)].copies.append(_Copy(email_id, UUID(bytes=message_id), recipient))
    return list(work.values())


def _work(
    id_: bytes,
    team_id: int,
    stream: str,
    tags: str,
    metadata: str,
    sender: str,
    content: bytes | None,
    storage_key: str | None,
    since: datetime,
) -> _Work:
    words, facts = orjson.loads(tags), orjson.loads(metadata)
    said = Said(words[0] if words else "", facts) if words or facts else None
    since = since.replace(tzinfo=UTC)
    return _Work(UUID(bytes=id_), team_id, stream, said, sender, content, storage_key, since)


def _skip_suppressed(work: Sequence[_Work]) -> None:
    """Moves to `skipped` whoever the team must not write to, or was erased, and takes them out."""
    addresses: dict[tuple[int, str], set[str]] = defaultdict(set)
    for each in work:
        addresses[each.team_id, each.stream].update(copy.recipient for copy in each.copies)
    unwanted = {
        (team_id, stream): is_suppressed(team_id, some, stream)
        for (team_id, stream), some in addresses.items()
    }
    skipped = []
    for each in work:
        of_stream = unwanted[each.team_id, each.stream]
        gone = [copy for copy in each.copies if copy.recipient in of_stream or not copy.recipient]
        each.copies = [copy for copy in each.copies if copy not in gone]
        skipped += [copy.email_id for copy in gone]
    move_sends(0, skipped, _PLANNED, SendState.SKIPPED, Reason.SUPPRESSED)


def _composed(work: _Work) -> list[Outgoing]:
    """The copies that can be made. One that cannot is `rejected`; where none may leave now, all rest."""
    if not work.copies:
        return []
    try:
        domain = may_send.check(work.team_id, work.sender, work.stream)
    except (NotVerified, StreamStopped) as error:
        _hold_back(work, HELD_BACK_SECONDS, str(error))
        return []
    origin = Origin(work.team_id, 0, work.stream, domain.name, domain.return_path)
    secret = settings.token_secret.get_secret_value()
    following = Following(domain.tracking_url, secret)
    composed, failed = [], []
    try:
        mail = LetterMail(_letter(work), work.id, origin, domain.name, following, now())
    except BotoCoreError as error:
        _hold_back(work, AWAY_SECONDS, str(error))
        return []
    except Exception as error:  # whatever its author wrote: it holds up no other
        _reject(work, [copy.email_id for copy in work.copies], error)
        work.copies = []
        return []
    for copy in work.copies:
        token = make_token(copy.message_id, secret)
        try:
            values = mail.compose(copy.recipient, copy.message_id, token)
        except Unsendable as error:
            failed.append(copy.email_id)
            _reject(work, [copy.email_id], error)
        else:
            whose = Attribution(work.team_id, 0, copy.email_id, 0)
            composed.append(Outgoing(copy.message_id, whose, mail, values, work.said))
    work.copies = [copy for copy in work.copies if copy.email_id not in failed]
    MAILS.labels("compose").inc(len(composed))
    return composed


def _letter(work: _Work) -> Letter:
    content = work.content
    if content is None:
        content = contents.read(work.storage_key or "")
    letter = _letters.decode(content)
    if letter.text is None and letter.html is not None:
        return msgspec.structs.replace(letter, text=plain_text(hide(letter.html)))
    return letter


def _hold_back(work: _Work, seconds: float, why: str) -> None:
    log.warning("mail held back", extra={"submission": work.id, "reason": why})
    if _is_old(work):
        ids = [copy.email_id for copy in work.copies]
        move_sends(0, ids, _PLANNED, SendState.REJECTED, Reason.REFUSED_BY_EDGE)
        work.copies = []
    else:
        work.rest = seconds


def _reject(work: _Work, email_ids: Sequence[int], error: Exception) -> None:
    log.warning("mail could not be composed", extra={"submission": work.id, "error": str(error)})
    move_sends(0, email_ids, _PLANNED, SendState.REJECTED, Reason.COMPOSE_FAILED)


def _is_old(work: _Work) -> bool:
    return work.waits_since < now() - KEEP_TRYING


def _write_down(piece: Piece, work: Sequence[_Work], results: Mapping[int, Result]) -> None:
    """The edge's answers into the ledger. Whose recipients all have one leaves the queue."""
    accepted: dict[int, list[int]] = defaultdict(list)
    rejected, given_up, finished = [], [], []
    resting: dict[float, list[UUID]] = defaultdict(list)
    for each in work:
        for copy in each.copies if each.rest is None else []:
            result = results[copy.email_id]
            if result.status in (Status.ACCEPTED, Status.DUPLICATE):
                accepted[edge_id(result.edge)].append(copy.email_id)
            elif result.status is Status.REJECTED:
                log.warning("edge rejected mail", extra={"message_id": copy.message_id, "reply": result.text})
                rejected.append(copy.email_id)
            elif _is_old(each):
                given_up.append(copy.email_id)
            else:
                each.rest = pause_seconds(piece.attempts[each.id])
        if each.rest is None:
            finished.append(each.id)
        else:
            resting[each.rest].append(each.id)
    with database.atomic(READ_COMMITTED):
        for edge, email_ids in accepted.items():
            move_sends(0, email_ids, _PLANNED, SendState.ACCEPTED, edge=edge)
        move_sends(0, rejected, _PLANNED, SendState.REJECTED, Reason.REFUSED_BY_EDGE)
        move_sends(0, given_up, _PLANNED, SendState.REJECTED, Reason.EDGE_BUSY)
        known = {*finished, *(id_ for ids in resting.values() for id_ in ids)}
        queue.done(piece, [*finished, *(id_ for id_ in piece.ids if id_ not in known)])
        for seconds, ids in resting.items():
            queue.put_back(piece, ids, seconds)
        contents.forget(finished)
    contents.remove(each.storage_key for each in work if each.rest is None)
    MAILS.labels("accept").inc(sum(map(len, accepted.values())))


def _places(values: Sequence[object] | Mapping[UUID, _Work]) -> str:
    return ", ".join(["%s"] * len(values))
