"""Mails to one person about their account: addresses to confirm, passwords to set, invitations.

Whoever needs one writes a row; the fan-out makes the secret of its link, keeps a digest, and mails it as
notices are mailed. So a request takes as long for an address that nobody has, and no secret rests anywhere
but in the mail.
"""

import json
import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from sidecars.accounts import secret_tokens
from sidecars.broadcasts.compose import outgoing
from sidecars.broadcasts.states import SendState
from sidecars.deliverability.suppressions import is_suppressed
from sidecars.edge import messages
from sidecars.edge.messages import Attribution
from sidecars.edge.submit import Status, pool
from sidecars.mail.recipients import Recipient
from sidecars.models import AccountMail, Email, Invitation, MailedToken, Send, Team, User, database, now
from sidecars.notices import words
from sidecars.notices.mailing import NoOrigin, Origin, compiled_words, origin, write_down
from sidecars.settings import settings

log = logging.getLogger(__name__)

PREFIX = "kbt_"
# One of a kind to an address in so long: nobody floods another's mailbox.
QUIET = timedelta(minutes=1)
KEEP_TRYING = timedelta(hours=6)
KEPT = timedelta(days=30)


class Kind(NamedTuple):
    """What its link leads to, a call of the API or a page of that name, and for how long; "": it has none.

    An invitation's link opens as long as the invitation.
    """

    call: str = ""
    life: timedelta = timedelta(0)


CONFIRM_ADDRESS = "confirm_address"
RESET_PASSWORD = "reset_password"  # noqa: S105 - a kind of mail
KNOWN_ADDRESS = "known_address"
PASSWORD_CHANGED = "password_changed"  # noqa: S105
INVITATION = "invitation"
KINDS = {
    CONFIRM_ADDRESS: Kind("confirm-address", timedelta(days=1)),
    RESET_PASSWORD: Kind("reset-password", timedelta(hours=1)),
    KNOWN_ADDRESS: Kind("reset-password", timedelta(hours=1)),
    PASSWORD_CHANGED: Kind(),
    INVITATION: Kind("accept-invitation"),
}
_templates = words.environment(Path(__file__).parent / "templates")


def write(kind: str, address: str, user: User | None = None, invitation: Invitation | None = None) -> None:
    """Has it mailed, unless such a one was just now; to nobody where there is neither user nor invitation."""
    same = (AccountMail.kind == kind, AccountMail.address == address, AccountMail.invitation == invitation)
    if AccountMail.select().where(*same, AccountMail.created_at > now() - QUIET).exists():
        return
    AccountMail.create(kind=kind, address=address, user=user, invitation=invitation)


def opened_by(secret: str, *kinds: str) -> AccountMail | None:
    """The mail whose link has this secret, where it is of these kinds, not used and not too old."""
    found: AccountMail | None = (
        AccountMail.select()
        .join(MailedToken)
        .where(
            MailedToken.sha256 == secret_tokens.digest(secret),
            MailedToken.expires_at > now(),
            AccountMail.kind.in_(kinds),
        )
        .first()
    )
    return found


def use(mail: AccountMail) -> bool:
    """Its link opens no more, nor do others of its kind to the same address. False: another was faster."""
    mine = AccountMail.select(AccountMail.id).where(
        AccountMail.kind == mail.kind,
        AccountMail.address == mail.address,
        AccountMail.invitation == mail.invitation_id,
    )
    return bool(MailedToken.delete().where(MailedToken.mail.in_([row.id for row in mine])).execute())


def mail_waiting() -> int:
    """Has every mail that waits handed to an edge; returns how many still wait."""
    waiting = list(AccountMail.select().where(AccountMail.state == "waiting").order_by(AccountMail.id))
    if waiting:
        _forget_old()
    return sum(not _mail(mail) for mail in waiting)


def _mail(mail: AccountMail) -> bool:
    """Whether it needs nothing more."""
    try:
        done = _hand_over(mail, origin())
    except NoOrigin as error:
        log.warning("a mail about an account waits", extra={"account_mail": mail.id, "error": str(error)})
        done = False
    except Exception:
        log.exception("a mail about an account is tried again", extra={"account_mail": mail.id})
        done = False
    if not done and mail.created_at < now() - KEEP_TRYING:
        _end(mail, "unmailed", f"It could not be mailed for {KEEP_TRYING}")
        return True
    return done


def _hand_over(mail: AccountMail, who: Origin) -> bool:
    if mail.user_id is None and mail.invitation_id is None:
        return _end(mail, "unmailed", "Nobody has this address")
    if is_suppressed(who.domain.team_id, [mail.address], "transactional"):
        return _end(mail, "unmailed", "Mail to this address is suppressed")
    said = words.written(mail.kind, _facts(mail), _templates)
    email = _in_ledger(mail, who, said.subject)
    compiled = compiled_words(said, mail.address, who)
    whose = Attribution(who.domain.team_id, 0, email.id, 0)
    sent = outgoing(compiled, Recipient(email.message_id, 0, email.recipient), whose, now())
    messages.remember([(sent.message_id, sent.whose)])
    results = pool().submit([sent])
    write_down([email], results)
    if results[0].status is Status.BUSY:
        return False
    if results[0].status is Status.REJECTED:
        return _end(mail, "unmailed", results[0].text[:255])
    return _end(mail, "mailed")


def _facts(mail: AccountMail) -> dict[str, Any]:
    kind, invitation = KINDS[mail.kind], mail.invitation
    facts: dict[str, Any] = {"address": mail.address, "host": settings.kiba_hostname}
    if invitation is not None:
        by, team = invitation.invited_by.name, Team.get_by_id(invitation.team_id).name
        facts |= {"by": by, "team": team, "role": invitation.role}
    if kind.call:
        expires_at = now() + kind.life if invitation is None else invitation.expires_at
        facts |= {"expires_at": expires_at, "link": _link(mail, kind.call, expires_at)}
    return facts


def _link(mail: AccountMail, call: str, expires_at: datetime) -> str:
    secret = secret_tokens.make(PREFIX)
    MailedToken.create(mail=mail, sha256=secret_tokens.digest(secret), expires_at=expires_at)
    if settings.app_url:
        # Behind #, which no server and no log gets to see.
        return f"{settings.app_url.rstrip('/')}/{call}#token={secret}"
    return f"POST /v1/auth/{call} {json.dumps({'token': secret})}"


def _in_ledger(mail: AccountMail, who: Origin, subject: str) -> Email:
    """Its row, made once; a second copy after a crash has the same message id, and the edge takes one."""
    with database.atomic():
        known: Email | None = Email.get_or_none(Email.message_id == mail.message_id)
        if known is not None:
            return known
        email = Email.create(
            team=who.domain.team_id,
            message_id=mail.message_id,
            submission=f"account-{mail.id}",
            source="notice",
            from_address=who.sender.address,
            recipient=mail.address,
            subject=subject,
        )
        whose = Attribution(who.domain.team_id, 0, email.id, 0)
        Send.create(**whose._asdict(), message_id=email.message_id, state=SendState.PLANNED)
        return email


def _end(mail: AccountMail, state: str, reason: str = "") -> bool:
    """True, for a row that needs nothing more."""
    AccountMail.update(state=state, reason=reason).where(
        AccountMail.id == mail.id, AccountMail.state == "waiting"
    ).execute()
    log.info(f"mail about an account {state}", extra={"account_mail": mail.id, "kind": mail.kind})
    return True


def _forget_old() -> None:
    MailedToken.delete().where(MailedToken.expires_at < now()).execute()
    living = MailedToken.select(MailedToken.mail)
    AccountMail.delete().where(
        AccountMail.state != "waiting", AccountMail.created_at < now() - KEPT, AccountMail.id.not_in(living)
    ).execute()
