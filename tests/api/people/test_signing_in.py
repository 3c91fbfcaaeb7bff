"""/v1/auth and /v1/sessions: accounts made, confirmed, logged in to, got back."""

from datetime import timedelta

import pyotp
import pytest

from sidecars.accounts import passwords, people, slow_down
from sidecars.accounts.errors import TooManyTries
from sidecars.models import AccountMail, MailedToken, RecoveryCode, Session, User, now
from tests.api.people.conftest import PASSWORD
from tests.people import Person

ANOTHER = "another horse, another battery"


def bearer(answer):
    return {"headers": {"Authorization": f"Bearer {answer.json['token']}"}}


def person_with_password(app, team=None):
    person = Person(app, team)
    User.update(password_hash=passwords.hashed(PASSWORD)).where(User.id == person.user.id).execute()
    return person


def signed_up(nobody, address, password=PASSWORD):
    body = {"email": address, "name": "Ada", "password": password, "team_name": "Engines"}
    return nobody.post("/v1/auth/sign-up", json=body)


def test_a_new_person_confirms_the_address_and_has_a_team(nobody, mailed, new_address, logged_in, fields):
    address = new_address()
    assert signed_up(nobody, address.upper()).status_code == 202
    assert logged_in(address, "wrong").status_code == 401
    unconfirmed = logged_in(address)
    assert (unconfirmed.status_code, unconfirmed.json["state"]) == (409, "unconfirmed")

    mail = mailed(address, "confirm_address")
    assert f'POST /v1/auth/confirm-address {{"token": "{mail.token}"}}' in mail.text
    confirm = {"json": {"token": mail.token}}
    assert fields(nobody.post("/v1/auth/confirm-address", json={"token": "kbt_x"})) == ["token"]
    assert nobody.post("/v1/auth/confirm-address", **confirm).status_code == 204
    assert fields(nobody.post("/v1/auth/confirm-address", **confirm)) == ["token"]

    login = logged_in(address)
    assert login.status_code == 201
    me = nobody.get("/v1/me", **bearer(login)).json
    assert (me["person"]["email"], me["team"]["name"], me["role"]) == (address, "Engines", "ADMINISTRATOR")
    assert AccountMail.select().where(AccountMail.address == address).count() == 1


def test_who_has_an_account_is_told_by_mail_and_nobody_else(nobody, mailed, new_address, logged_in):
    address = new_address()
    first = signed_up(nobody, address)
    again = signed_up(nobody, address, ANOTHER)
    assert (first.status_code, first.json) == (again.status_code, again.json)
    assert User.select().where(User.email == address).count() == 1
    mail = mailed(address, "known_address")
    # Whoever reads the mail gets the account; the one who made it first has no way in any more.
    reset = {"token": mail.token, "password": "a third horse, a third"}
    assert nobody.post("/v1/auth/reset-password", json=reset).status_code == 204
    assert logged_in(address).status_code == 401
    assert logged_in(address, reset["password"]).status_code == 201


def test_a_lost_password_is_set_anew_by_mail_and_everybody_logged_out(
    app, nobody, mailed, new_address, logged_in, fields
):
    person = person_with_password(app)
    address = new_address()
    User.update(email=address).where(User.id == person.user.id).execute()
    answers = [
        nobody.post("/v1/auth/forgot-password", json={"email": each}) for each in (address, new_address())
    ]
    assert {(answer.status_code, answer.json["message"]) for answer in answers} == {
        (202, "If this address is right, a mail is on its way to it.")
    }
    token = mailed(address, "reset_password").token
    unmailed = AccountMail.select().where(AccountMail.user.is_null()).order_by(AccountMail.id.desc()).get()
    assert unmailed.reason == "Nobody has this address"
    assert fields(nobody.post("/v1/auth/reset-password", json={"token": token, "password": "short"})) == [
        "password"
    ]

    MailedToken.update(expires_at=now()).execute()
    reset = {"json": {"token": token, "password": ANOTHER}}
    assert fields(nobody.post("/v1/auth/reset-password", **reset)) == ["token"]
    MailedToken.update(expires_at=now() + timedelta(hours=1)).execute()
    assert nobody.post("/v1/auth/reset-password", **reset).status_code == 204
    assert fields(nobody.post("/v1/auth/reset-password", **reset)) == ["token"]
    assert person.get("/v1/me").status_code == 401
    assert logged_in(address).status_code == 401
    assert logged_in(address, ANOTHER).status_code == 201
    assert "was changed just now" in mailed(address, "password_changed").text


def test_sign_up_is_closed_where_the_operator_says_so(nobody, configured, new_address):
    for setting in ("closed", "invitation"):
        configured(sign_up=setting)
        refused = signed_up(nobody, new_address())
        assert (refused.status_code, refused.json["state"]) == (409, "closed")
        assert nobody.get("/v1/auth").json["sign_up"] == setting
    configured(sign_up="open", notices_from="")
    assert signed_up(nobody, new_address()).json["state"] == "unmailed"


def test_who_guesses_waits_and_keeps_nobody_out_who_was_there_before(app, logged_in):
    person = person_with_password(app)
    address = person.user.email
    assert logged_in(address, ip="2001:db8::1").status_code == 201
    for _ in range(slow_down.FREE_OF_PERSON):
        assert logged_in(address, "wrong", ip="198.51.100.1").status_code == 401
    waiting = logged_in(address, ip="198.51.100.2")
    assert waiting.status_code == 429
    assert int(waiting.headers["Retry-After"]) >= 1
    assert logged_in(address, ip="2001:db8::2").status_code == 201


def test_a_network_that_tries_many_people_waits(stack):
    for number in range(slow_down.FREE_OF_NETWORK):
        slow_down.failed(f"person{number}@mail.example", "2001:db8:7::1")
    with pytest.raises(TooManyTries):
        slow_down.check("somebody@mail.example", "2001:db8:7::2")
    slow_down.check("somebody@mail.example", "2001:db8:8::1")


def test_an_unknown_address_costs_as_much_as_a_known_one(app, monkeypatch, logged_in):
    asked = []
    hasher = passwords._HASHER
    monkeypatch.setattr(
        passwords, "_HASHER", type("Counting", (), {"verify": lambda _, *given: asked.append(given)})()
    )
    monkeypatch.setattr(passwords, "_nobodys", lambda: hasher.hash("x"))
    assert not passwords.fits(None, PASSWORD)
    assert not passwords.fits(Person(app).user, PASSWORD)
    assert len(asked) == 2


def test_a_password_kept_by_older_parameters_is_kept_by_todays_after_a_login(app, logged_in):
    person = Person(app)
    weak = type(passwords._HASHER)(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    User.update(password_hash=weak).where(User.id == person.user.id).execute()
    assert logged_in(person.user.email).status_code == 201
    kept = User.get_by_id(person.user.id).password_hash
    assert kept != weak
    assert not passwords._HASHER.check_needs_rehash(kept)


def test_sessions_are_listed_and_ended_one_by_one_or_all_others(app, nobody, logged_in):
    person = person_with_password(app)
    second, third = (logged_in(person.user.email, ip=f"192.0.2.{n}") for n in (2, 3))
    listed = person.get("/v1/sessions").json["data"]
    assert [(each["ip"], each["is_current"]) for each in listed] == [
        ("192.0.2.7", True),
        ("192.0.2.2", False),
        ("192.0.2.3", False),
    ]
    assert listed[1]["user_agent"].startswith("Werkzeug")
    assert second.json["token"] not in str(listed)
    assert person.delete(f"/v1/sessions/{listed[1]['id']}").status_code == 204
    assert nobody.get("/v1/me", **bearer(second)).status_code == 401
    assert Person(app).delete(f"/v1/sessions/{listed[2]['id']}").status_code == 404
    assert person.delete("/v1/sessions").status_code == 204
    assert nobody.get("/v1/me", **bearer(third)).status_code == 401
    assert person.post("/v1/auth/log-out").status_code == 204
    assert person.get("/v1/me").status_code == 401


def test_a_login_by_cookie_shows_its_secret_to_no_script(app, logged_in):
    person = person_with_password(app)
    login = logged_in(person.user.email, cookie=True)
    assert login.json["token"] is None
    cookie = login.headers["Set-Cookie"]
    assert cookie.startswith("__Host-kiba_session=kbs_")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))


def test_a_password_is_changed_by_who_knows_it_and_others_are_logged_out(app, nobody, logged_in, fields):
    person = person_with_password(app)
    other = logged_in(person.user.email)
    change = {"current": "wrong", "password": ANOTHER}
    assert fields(person.put("/v1/me/password", json=change)) == ["current"]
    assert person.put("/v1/me/password", json=change | {"current": PASSWORD}).status_code == 204
    assert person.get("/v1/me").status_code == 200
    assert nobody.get("/v1/me", **bearer(other)).status_code == 401
    assert logged_in(person.user.email, ANOTHER).status_code == 201


def test_an_authenticators_code_is_wanted_and_counts_once(app, logged_in, fields):
    person = person_with_password(app)
    address = person.user.email
    made = person.post("/v1/me/totp").json
    assert "otpauth://totp/Kibamail:" in made["uri"]
    authenticator = pyotp.TOTP(made["secret"])
    assert logged_in(address).status_code == 201  # not before it is confirmed
    wrong = str((int(authenticator.now()) + 1) % 10**6).zfill(6)
    assert fields(person.post("/v1/me/totp/confirm", json={"code": wrong})) == ["code"]
    codes = person.post("/v1/me/totp/confirm", json={"code": authenticator.now()}).json["recovery_codes"]
    assert len(set(codes)) == 10
    assert made["secret"] not in User.get_by_id(person.user.id).totp_secret

    assert logged_in(address).json["state"] == "code_wanted"
    assert logged_in(address, "wrong").status_code == 401
    # As if the code that confirmed it were of 30 seconds ago.
    used = User.get_by_id(person.user.id).totp_last_step
    User.update(totp_last_step=used - 10).where(User.id == person.user.id).execute()
    code = authenticator.now()
    assert logged_in(address, code=code).status_code == 201
    assert logged_in(address, code=code).status_code == 401
    assert logged_in(address, code=codes[0].upper()).status_code == 201
    assert logged_in(address, code=codes[0]).status_code == 401

    new = person.post("/v1/me/recovery-codes").json["recovery_codes"]
    assert logged_in(address, code=codes[1]).status_code == 401
    assert logged_in(address, code=new[1]).status_code == 201
    assert person.post("/v1/me/totp").json["state"] == "confirmed"
    assert person.delete("/v1/me/totp").status_code == 204
    assert RecoveryCode.select().where(RecoveryCode.user == person.user).count() == 0
    assert logged_in(address).status_code == 201


def test_doors_are_changed_only_by_who_logged_in_just_now(ada):
    Session.update(created_at=now() - timedelta(hours=1)).where(Session.user == ada.user).execute()
    for method, path in (
        ("post", "/v1/me/totp"),
        ("delete", "/v1/me/totp"),
        ("post", "/v1/me/recovery-codes"),
    ):
        refused = getattr(ada, method)(path)
        assert refused.status_code == 403
        assert "Log in again" in refused.json["message"]
    assert ada.get("/v1/me").status_code == 200


def test_an_account_made_by_another_is_taken_over_whole(app, logged_in):
    thief = person_with_password(app)
    User.update(email_verified_at=None).where(User.id == thief.user.id).execute()
    people.take_over(User.get_by_id(thief.user.id))
    assert thief.get("/v1/me").status_code == 401
    assert logged_in(thief.user.email).status_code == 401
