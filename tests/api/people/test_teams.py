"""Teams, who is in them, and who is invited."""

import threading
from contextlib import suppress
from datetime import timedelta

import pytest

from sidecars.accounts import teams
from sidecars.accounts.errors import NotPossible
from sidecars.edge.store import redis
from sidecars.models import Invitation, Membership, User, database, now
from sidecars.names import team_key
from tests.api.people.conftest import PASSWORD
from tests.people import Person, new_team


def member(person):
    return f"/v1/team/members/user_{person.user.id}"


def test_a_team_is_made_renamed_and_left(ada):
    first = ada.get("/v1/team").json
    made = ada.post("/v1/teams", json={"name": "Second"}).json
    listed = ada.get("/v1/teams").json["data"]
    assert [(team["name"], team["role"]) for team in listed] == [
        (first["name"], "ADMINISTRATOR"),
        ("Second", "ADMINISTRATOR"),
    ]
    in_second = {"headers": {"X-Kiba-Team": made["id"]}}
    assert ada.patch("/v1/team", json={"name": "Renamed"}, **in_second).json["name"] == "Renamed"
    assert redis.hget(team_key(int(made["id"].removeprefix("team_"))), "name") == "Renamed"
    last = ada.post(f"/v1/teams/{made['id']}/leave")
    assert (last.status_code, last.json["state"]) == (409, "last_administrator")


def test_roles_are_changed_and_people_removed_but_an_administrator_stays(app, ada):
    guest = Person(app, ada.team, "GUEST")
    stranger = Person(app, new_team())
    listed = ada.get("/v1/team/members?limit=1").json
    assert [each["role"] for each in listed["data"]] == ["ADMINISTRATOR"]
    rest = ada.get(f"/v1/team/members?cursor={listed['next_cursor']}").json["data"]
    assert [(each["email"], each["role"]) for each in rest] == [(guest.user.email, "GUEST")]

    for change in (ada.patch(member(ada), json={"role": "GUEST"}), ada.delete(member(ada))):
        assert (change.status_code, change.json["state"]) == (409, "last_administrator")
    assert guest.post("/v1/audiences", json={"name": "x"}).status_code == 403
    assert ada.patch(member(guest), json={"role": "MANAGER"}).json["role"] == "MANAGER"
    assert guest.post("/v1/audiences", json={"name": "x"}).status_code == 201
    for answer in (ada.patch(member(stranger), json={"role": "GUEST"}), ada.delete(member(stranger))):
        assert answer.status_code == 404
    assert ada.delete(member(guest)).status_code == 204
    assert "in no team" in guest.get("/v1/audiences").json["message"]
    second = Person(app, ada.team, "AUTHOR")
    assert second.post(f"/v1/teams/team_{ada.team.id}/leave").status_code == 204
    assert second.post(f"/v1/teams/team_{ada.team.id}/leave").status_code == 404


def test_of_two_administrators_who_remove_each_other_one_stays(app):
    team = new_team()
    pair = [Person(app, team), Person(app, team)]
    start = threading.Barrier(2)

    def remove(person):
        with database.connection_context():
            start.wait()
            with suppress(NotPossible):
                teams.remove(team.id, person.user.id)

    threads = [threading.Thread(target=remove, args=(person,)) for person in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Membership.select().where(Membership.team == team).count() == 1


@pytest.fixture
def invited(ada, new_address, mailed):
    """(address, mail) of somebody whom Ada invites."""

    def _invited(role="AUTHOR", address=None):
        whom = address or new_address()
        made = ada.post("/v1/team/invitations", json={"email": whom, "role": role})
        assert made.status_code == 201, made.json
        return whom, mailed(whom, "invitation")

    return _invited


def test_a_new_person_accepts_an_invitation_and_is_in_the_team(ada, nobody, invited, logged_in, fields):
    address, mail = invited()
    assert f"{ada.user.name} invites you to {ada.team.name}" in mail.text or "to join Acme" in mail.text
    token = {"token": mail.token}
    offer = nobody.post("/v1/auth/invitation", json=token).json
    assert (offer["team"], offer["email"], offer["role"]) == ("Acme", address, "AUTHOR")
    assert offer["has_account"] is False
    assert fields(nobody.post("/v1/auth/accept-invitation", json=token)) == ["name"]
    new = token | {"name": "Grace", "password": PASSWORD}
    assert nobody.post("/v1/auth/accept-invitation", json=new).status_code == 200
    assert fields(nobody.post("/v1/auth/accept-invitation", json=new)) == ["token"]
    login = logged_in(address)
    me = nobody.get("/v1/me", headers={"Authorization": f"Bearer {login.json['token']}"}).json
    assert (me["team"]["id"], me["role"]) == (f"team_{ada.team.id}", "AUTHOR")
    assert ada.get("/v1/team/invitations").json["data"] == []


def test_somebody_with_an_account_accepts_by_the_token_alone_and_keeps_their_role(app, nobody, invited, ada):
    grace = Person(app, new_team("Others"))
    _, mail = invited("MANAGER", grace.user.email)
    assert nobody.post("/v1/auth/accept-invitation", json={"token": mail.token}).status_code == 200
    assert {team["role"] for team in grace.get("/v1/teams").json["data"]} == {"ADMINISTRATOR", "MANAGER"}
    again = ada.post("/v1/team/invitations", json={"email": grace.user.email, "role": "GUEST"})
    assert (again.status_code, again.json["state"]) == (409, "member")


def test_an_invitation_is_revoked_sent_again_and_expires(app, ada, nobody, invited, fields, mailed):
    address, mail = invited()
    (listed,) = ada.get("/v1/team/invitations").json["data"]
    again = ada.post("/v1/team/invitations", json={"email": address, "role": "GUEST"})
    assert (again.status_code, again.json["state"]) == (409, "invited")
    place = f"/v1/team/invitations/{listed['id']}"
    for method, path in (("delete", place), ("post", f"{place}/resend")):
        assert getattr(Person(app, new_team()), method)(path).status_code == 404

    Invitation.update(expires_at=now()).where(Invitation.team == ada.team).execute()
    accept = {"json": {"token": mail.token, "name": "x", "password": PASSWORD}}
    assert fields(nobody.post("/v1/auth/accept-invitation", **accept)) == ["token"]
    assert ada.post(f"{place}/resend").status_code == 200
    assert Invitation.get(Invitation.team == ada.team).expires_at > now() + timedelta(days=6)
    assert ada.delete(place).status_code == 204
    assert ada.delete(place).status_code == 404
    assert fields(nobody.post("/v1/auth/invitation", json={"token": mail.token})) == ["token"]
    assert User.get_or_none(User.email == address) is None


def test_no_key_invites_anybody(acme):
    refused = acme.post("/v1/team/invitations", json={"email": "a@b.example", "role": "ADMINISTRATOR"})
    assert refused.status_code == 403
    assert "only a person" in refused.json["message"]
