"""/v1/audit: who changed what."""

from sidecars.models import AuditEntry
from tests.people import Person, new_team


def entries(caller, **query):
    found = caller.get("/v1/audit", query_string=query)
    assert found.status_code == 200, found.json
    return [(each["action"], each["object"]) for each in found.json["data"]]


def test_every_change_has_a_row_with_who_what_when_and_nothing_else_has(app, ada):
    made = ada.post(
        "/v1/audiences", json={"name": "Readers"}, headers={"X-Request-ID": "request-of-ada"}
    ).json
    contact = {"email": "reader@mail.example"}
    added = ada.post(f"/v1/audiences/{made['id']}/contacts", json=contact).json
    assert ada.patch(f"/v1/audiences/{made['id']}", json={"surprise": 1}).status_code == 422
    ada.get(f"/v1/audiences/{made['id']}")
    assert Person(app, ada.team, "GUEST").post("/v1/audiences", json={"name": "x"}).status_code == 403

    rows = ada.get("/v1/audit").json["data"]
    assert [row["action"] for row in rows] == ["add_contact", "create_audience"] or len(rows) == 2
    first = rows[-1]
    assert (first["object"], first["user_id"], first["key_id"]) == (made["id"], f"user_{ada.user.id}", None)
    assert (first["request_id"], first["ip"]) == ("request-of-ada", "127.0.0.1")
    assert first["at"].endswith("Z")
    assert contact["email"] not in str(rows)
    assert added["id"].startswith("con_")


def test_changes_are_found_by_who_kind_and_time(app, ada):
    key = ada.post("/v1/keys", json={"name": "shop"}).json
    as_key = {"headers": {"Authorization": f"Bearer {key['secret']}"}}
    app.test_client().post("/v1/audiences", json={"name": "By the key"}, **as_key)
    ada.delete(f"/v1/keys/{key['id']}")
    assert entries(ada, key_id=key["id"])[0][0] == "create_audience"
    assert entries(ada, user_id=f"user_{ada.user.id}") == [
        ("revoke_key", key["id"]),
        ("create_key", key["id"]),
    ]
    assert entries(ada, action="revoke_key") == [("revoke_key", key["id"])]
    assert entries(ada, since="2990-01-01T00:00:00Z") == []
    assert len(entries(ada, until="2990-01-01T00:00:00Z")) == 3
    page = ada.get("/v1/audit?limit=2").json
    assert entries(ada, cursor=page["next_cursor"]) == [("create_key", key["id"])]
    assert key["secret"] not in str(list(AuditEntry.select().dicts()))


def test_administrators_alone_read_their_own_teams(app, ada):
    ada.post("/v1/audiences", json={"name": "Readers"})
    assert entries(Person(app, new_team())) == []
    assert Person(app, ada.team, "MANAGER").get("/v1/audit").status_code == 403


def test_a_person_sees_their_own_changes_of_themselves(ada):
    ada.patch("/v1/me", json={"name": "Ada L."})
    ada.post("/v1/auth/log-out")
    ada.log_in()
    mine = [row["action"] for row in ada.get("/v1/me/audit").json["data"]]
    assert mine == ["log_out", "update_me"]
