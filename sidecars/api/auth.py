"""Who asks, and whether they may: a program by its team's API key, or a person by their session.

Nothing below /v1/ is answered before this has found an actor and held the permission that the address takes
(`resource.permission_of`) against what the actor may (`accounts.permissions`). No view asks again.
"""

import re
from dataclasses import dataclass
from typing import cast

from flask import Flask, Response, current_app, g, jsonify, request

from sidecars.accounts import keys, sessions
from sidecars.accounts.permissions import ANYONE, FOR_KEYS, PERSON, SIGNED_IN, WHO_MAY, of_role
from sidecars.accounts.scopes import Scope
from sidecars.api.errors import Message, Refused, invalid, not_found
from sidecars.api.limits import count_stranger
from sidecars.api.resource import permission_of
from sidecars.models import Membership, Session, User

LIMITED = "This API key may only submit mail by SMTP. Use a key without limits here."
HOW = "Send your API key in the header Authorization: Bearer kb_…"
LOG_IN = "Log in (POST /v1/auth/log-in), and send what it answers: Authorization: Bearer kbs_…"
TEAM = "X-Kiba-Team"
# A page of another site cannot send it along with the cookie: its browser would ask us first.
CSRF = "X-Kiba-CSRF"
COOKIE = "__Host-kiba_session"
_SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Actor:
    """A program or a person, with all that they may do in the team. A person may be in no team."""

    permissions: frozenset[str] = frozenset()
    team_id: int | None = None
    key_id: int | None = None
    user: User | None = None
    session: Session | None = None
    role: str | None = None


def register(app: Flask) -> None:
    """Lets nothing below /v1/ be asked by who may not."""
    app.before_request(_admit)


def actor() -> Actor:
    """Who asks."""
    found: Actor = g.actor
    return found


def team_id() -> int:
    """The team of the request's key or person."""
    return int(g.team_id)


def person() -> User:
    """The person who asks, behind an address that takes `PERSON`."""
    return cast(User, actor().user)


def session() -> Session:
    """By which this person asks."""
    return cast(Session, actor().session)


def fresh_person() -> User:
    """The same where they logged in just now; 403 otherwise."""
    if not sessions.is_fresh(session()):
        minutes = int(sessions.FRESH.total_seconds() / 60)
        raise _forbidden(f"This wants a login of the last {minutes} minutes. Log in again.")
    return person()


def refusal(message: str) -> Response:
    """401, with what to send; 429 for an address that was told so too often."""
    count_stranger()
    response = jsonify(message=message)
    response.status_code = 401
    response.headers["WWW-Authenticate"] = 'Bearer realm="kibamail"'  # RFC 6750 section 3
    return response


def _admit() -> Response | None:
    if not request.path.startswith("/v1/"):
        return None
    permission = _permission()
    if permission == ANYONE:
        g.actor = Actor()
        return None
    secret, by_cookie = _credential()
    if not secret:
        return refusal(LOG_IN if permission == PERSON else HOW)
    if secret.startswith(sessions.PREFIX):
        return _admit_person(secret, permission, by_cookie)
    return _admit_program(secret, permission)


def _permission() -> str:
    """What the address takes; where there is nothing at it, whoever is known is told so."""
    if request.endpoint is None or "." not in request.endpoint:
        return SIGNED_IN
    return permission_of(current_app, request.endpoint, request.method)


def _credential() -> tuple[str, bool]:
    """(an API key or a session's token, whether it came as a cookie)."""
    if "Authorization" not in request.headers:
        return request.cookies.get(COOKIE, ""), True
    scheme, _, secret = request.headers["Authorization"].partition(" ")
    return (secret.strip() if scheme.lower() == "bearer" else ""), False


def _admit_program(secret: str, permission: str) -> Response | None:
    key = keys.check(secret)
    if key is None:
        return refusal(f"This API key is not known, was revoked or has expired. {HOW}")
    scope = Scope.of(key.scopes)
    if scope.send_only:
        raise _forbidden(LIMITED)
    _admitted(Actor(scope.allowed(), key.team_id, key_id=key.id))
    if permission == PERSON or (permission in WHO_MAY and permission not in FOR_KEYS):
        raise _forbidden(f"No API key may do this, only a person. {LOG_IN}")
    if permission != SIGNED_IN and permission not in actor().permissions:
        raise _forbidden(f"This API key lacks the permission {permission}. Make one that has it.")
    return None


def _admit_person(secret: str, permission: str, by_cookie: bool) -> Response | None:
    found = sessions.check(secret)
    if found is None:
        return refusal(f"This session is over. {LOG_IN}")
    if by_cookie and request.method not in _SAFE and CSRF not in request.headers:
        raise _forbidden(f"Send the header {CSRF}: 1 beside the cookie, so that no other site can ask.")
    in_team = _membership(found.user_id, must_be=permission not in (PERSON, SIGNED_IN))
    if in_team is None:
        _admitted(Actor(user=found.user, session=found))
        return None
    _admitted(Actor(of_role(in_team.role), in_team.team_id, None, found.user, found, in_team.role))
    if permission not in (PERSON, SIGNED_IN) and permission not in actor().permissions:
        able = ", ".join(sorted(WHO_MAY[permission]))
        raise _forbidden(f"The role {in_team.role} lacks the permission {permission}, which {able} have.")
    return None


def _admitted(who: Actor) -> None:
    g.actor = who
    g.team_id = who.team_id
    g.api_key_id = who.key_id


def _membership(user_id: int, must_be: bool) -> Membership | None:
    """The person's place in the team that they name, or in the only one that they have."""
    mine = Membership.select().where(Membership.user == user_id)
    named = request.headers.get(TEAM)
    if named is not None:
        sane = re.fullmatch(r"team_([0-9]{1,9})", named)
        found: Membership | None = mine.where(Membership.team == int(sane[1])).first() if sane else None
        if found is None:
            raise not_found(f"team of yours; look at {TEAM}")
        return found
    rows = list(mine.limit(2))
    if len(rows) == 1:
        return rows[0]
    if not must_be:
        return None
    if not rows:
        raise _forbidden("You are in no team. Make one: POST /v1/teams.")
    message = "You are in several teams. Say which: team_12, as GET /v1/teams lists them."
    raise invalid(TEAM, message)


def _forbidden(message: str) -> Refused:
    return Refused(403, Message(message=message))
