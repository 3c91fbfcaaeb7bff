from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest

from sidecars.models import Contact, Content, Send, Team, now
from sidecars.models.database import connect

KATHMANDU = timezone(timedelta(hours=5, minutes=45))


def stored(database, column, table, row_id):
    return database.execute_sql(f"SELECT {column} FROM {table} WHERE id = %s", (row_id,)).fetchone()[0]


def test_a_moment_given_in_any_zone_is_kept_in_utc(database):
    moment = datetime(2026, 11, 24, 18, 0, 30, 125000, tzinfo=KATHMANDU)
    team = Team.create(name="Acme", created_at=moment)
    assert stored(database, "created_at", "teams", team.id) == datetime(2026, 11, 24, 12, 15, 30, 125000)
    read = Team.get_by_id(team.id).created_at
    assert read == moment
    assert read.tzinfo is UTC


def test_a_query_compares_moments_and_not_clock_faces(database):
    moment = datetime(2026, 11, 24, 12, 15, tzinfo=UTC)
    Team.create(name="Acme", created_at=moment)
    assert Team.select().where(Team.created_at == moment.astimezone(KATHMANDU)).count() == 1


def test_a_moment_without_a_zone_is_refused(database):
    with pytest.raises(ValueError, match="created_at"):
        Team.create(name="Acme", created_at=datetime(2026, 11, 24, 12, 15))


def test_now_survives_the_database_unchanged(database):
    moment = now()
    team = Team.create(name="Acme", created_at=moment)
    assert Team.get_by_id(team.id).created_at == moment


def test_the_session_runs_at_utc_and_refuses_what_does_not_fit(database):
    zone, mode = database.execute_sql("SELECT @@time_zone, @@sql_mode").fetchone()
    assert zone == "+00:00"
    assert "STRICT_ALL_TABLES" in mode


@pytest.mark.parametrize("text", ["Zoë 💌", "李小龍", "Ελένη", "محمد", "नेहा", "👩‍👩‍👧‍👦", "e\u0301"])
def test_text_of_every_script_comes_back_as_it_went(text, rows):
    contact = Contact.create(
        audience=rows.audience, email="a@people.example", first_name=text, properties={text: [text]}
    )
    content = Content.create(team=rows.team, kind="html", subject=text, body=text * 1000)
    read = Contact.get_by_id(contact.id)
    assert read.first_name == text
    assert read.properties == {text: [text]}
    assert Content.get_by_id(content.id).body == text * 1000


def test_a_message_id_comes_back_as_the_same_uuid(rows):
    message_id = uuid4()
    Send.insert(broadcast_id=1, contact_id=1, team_id=1, message_id=message_id, state=1).execute()
    assert Send.get(Send.message_id == message_id).message_id == message_id


@pytest.mark.parametrize("url", ["postgres://a@b/c", "mysql://a@b:3306", "mysql://a@b:3306/"])
def test_a_database_url_that_names_no_mysql_database_is_refused(url):
    with pytest.raises(ValueError, match="DATABASE_URL"):
        connect(url)


def test_a_password_may_hold_signs_that_a_url_escapes():
    assert connect("mysql://a%40b:p%2F%3A@db.example/kibamail").connect_params["password"] == "p/:"
