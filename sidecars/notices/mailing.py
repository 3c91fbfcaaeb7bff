"""Notices handed to the edge, as transactional mail from NOTICES_FROM, each with a row in the ledger.

Any number of processes may do it at once, and each may die anywhere: of two that address a notice one writes
its mails down, and the edge takes each mail once.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta
from email.utils import parseaddr
from typing import NamedTuple
from uuid import uuid4

from sidecars.broadcasts.compose import outgoing
from sidecars.broadcasts.edges import edge_id
from sidecars.broadcasts.moves import move_sends
from sidecars.broadcasts.states import Reason, SendState
from sidecars.deliverability.addresses import AddressError, checked, domain_of
from sidecars.deliverability.suppressions import is_suppressed
from sidecars.edge import messages
from sidecars.edge.batch import Outgoing
from sidecars.edge.messages import Attribution
from sidecars.edge.submit import Result, Status, pool
from sidecars.edge.tracking import tracking_url
from sidecars.mail.compiled import CompiledMail, Sender, Tracking, compile_mail
from sidecars.mail.content import ContentSource, prepare
from sidecars.mail.recipients import Recipient
from sidecars.models import Email, Membership, Notice, Send, SendingDomain, Team, User, database, now
from sidecars.notices import words
from sidecars.settings import settings
from sidecars.telemetry import NOTICES

log = logging.getLogger(__name__)

TOLD_ROLES = ("ADMINISTRATOR", "MANAGER")
# What could not be mailed for so long is old news.
KEEP_TRYING = timedelta(days=3)
_PLANNED = frozenset({SendState.PLANNED})


class Origin(NamedTuple):
    """Who notices come from, and the verified domain that they leave from, which is an operator's team's."""

    sender: Sender
    domain: SendingDomain


class NoOrigin(Exception):
    """NOTICES_FROM cannot be sent from now; the message says why, and what to do."""


def origin() -> Origin:
    """Who notices come from now. Raises NoOrigin."""
    if not settings.notices_from:
        raise NoOrigin("NOTICES_FROM is not set, so nobody is mailed; GET /v1/notices has what happened.")
    name, given = parseaddr(settings.notices_from)
    try:
        address = checked(given)
    except AddressError as error:
        raise NoOrigin(f"NOTICES_FROM is no address: {error}") from error
    host = domain_of(address)
    domain = SendingDomain.get_or_none(SendingDomain.held_name == host)
    if domain is None:
        raise NoOrigin(f"No team has verified {host}, the domain of NOTICES_FROM: ./kiba domain check {host}")
    return Origin(Sender(name, address), domain)


def mail_waiting() -> int:
    """Has every notice mailed that waits; returns how many still do. One that fails holds up no other."""
    waiting = list(Notice.select().where(Notice.state.in_(("waiting", "addressed"))).order_by(Notice.id))
    if waiting and not settings.notices_from:
        for notice in waiting:
            _end(notice, "unmailed", "NOTICES_FROM is not set")
        return 0
    return sum(not _mail(notice) for notice in waiting)


def _mail(notice: Notice) -> bool:
    """Whether the notice needs nothing more."""
    try:
        who = origin()
        _address(notice, who)
        left = _hand_over(notice, who)
    except NoOrigin as error:
        log.warning("a notice waits", extra={"notice_id": notice.id, "error": str(error)})
        left = True
    except Exception:
        log.exception("a notice could not be mailed, it is tried again", extra={"notice_id": notice.id})
        left = True
    if left and notice.created_at < now() - KEEP_TRYING:
        _give_up(notice)
        return True
    return not left


def _address(notice: Notice, who: Origin) -> None:
    """Writes one mail down for each of the team's people who are to know, once."""
    with database.atomic():
        if not _move(notice, "waiting", "addressed"):
            return
        for address in _people(notice.team_id):
            email = Email.create(
                team=who.domain.team_id,
                message_id=uuid4(),
                submission=_submission(notice),
                source="notice",
                from_address=who.sender.address,
                recipient=address,
                subject=notice.subject,
            )
            whose = Attribution(who.domain.team_id, 0, email.id, 0)
            Send.create(**whose._asdict(), message_id=email.message_id, state=SendState.PLANNED)


def _people(team_id: int) -> list[str]:
    rows = User.select(User.email).join(Membership)
    told = rows.where(Membership.team == team_id, Membership.role.in_(TOLD_ROLES))
    return [user.email for user in told.order_by(User.id)]


def _hand_over(notice: Notice, who: Origin) -> bool:
    """Submits the mails that no edge has yet; returns whether some are left."""
    emails = _planned(notice, who)
    suppressed = is_suppressed(who.domain.team_id, [email.recipient for email in emails], "transactional")
    unwanted = [email.id for email in emails if email.recipient in suppressed]
    move_sends(0, unwanted, _PLANNED, SendState.SKIPPED, Reason.SUPPRESSED)
    wanted = [email for email in emails if email.recipient not in suppressed]
    mails = _composed(notice, who, wanted)
    messages.remember((mail.message_id, mail.whose) for mail in mails)
    results = pool().submit(mails)
    write_down(wanted, results)
    if any(result.status is Status.BUSY for result in results):
        log.info("a notice is tried again", extra={"notice_id": notice.id, "reply": results[0].text})
        return True
    if _is_mailed(notice):
        _end(notice, "mailed")
    else:
        _end(notice, "unmailed", "The team has no administrator or manager whom mail may reach")
    return False


def _is_mailed(notice: Notice) -> bool:
    """Whether an edge took it for anybody."""
    unmailed = (SendState.SKIPPED, SendState.REJECTED)
    rows = Email.select().join(Send, on=(Send.contact_id == Email.id))
    mine = (Email.submission == _submission(notice), Email.source == "notice", Send.broadcast_id == 0)
    return bool(rows.where(*mine, Send.state.not_in(unmailed)).exists())


def _planned(notice: Notice, who: Origin) -> list[Email]:
    mine = (
        Email.submission == _submission(notice),
        Email.source == "notice",
        Email.team == who.domain.team_id,
    )
    planned = (Send.broadcast_id == 0, Send.state == SendState.PLANNED)
    rows = Email.select().join(Send, on=(Send.contact_id == Email.id)).where(*mine, *planned)
    return list(rows.order_by(Email.id))


def _composed(notice: Notice, who: Origin, emails: Sequence[Email]) -> list[Outgoing]:
    if not emails:
        return []
    mail, at = compiled(notice, who), now()
    return [
        outgoing(
            mail,
            Recipient(email.message_id, 0, email.recipient),
            Attribution(who.domain.team_id, 0, email.id, 0),
            at,
        )
        for email in emails
    ]


def compiled(notice: Notice, who: Origin) -> CompiledMail:
    """The notice as a mail; nothing in it is followed."""
    readers = f"the administrators and managers of {Team.get_by_id(notice.team_id).name}"
    return compiled_words(words.Words(notice.subject, notice.text), readers, who)


def compiled_words(said: words.Words, readers: str, who: Origin) -> CompiledMail:
    """The same of any words of ours."""
    letter = words.letter(said, readers)
    parts = (said.subject, "", letter.html, letter.text)
    return compile_mail(
        prepare(ContentSource("html", *map(_plain, parts))),
        who.sender,
        stream="transactional",
        broadcast_id=None,
        list_id=None,
        tracking=Tracking(tracking_url(who.domain), opens=False, clicks=False),
        return_path_domain=who.domain.return_path,
        unsubscribe=False,
        message_id_domain=who.domain.name,
        team_id=who.domain.team_id,
    )


def _plain(text: str) -> str:
    """The text as Liquid that says just that."""
    return text.replace("{", "{{ '{' }}")


def write_down(emails: Iterable[Email], results: Iterable[Result]) -> None:
    """Moves them in the ledger as the edge answered; who is busy is asked again."""
    for email, result in zip(emails, results, strict=True):
        if result.status in (Status.ACCEPTED, Status.DUPLICATE):
            move_sends(0, [email.id], _PLANNED, SendState.ACCEPTED, edge=edge_id(result.edge))
        elif result.status is Status.REJECTED:
            log.warning(
                "edge rejected a notice", extra={"message_id": email.message_id, "reply": result.text}
            )
            move_sends(0, [email.id], _PLANNED, SendState.REJECTED, Reason.REFUSED_BY_EDGE)


def _give_up(notice: Notice) -> None:
    rows = Email.select(Email.id).where(Email.submission == _submission(notice), Email.source == "notice")
    move_sends(0, [row.id for row in rows], _PLANNED, SendState.REJECTED, Reason.EDGE_BUSY)
    _end(notice, "unmailed", f"It could not be mailed for {KEEP_TRYING.days} days")


def _end(notice: Notice, state: str, reason: str = "") -> None:
    if any(_move(notice, before, state, reason) for before in ("waiting", "addressed")):
        NOTICES.labels(state).inc()
        said = {"notice_id": notice.id, "team_id": notice.team_id, "subject": notice.subject}
        log.log(logging.INFO if state == "mailed" else logging.WARNING, f"notice {state}", extra=said)


def _move(notice: Notice, leaving: str, to: str, reason: str = "") -> bool:
    moved = Notice.update(state=to, reason=reason).where(Notice.id == notice.id, Notice.state == leaving)
    return bool(moved.execute())


def _submission(notice: Notice) -> str:
    return f"notice-{notice.id}"
