"""Mails that ask pending contacts to confirm: transactional, from the audience's sender, each in the ledger.

Any number of processes may do it at once, and each may die anywhere: a mail is written down once, by its
message id, and the edge takes it once.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from sidecars import names
from sidecars.audiences import confirming
from sidecars.audiences.confirming import MAILED, UNMAILED, WAITING
from sidecars.audiences.languages import choose
from sidecars.broadcasts.compose import outgoing
from sidecars.broadcasts.edges import edge_id
from sidecars.broadcasts.moves import move_sends
from sidecars.broadcasts.states import Reason, SendState
from sidecars.deliverability.suppressions import is_suppressed
from sidecars.edge import messages
from sidecars.edge.batch import Outgoing
from sidecars.edge.messages import Attribution
from sidecars.edge.submit import Result, Status, pool
from sidecars.edge.tracking import tracking_url
from sidecars.mail.compiled import CompiledMail, Sender, Tracking, compile_mail
from sidecars.mail.content import PreparedContent
from sidecars.mail.recipients import Recipient
from sidecars.mail.templating import PAGE
from sidecars.models import (
    Audience,
    Confirmation,
    Contact,
    Email,
    Send,
    SenderIdentity,
    SendingDomain,
    database,
    now,
)
from sidecars.models.audiences import PENDING

log = logging.getLogger(__name__)

AT_ONCE = 200
SOURCE = "notice"
_PLANNED = frozenset({SendState.PLANNED})
# Stand for what each mail has of its own, till the words around them are Liquid.
_ADDRESS, _LINK = "\0address", "\0link"


def mail_waiting() -> int:
    """Has the mails that wait handed over; returns how many still do. What can never be mailed says why."""
    _give_up_late_ones()
    waiting = (
        Confirmation.select(Confirmation, Contact, Audience, SenderIdentity, SendingDomain)
        .join(Contact)
        .join(Audience)
        .join(SenderIdentity)
        .join(SendingDomain)
        .where(Confirmation.state == WAITING, SendingDomain.verified_at.is_null(False))
        .order_by(Confirmation.id)
        .limit(AT_ONCE)
    )
    by_audience: dict[int, list[Confirmation]] = defaultdict(list)
    for each in waiting:
        by_audience[each.contact.audience_id].append(each)
    return sum(_mail(of_audience) for of_audience in by_audience.values())


def _mail(waiting: Sequence[Confirmation]) -> int:
    """Those of one audience; returns how many are left."""
    audience = waiting[0].contact.audience
    addresses = [each.contact.email for each in waiting]
    suppressed = is_suppressed(audience.team_id, addresses, "transactional")
    wanted = []
    for each in waiting:
        if each.contact.status != PENDING:
            _end([each], UNMAILED, f"The contact is {each.contact.status}")
        elif reason := suppressed.get(each.contact.email):
            _end([each], UNMAILED, f"The address is suppressed: {reason}")
        else:
            wanted.append(each)
    emails = _write_down(wanted)
    mails = _composed(wanted, emails)
    messages.remember((mail.message_id, mail.whose) for mail in mails)
    return _note(wanted, emails, pool().submit(mails))


def _write_down(wanted: Sequence[Confirmation]) -> dict[int, Email]:
    """The ledger's row of each, by the confirmation's id; made now, or met there."""
    if not wanted:
        return {}
    audience, (sender, _) = wanted[0].contact.audience, _origin(wanted[0])
    rows = [
        {
            "team": audience.team_id,
            "message_id": each.message_id,
            "submission": f"confirmation-{each.id}",
            "source": SOURCE,
            "from_address": sender.address,
            "recipient": each.contact.email,
            "subject": _subject(each),
        }
        for each in wanted
    ]
    with database.atomic():
        Email.insert_many(rows).on_conflict(preserve=[Email.source]).execute()
        emails = {
            email.message_id: email
            for email in Email.select().where(Email.message_id.in_([each.message_id for each in wanted]))
        }
        sends = [
            {
                **Attribution(email.team_id, 0, email.id, 0)._asdict(),
                "message_id": email.message_id,
                "state": SendState.PLANNED,
            }
            for email in emails.values()
        ]
        Send.insert_many(sends).on_conflict(preserve=[Send.team_id]).execute()
    return {each.id: emails[each.message_id] for each in wanted}


def _composed(wanted: Iterable[Confirmation], emails: dict[int, Email]) -> list[Outgoing]:
    compiled: dict[tuple[str, str], CompiledMail] = {}
    composed = []
    for each in wanted:
        email, contact = emails[each.id], each.contact
        recipient = Recipient(
            each.message_id,
            0,
            contact.email,
            properties=contact.properties,
            first_name=contact.first_name,
            last_name=contact.last_name,
        )
        alike = confirming.language(contact).tag, each.expires_at.date().isoformat()
        if alike not in compiled:
            compiled[alike] = _compiled(each)
        whose = Attribution(email.team_id, 0, email.id, 0)
        composed.append(outgoing(compiled[alike], recipient, whose, now()))
    return composed


def _compiled(each: Confirmation) -> CompiledMail:
    """The mail of all whom the audience asks in one language and till one day; nothing in it is followed."""
    audience = each.contact.audience
    sender, domain = _origin(each)
    language = confirming.language(each.contact)
    name, until = confirming.shown_name(audience), language.date(each.expires_at.date())
    text = "\n\n".join(
        (
            language.text("confirm_mail", list=name, address=_ADDRESS),
            _LINK,
            language.text("confirm_ignore", date=until),
        )
    )
    html = _templates.get_template("confirm.html").render(
        language=language,
        say=language.say,
        subject=_subject(each),
        list=name,
        address=_ADDRESS,
        link=_LINK,
        date=until,
    )
    url = tracking_url(domain)
    return compile_mail(
        PreparedContent(_as_liquid(_subject(each), url), "", _as_liquid(html, url), _as_liquid(text, url)),
        Sender(sender.name, sender.address, sender.reply_to),
        stream="transactional",
        broadcast_id=None,
        list_id=None,
        tracking=Tracking(url, opens=False, clicks=False),
        return_path_domain=domain.return_path,
        unsubscribe=False,
        message_id_domain=domain.name,
        team_id=audience.team_id,
        locale=choose([audience.locale]).tag if audience.locale else "",
    )


def _origin(each: Confirmation) -> tuple[SenderIdentity, SendingDomain]:
    """Both are there: others were not asked for."""
    sender: Any = each.contact.audience.confirmation_sender
    return sender, sender.domain


def _subject(each: Confirmation) -> str:
    name = confirming.shown_name(each.contact.audience)
    return confirming.language(each.contact).text("confirm_subject", list=name)


def _as_liquid(text: str, url: str) -> str:
    """The text as Liquid that says just that, with the address and the link of each mail."""
    liquid = text.replace("{", "{{ '{' }}")
    link = f"{url}{names.PATH_CONFIRM}/{{{{ {PAGE} }}}}"
    return liquid.replace(_ADDRESS, "{{ contact.email }}").replace(_LINK, link)


def _note(wanted: Sequence[Confirmation], emails: dict[int, Email], results: Iterable[Result]) -> int:
    """Writes down what the edge said; returns how many it did not take."""
    left = 0
    for each, result in zip(wanted, results, strict=True):
        email = emails[each.id]
        if result.status in (Status.ACCEPTED, Status.DUPLICATE):
            move_sends(0, [email.id], _PLANNED, SendState.ACCEPTED, edge=edge_id(result.edge))
            _end([each], MAILED)
        elif result.status is Status.REJECTED:
            move_sends(0, [email.id], _PLANNED, SendState.REJECTED, Reason.REFUSED_BY_EDGE)
            _end([each], UNMAILED, result.text)
        else:
            left += 1
    return left


def _give_up_late_ones() -> None:
    late = list(
        Confirmation.select()
        .where(Confirmation.state == WAITING, Confirmation.expires_at <= now())
        .limit(500)
    )
    if late:
        _end(late, UNMAILED, "The audience had no sender of a verified domain, or no edge took it, in time")


def _end(confirmations: Sequence[Confirmation], state: str, reason: str = "") -> None:
    ids = [each.id for each in confirmations]
    waits = (Confirmation.id.in_(ids), Confirmation.state == WAITING)
    Confirmation.update(state=state, reason=reason[:255]).where(*waits).execute()
    if state == UNMAILED:
        log.warning("nobody was asked to confirm", extra={"confirmations": ids, "reason": reason})


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(),
    undefined=StrictUndefined,
)
