"""/v1/team/invitations, and how whoever got one answers."""

from typing import cast

from flask import Response
from pydantic import Field

from sidecars.accounts import invitations
from sidecars.accounts.permissions import ANYONE
from sidecars.api.auth import person, team_id
from sidecars.api.errors import not_found
from sidecars.api.ids import InvitationId, TeamId
from sidecars.api.people.members import READ, WRITE
from sidecars.api.people.my_teams import Role
from sidecars.api.people.shapes import Email, Name, Password, Token, concerns
from sidecars.api.people.signing_in import PASSWORD, TOKEN, ByToken
from sidecars.api.resource import needs, resource
from sidecars.api.shapes import Answer, Body, PageQuery, Path, Timestamp, answer, example, page
from sidecars.models import Invitation, User

api = resource("Invitations", "People asked by mail to join a team.", "team")


class InvitationPath(Path):
    """Which invitation."""

    invitation_id: InvitationId


class NewInvitation(Body):
    """Whom to ask."""

    model_config = example({"email": "grace@mail.example", "role": "MANAGER"})

    email: Email
    role: Role


class InvitationAnswer(Answer):
    """An invitation that can be accepted."""

    id: InvitationId
    email: str
    role: Role
    created_at: Timestamp
    expires_at: Timestamp


class InvitationPage(Answer):
    """Some of them."""

    data: list[InvitationAnswer]
    next_cursor: str | None


class Offer(Answer):
    """What an invitation offers to whoever has its mail."""

    team_id: TeamId
    team: str
    email: str
    role: Role
    expires_at: Timestamp
    has_account: bool = Field(description="false: accepting takes a name and a password.")


class Accepted(Body):
    """An invitation accepted."""

    model_config = example({"token": TOKEN, "name": "Grace Hopper", "password": PASSWORD})

    token: Token
    name: Name | None = Field(None, description="Of a new person.")
    password: Password | None = Field(None, description="Of a new person.")


@api.get("/team/invitations", responses={200: InvitationPage})
@needs(READ)
def list_invitations(query: PageQuery) -> Response:
    """List open invitations"""
    found = invitations.of(team_id(), query.cursor, query.limit + 1)
    shown = page(found, query.limit, lambda row: row.id, InvitationAnswer.model_validate)
    return answer(InvitationPage(**shown))


@api.post("/team/invitations", responses={201: InvitationAnswer})
@needs(WRITE)
def create_invitation(body: NewInvitation) -> Response:
    """Invite somebody by mail; it holds for seven days

    409: they are in the team, or invited already.
    """
    made = invitations.invite(team_id(), person(), body.email, body.role)
    return answer(InvitationAnswer.model_validate(made), 201)


@api.post("/team/invitations/<invitation_id>/resend", responses={200: InvitationAnswer})
@needs(WRITE)
def resend_invitation(path: InvitationPath) -> Response:
    """Mail an invitation again; its seven days begin anew

    Within a minute of the mail before there is no second one.
    """
    found = invitations.resend(team_id(), path.invitation_id)
    if found is None:
        raise not_found("open invitation")
    return answer(InvitationAnswer.model_validate(found))


@api.delete("/team/invitations/<invitation_id>", responses={204: None})
@needs(WRITE)
def revoke_invitation(path: InvitationPath) -> tuple[str, int]:
    """Revoke an invitation; its mail's link opens nothing any more"""
    if not invitations.revoke(team_id(), path.invitation_id):
        raise not_found("open invitation")
    return "", 204


@api.post("/auth/invitation", responses={200: Offer})
@needs(ANYONE)
def get_offer(body: ByToken) -> Response:
    """What an invitation offers"""
    return answer(_offer(invitations.opened_by(body.token)[1]))


@api.post("/auth/accept-invitation", responses={200: Offer})
@needs(ANYONE)
def accept_invitation(body: Accepted) -> Response:
    """Join a team

    A new person gets an account by it, and logs in next; for somebody who has one the token is enough.
    """
    found = invitations.accept(body.token, body.name, body.password)
    concerns(user=User.get(User.email == found.email).id, team=found.team_id)
    return answer(_offer(found))


def _offer(found: Invitation) -> Offer:
    user = User.get_or_none(User.email == found.email)
    return Offer(
        team_id=found.team_id,
        team=found.team.name,
        email=found.email,
        role=cast(Role, found.role),
        expires_at=found.expires_at,
        has_account=user is not None and user.email_verified_at is not None,
    )
