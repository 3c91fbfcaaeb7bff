"""/v1/suppressions."""

import io

import pytest


def test_an_address_is_suppressed_found_and_let_go(acme, goods):
    made = acme.post("/v1/suppressions", json={"email": "Someone@Mail.example", "detail": "asked by phone"})
    assert made.status_code == 201
    assert made.json["email"] == "someone@mail.example"
    assert (made.json["reason"], made.json["stream"], made.json["expires_at"]) == ("manual", "all", None)
    found = acme.get("/v1/suppressions", query_string={"email": "SOMEONE@mail.example"}).json["data"]
    assert found == [made.json]
    assert len(acme.get("/v1/suppressions").json["data"]) == 2
    place = f"/v1/suppressions/{made.json['id']}"
    assert acme.delete(place).status_code == 422
    assert acme.delete(place, query_string={"because": "asked again"}).status_code == 204
    assert acme.delete(place, query_string={"because": "asked again"}).status_code == 404
    (removal,) = acme.get("/v1/suppressions/removals").json["data"]
    assert (removal["email"], removal["because"]) == ("someone@mail.example", "asked again")
    assert removal["removed_by"].startswith("API key ")


def test_they_are_searched_by_text_and_reason(acme, goods):
    left = acme.post("/v1/suppressions", json={"email": "left_us@mail.example", "reason": "unsubscribe"}).json
    assert (left["reason"], left["stream"]) == ("unsubscribe", "broadcast")
    for query in ({"containing": "LEFT_"}, {"reason": "unsubscribe"}):
        assert acme.get("/v1/suppressions", query_string=query).json["data"] == [left]


def test_a_file_goes_in_and_comes_out(acme, other):
    told = upload(
        acme,
        "Email,Reason,Detail,Note\nAda@mail.example,complaint,=1+1,x\nnobody,,,\n"
        "bob@mail.example,unsubscribe,,\ncy@mail.example,boredom,,\n",
    ).json
    assert (told["rows"], told["invalid"]) == (4, 2)
    assert [(error["line"], error["field"]) for error in told["errors"]] == [(3, "email"), (5, "reason")]
    out = acme.get("/v1/suppressions/export").get_data(as_text=True)
    assert "ada@mail.example,all,complaint,'=1+1,,," in out
    assert "bob@mail.example,broadcast,unsubscribe,,,," in out
    assert upload(other, out).json["invalid"] == 0
    assert len(other.get("/v1/suppressions").json["data"]) == len(out.splitlines()) - 1


def test_a_file_without_addresses_is_refused(acme, fields):
    assert fields(upload(acme, "name\nAda\n")) == ["file"]


def upload(caller, text):
    return caller.post(
        "/v1/suppressions/imports", data={"file": (io.BytesIO(text.encode()), "suppressions.csv")}
    )


def test_suppressing_again_keeps_the_first_reason(acme, goods):
    again = acme.post("/v1/suppressions", json={"email": goods.suppression.email})
    assert again.json["id"] == goods.ids.suppression
    assert (again.json["reason"], again.json["detail"]) == ("hard_bounce", "550 unknown")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a@b.example", "stream": "some"}, "stream"),
        ({"email": "a@b.example", "reason": "complaint"}, "reason"),
        ({"email": "a@b.example", "detail": "x" * 1001}, "detail"),
    ],
)
def test_what_is_wrong_is_told(acme, fields, body, field):
    assert fields(acme.post("/v1/suppressions", json=body)) == [field]


def test_teams_see_their_own(acme, other, goods):
    assert other.get("/v1/suppressions").json == {"data": [], "next_cursor": None}
