"""People: how an account is made, confirmed, logged in to by password, and got back when that is lost."""

from peewee import IntegrityError

from sidecars.accounts import mails, passwords, sessions, slow_down, teams, totp
from sidecars.accounts.errors import LoginRefused, NotPossible, Wrong
from sidecars.models import AccountMail, RecoveryCode, User, database, now
from sidecars.settings import settings

WRONG_LOGIN = "No person has this e-mail address and password."
WRONG_CODE = "This is not the code that your authenticator shows now, nor a recovery code that is left."
WRONG_LINK = "This link was used, is too old, or never was. Ask for another."
CODE_WANTED = "Send `code` too: what your authenticator shows, or a recovery code."
UNCONFIRMED = "Confirm your e-mail address first; a mail with the link is on its way."
UNMAILED = "This installation cannot mail: its operator must set NOTICES_FROM."


def sign_up(email: str, name: str, password: str, team_name: str) -> None:
    """Makes a person with a team of their own, who may log in once the address is confirmed.

    Where somebody has the address it is they who get a mail, and nothing that the caller sees differs.
    Raises NotPossible where sign-up is not open.
    """
    if settings.sign_up != "open":
        raise NotPossible("Sign-up is not open here. Ask a team's administrator to invite you.", "closed")
    if not settings.notices_from:
        raise NotPossible(UNMAILED, "unmailed")
    password_hash = passwords.hashed(password)
    try:
        with database.atomic():
            user = User.create(email=email, name=name, password_hash=password_hash)
            teams.create(user, team_name)
            mails.write(mails.CONFIRM_ADDRESS, email, user)
    except IntegrityError:
        mails.write(mails.KNOWN_ADDRESS, email, User.get_or_none(User.email == email))


def confirm_address(token: str) -> None:
    """Raises Wrong where the link opens nothing."""
    mail = _opened_by(token, mails.CONFIRM_ADDRESS)
    User.update(email_verified_at=now()).where(
        User.id == mail.user_id, User.email_verified_at.is_null()
    ).execute()


def log_in(email: str, password: str, code: str | None, ip: str) -> User:
    """Whose e-mail address, password and, with an authenticator, code these are.

    Raises TooManyTries, LoginRefused, or NotPossible where the code or the address's confirmation is missing.
    """
    slow_down.check(email, ip)
    user: User | None = User.get_or_none(User.email == email)
    if not passwords.fits(user, password) or user is None:
        slow_down.failed(email, ip)
        raise LoginRefused(WRONG_LOGIN)
    if user.email_verified_at is None:
        mails.write(mails.CONFIRM_ADDRESS, email, user)
        raise NotPossible(UNCONFIRMED, "unconfirmed")
    if user.totp_confirmed_at is not None:
        if code is None:
            raise NotPossible(CODE_WANTED, "code_wanted")
        if not totp.accepts(user, code):
            slow_down.failed(email, ip)
            raise LoginRefused(WRONG_CODE)
    slow_down.succeeded(email, ip)
    return user


def forgot_password(email: str) -> None:
    """Has a link mailed to the person, if there is one. It takes as long where there is none."""
    if not settings.notices_from:
        raise NotPossible(UNMAILED, "unmailed")
    mails.write(mails.RESET_PASSWORD, email, User.get_or_none(User.email == email))


def reset_password(token: str, password: str) -> None:
    """Sets it for who reads the person's mail, and logs everybody out. Raises Wrong for no such link."""
    mail = _opened_by(token, mails.RESET_PASSWORD, mails.KNOWN_ADDRESS)
    user = User.get_by_id(mail.user_id)
    with database.atomic():
        if user.email_verified_at is None:
            take_over(user)
        _set_password(user, password)
    sessions.end_others(user.id)


def change_password(user: User, current: str | None, new: str, session_id: int, ip: str) -> None:
    """Sets it, and logs out everywhere but here. Raises Wrong or TooManyTries."""
    if user.password_hash is not None:
        slow_down.check(user.email, ip)
        if not passwords.fits(user, current or ""):
            slow_down.failed(user.email, ip)
            raise Wrong("current", "This is not your password.")
    _set_password(user, new)
    sessions.end_others(user.id, session_id)


def take_over(user: User) -> None:
    """For an account that nobody had confirmed, once somebody proves that its address is theirs.

    Whoever made it may have been another, and must not share it: their way in goes.
    """
    User.update(email_verified_at=now(), password_hash=None, totp_secret=None, totp_confirmed_at=None).where(
        User.id == user.id, User.email_verified_at.is_null()
    ).execute()
    RecoveryCode.delete().where(RecoveryCode.user == user).execute()
    sessions.end_others(user.id)


def create_verified(email: str, name: str, password: str | None = None) -> User:
    """Somebody whose address is known to be theirs. Raises IntegrityError where there is one with it."""
    password_hash = None if password is None else passwords.hashed(password)
    made: User = User.create(email=email, name=name, password_hash=password_hash, email_verified_at=now())
    return made


def _set_password(user: User, password: str) -> None:
    User.update(password_hash=passwords.hashed(password)).where(User.id == user.id).execute()
    mails.write(mails.PASSWORD_CHANGED, user.email, user)


def _opened_by(token: str, *kinds: str) -> AccountMail:
    mail = mails.opened_by(token, *kinds)
    if mail is None or not mails.use(mail):
        raise Wrong("token", WRONG_LINK)
    return mail
