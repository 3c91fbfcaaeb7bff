"""Invitations to a team by mail. Who has the mail may accept, as a new person or as one known."""

from datetime import timedelta
from typing import Any

from sidecars.accounts import mails, passwords, people
from sidecars.accounts.errors import NotPossible, Wrong
from sidecars.models import AccountMail, Invitation, Membership, Team, User, database, now
from sidecars.settings import settings
from sidecars.usage import limits

LIFE = timedelta(days=7)
MEMBER = "Somebody with this address is in the team already."
INVITED = "This address is invited already. Send that invitation again, or revoke it."
NEW_PERSON = "is needed: nobody has an account with this address yet."


def invite(team_id: int, by: User, email: str, role: str) -> Invitation:
    """Has it mailed.

    Raises NotPossible for who is in the team, or invited, and where nothing is mailed; OverPlan.
    """
    if not settings.notices_from:
        raise NotPossible(people.UNMAILED, "unmailed")
    if settings.sign_up == "closed" and not User.select().where(User.email == email).exists():
        raise NotPossible("New accounts are closed here: only people who have one can be invited.", "closed")
    with database.atomic("READ COMMITTED"):
        Team.select().where(Team.id == team_id).for_update().first()
        if Membership.select().join(User).where(Membership.team == team_id, User.email == email).exists():
            raise NotPossible(MEMBER, "member")
        if _open(team_id).where(Invitation.email == email).exists():
            raise NotPossible(INVITED, "invited")
        limits.check(team_id, limits.MEMBERS)
        made: Invitation = Invitation.create(
            team=team_id, email=email, role=role, invited_by=by, expires_at=now() + LIFE
        )
        mails.write(mails.INVITATION, email, invitation=made)
    return made


def of(team_id: int, after: int, limit: int) -> list[Invitation]:
    """Those of the team that can be accepted, in the order they came, beyond id `after`."""
    return list(_open(team_id).where(Invitation.id > after).order_by(Invitation.id).limit(limit))


def revoke(team_id: int, invitation_id: int) -> bool:
    """False: there is no such open one of the team."""
    mine = (Invitation.id == invitation_id, Invitation.team == team_id, Invitation.state == "open")
    return bool(Invitation.update(state="revoked", ended_at=now()).where(*mine).execute())


def resend(team_id: int, invitation_id: int) -> Invitation | None:
    """Mailed anew, and open for as long as at first. None: there is no such open one of the team."""
    mine = (Invitation.id == invitation_id, Invitation.team == team_id, Invitation.state == "open")
    with database.atomic():
        Invitation.update(expires_at=now() + LIFE).where(*mine).execute()
        found: Invitation | None = Invitation.get_or_none(*mine)
        if found is not None:
            mails.write(mails.INVITATION, found.email, invitation=found)
    return found


def opened_by(token: str) -> tuple[AccountMail, Invitation]:
    """The open invitation in whose mail this token stands. Raises Wrong."""
    mail = mails.opened_by(token, mails.INVITATION)
    found = mail.invitation if mail is not None else None
    if mail is None or found is None or found.state != "open" or found.expires_at <= now():
        raise Wrong("token", people.WRONG_LINK)
    return mail, found


def accept(token: str, name: str | None, password: str | None) -> Invitation:
    """Puts whoever has the invitation's address into the team.

    A new person, or one who never confirmed the address, needs a name and a password. Raises Wrong, OverPlan.
    """
    mail, found = opened_by(token)
    user: User | None = User.get_or_none(User.email == found.email)
    if user is None or user.email_verified_at is None:
        for field, given in (("name", name), ("password", password)):
            if given is None:
                raise Wrong(field, NEW_PERSON)
    with database.atomic("READ COMMITTED"):
        if not mails.use(mail) or not _end(found):
            raise Wrong("token", people.WRONG_LINK)
        limits.check(found.team_id, limits.MEMBERS, limits.members)
        who = _person(user, found.email, str(name), str(password))
        Membership.insert(team=found.team_id, user=who.id, role=found.role).on_conflict(
            preserve=[Membership.team]
        ).execute()
    return found


def _person(user: User | None, email: str, name: str, password: str) -> User:
    if user is None:
        return people.create_verified(email, name, password)
    if user.email_verified_at is None:
        people.take_over(user)
        User.update(name=name, password_hash=passwords.hashed(password)).where(User.id == user.id).execute()
    return user


def _end(invitation: Invitation) -> bool:
    ended = Invitation.update(state="accepted", ended_at=now()).where(
        Invitation.id == invitation.id, Invitation.state == "open"
    )
    return bool(ended.execute())


def _open(team_id: int) -> Any:
    return Invitation.select().where(
        Invitation.team == team_id, Invitation.state == "open", Invitation.expires_at > now()
    )
