"""GET /v1/usage, plans, and what is answered at each limit."""

import io
from uuid import uuid4

import pytest

from sidecars.accounts import invitations
from sidecars.audiences import importing
from sidecars.broadcasts import spending
from sidecars.models import Audience, Contact, ContactImport, Plan, Team
from sidecars.settings import settings
from sidecars.usage import allowance, plans
from tests.people import Person


@pytest.fixture
def ada(app):
    """An operator."""

    def call(method, path, **options):
        headers = {"Authorization": f"Bearer {settings.operator_token.get_secret_value()}"}
        return getattr(app.test_client(), method)(f"/operator{path}", headers=headers, **options)

    return call


@pytest.fixture
def limited(acme):
    """`limited(credits=5)` gives Acme such a plan."""

    def _limited(**limits):
        made = Plan.create(name=f"plan {uuid4()}", **limits)
        Team.update(plan=made).where(Team.id == acme.team.id).execute()
        plans._kept.clear()
        allowance._known_out.clear()

    yield _limited
    plans._kept.clear()
    allowance._known_out.clear()


@pytest.fixture
def mail(goods, acme):
    spending.put_right(acme.team.id)  # the goods were put into the ledger by hand
    sender = f"Acme <orders@{goods.domain.name}>"
    return lambda **fields: {"from": sender, "to": "ada@b.example", "subject": "x", "text": "x"} | fields


def credits_of(caller):
    shown = caller.get("/v1/usage").json["credits"]
    assert spending.differences(caller.team.id) == {}
    return shown["reserved"], shown["used"], shown["left"]


def test_nothing_is_limited_out_of_the_box_and_all_is_counted(acme, mail):
    before = acme.get("/v1/usage").json
    assert before["plan"] is None
    assert (before["credits"]["limit"], before["credits"]["left"]) == (None, None)
    assert {each["name"]: each["limit"] for each in before["limits"]} == dict.fromkeys(
        ("contacts", "domains", "members", "api_keys")
    )
    assert all(each["used"] >= 1 for each in before["limits"] if each["name"] != "members")
    sent = acme.post("/v1/emails", json=mail(to=["a@b.example", "c@b.example"], stream="broadcast"))
    assert acme.post("/v1/emails", json=mail()).status_code == 202
    after = acme.get("/v1/usage").json["credits"]
    assert after["reserved"] - before["credits"]["reserved"] == 3
    assert [
        new["reserved"] - old["reserved"]
        for old, new in zip(before["credits"]["streams"], after["streams"], strict=True)
    ] == [2, 1]
    assert acme.post(f"/v1/emails/{sent.json['id']}/cancel").status_code == 200
    assert credits_of(acme)[0] == before["credits"]["reserved"] + 1


def test_mail_beyond_the_credits_is_refused_with_the_figures_and_counts_nothing(acme, mail, limited):
    used = sum(credits_of(acme)[:2])
    limited(credits=used + 3)
    key = {"Idempotency-Key": str(uuid4())}
    two = mail(to=["a@b.example", "c@b.example"])
    first = acme.post("/v1/emails", json=two, headers=key)
    assert (first.status_code, credits_of(acme)[2]) == (202, 1)
    for _ in range(2):  # asked for at the database, then known
        over = acme.post("/v1/emails", json=two, headers={"Idempotency-Key": "another"})
        assert (over.status_code, over.json["type"]) == (402, "out_of_credits")
        assert f"takes 2 credits, and 1 of the {used + 3}" in over.json["message"]
    assert acme.post("/v1/emails/batch", json={"emails": [mail(), mail()]}).status_code == 402
    again = acme.post("/v1/emails", json=two, headers=key)
    assert (again.status_code, again.json) == (202, first.json)
    assert acme.post("/v1/emails", json=mail()).status_code == 202
    assert credits_of(acme)[2] == 0
    allowance._known_out.clear()
    again = acme.post("/v1/emails", json=two, headers=key)
    assert (again.status_code, again.json) == (202, first.json)
    limited(credits=used + 5)
    # What was refused has not used its key up.
    assert acme.post("/v1/emails", json=two, headers={"Idempotency-Key": "another"}).status_code == 202


def test_plans_are_made_given_and_kept_while_teams_have_them(ada, acme):
    name = f"small {uuid4()}"
    made = ada("post", "/plans", json={"name": name, "credits": 10, "contacts": 5})
    assert (made.status_code, made.json["members"]) == (201, None)
    assert ada("post", "/plans", json={"name": name}).status_code == 409
    number = made.json["id"]
    given = ada("put", f"/teams/{acme.team.id}", json={"recipients_an_hour": None, "plan_id": number})
    assert given.json["plan_id"] == number
    kept = ada("put", f"/teams/{acme.team.id}", json={"recipients_an_hour": 7})
    assert (kept.json["plan_id"], kept.json["recipients_an_hour"]) == (number, 7)
    shown = acme.get("/v1/usage").json
    assert (shown["plan"], shown["credits"]["limit"]) == (name, 10)
    assert ada("put", f"/plans/{number}", json={"name": name, "credits": 20}).json["credits"] == 20
    limits = {each["name"]: each["limit"] for each in acme.get("/v1/usage").json["limits"]}
    assert limits["contacts"] is None
    assert ada("delete", f"/plans/{number}").status_code == 409
    wrong = ada("put", f"/teams/{acme.team.id}", json={"recipients_an_hour": 7, "plan_id": 4000000000})
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "plan_id")
    assert ada("put", f"/teams/{acme.team.id}", json={"recipients_an_hour": None, "plan_id": None})
    assert ada("delete", f"/plans/{number}").status_code == 204
    assert ada("put", f"/plans/{number}", json={"name": name}).status_code == 404
    assert number not in [plan["id"] for plan in ada("get", "/plans?limit=500").json["data"]]


def test_the_default_plan_is_that_of_teams_without_one(acme, monkeypatch):
    made = Plan.create(name=f"free {uuid4()}", credits=1)
    monkeypatch.setattr(plans, "settings", settings.model_copy(update={"default_plan": made.name}))
    assert acme.get("/v1/usage").json["plan"] == made.name


def test_domains_keys_and_members_end_at_their_limit(app, acme, limited, monkeypatch):
    admin = Person(app, acme.team)
    limits = {each["name"]: each["used"] for each in acme.get("/v1/usage").json["limits"]}
    limited(**{name: used + 1 for name, used in limits.items() if name != "contacts"})

    def twice(caller, path, body, limit):
        answers = [caller.post(path, json=body()) for _ in range(2)]
        assert [each.status_code for each in answers] == [201, 422], (path, answers[0].json)
        assert answers[1].json["errors"][0]["field"] == limit
        assert f"allows the team {limits[limit] + 1} {limit.replace('_', ' ')}" in answers[1].json["message"]
        return answers[0].json["id"]

    twice(acme, "/v1/domains", lambda: {"name": f"{uuid4().hex}.example"}, "domains")
    key = twice(acme, "/v1/keys", lambda: {"name": "one more"}, "api_keys")
    assert acme.delete(f"/v1/keys/{key}").status_code == 204
    assert acme.post("/v1/keys", json={"name": "instead"}).status_code == 201
    mailed = settings.model_copy(update={"notices_from": "us@b.example", "sign_up": "open"})
    monkeypatch.setattr(invitations, "settings", mailed)
    twice(
        admin,
        "/v1/team/invitations",
        lambda: {"email": f"{uuid4().hex}@b.example", "role": "GUEST"},
        "members",
    )


def test_contacts_end_at_their_limit_however_they_come(acme, limited):
    audience = Audience.create(team=acme.team.id, name=f"Limited {uuid4()}")
    used = next(each["used"] for each in acme.get("/v1/usage").json["limits"] if each["name"] == "contacts")
    limited(contacts=used + 4)
    path = f"/v1/audiences/aud_{audience.id}/contacts"
    assert acme.post(path, json={"email": "a@b.example"}).status_code == 201
    batch = {"contacts": [{"email": f"{name}@b.example"} for name in "cab"]}
    assert [line["outcome"] for line in acme.post(f"{path}/batch", json=batch).json["data"]] == [
        "created",
        "updated",
        "created",
    ]
    file = io.BytesIO(b"email\na@b.example\nd@b.example\ne@b.example\nd@b.example\ne@b.example\n")
    seen = importing.preview(file, audience.id)
    assert (seen.created, seen.updated, seen.invalid) == (1, 1, 2)
    file.seek(0)
    job = importing.create(Audience.get_by_id(audience.id), "people.csv", file)
    importing.run(job.id)
    job = ContactImport.get_by_id(job.id)
    assert (job.rows_created, job.rows_updated, job.rows_invalid, job.rows_duplicate) == (1, 1, 2, 1)
    assert [each["line"] for each in job.errors] == [4, 6]
    assert f"allows the team {used + 4} contacts" in job.errors[0]["message"]
    assert Contact.select().where(Contact.audience == audience).count() == 4
    over = acme.post(path, json={"email": "f@b.example"})
    assert (over.status_code, over.json["errors"][0]["field"]) == (422, "contacts")
    assert acme.post(path, json={"email": "a@b.example", "first_name": "Ada"}).status_code == 200
    (line,) = acme.post(f"{path}/batch", json={"contacts": [{"email": "f@b.example"}]}).json["data"]
    assert (line["outcome"], line["errors"][0]["field"]) == ("refused", "contacts")
