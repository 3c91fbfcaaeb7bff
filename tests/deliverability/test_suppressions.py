"""Suppressions in MariaDB."""

from datetime import timedelta

import pytest

from sidecars.deliverability.suppressions import is_suppressed, lift, page, suppress
from sidecars.models import Suppression, Team, now


def test_an_address_is_suppressed_on_every_stream(team):
    suppress(team.id, "Ada@Mail.example", "hard_bounce")
    for stream in ("broadcast", "transactional"):
        assert is_suppressed(team.id, ["ada@mail.example", "bob@mail.example"], stream) == {
            "ada@mail.example": "hard_bounce"
        }


def test_answers_come_by_the_spelling_that_was_asked(team):
    suppress(team.id, "ada@mail.example", "complaint")
    assert is_suppressed(team.id, ["ADA@mail.example"], "broadcast") == {"ADA@mail.example": "complaint"}


def test_a_stream_of_its_own_leaves_the_other(team):
    suppress(team.id, "ada@mail.example", "unsubscribe", stream="broadcast")
    assert is_suppressed(team.id, ["ada@mail.example"], "broadcast")
    assert not is_suppressed(team.id, ["ada@mail.example"], "transactional")


def test_a_transactional_mail_passes_an_unsubscribe_and_nothing_else(team):
    reasons = ("unsubscribe", "hard_bounce", "complaint", "manual")
    for reason in reasons:
        suppress(team.id, f"{reason}@mail.example", reason)
    asked = [f"{reason}@mail.example" for reason in reasons]
    assert list(is_suppressed(team.id, asked, "broadcast").values()) == list(reasons)
    assert list(is_suppressed(team.id, asked, "transactional").values()) == list(reasons[1:])


def test_accents_tell_people_apart(team):
    suppress(team.id, "josé@mail.example", "complaint")
    assert not is_suppressed(team.id, ["jose@mail.example"], "broadcast")


def test_another_team_is_not_bound(team):
    suppress(team.id, "ada@mail.example", "complaint")
    assert not is_suppressed(Team.create(name="Other").id, ["ada@mail.example"], "broadcast")


def test_the_first_reason_stays(team):
    first = suppress(team.id, "ada@mail.example", "hard_bounce", detail="550", event_id="e1")
    again = suppress(team.id, "ada@mail.example", "complaint", detail="abuse", event_id="e2")
    assert (again.id, again.reason, again.detail, again.event_id) == (first.id, "hard_bounce", "550", "e1")


def test_a_lasting_reason_replaces_one_that_lapses(team):
    soon = now() + timedelta(days=1)
    suppress(team.id, "ada@mail.example", "hard_bounce", expires_at=soon)
    row = suppress(team.id, "ada@mail.example", "complaint")
    assert (row.reason, row.expires_at) == ("complaint", None)


def test_a_shorter_term_does_not_replace_a_longer(team):
    later = now() + timedelta(days=9)
    suppress(team.id, "ada@mail.example", "hard_bounce", expires_at=later)
    row = suppress(team.id, "ada@mail.example", "manual", expires_at=now() + timedelta(days=1))
    assert (row.reason, row.expires_at) == ("hard_bounce", later)


def test_a_lapsed_row_binds_nobody(team):
    suppress(team.id, "ada@mail.example", "hard_bounce", expires_at=now() - timedelta(seconds=1))
    assert not is_suppressed(team.id, ["ada@mail.example"], "broadcast")


def test_many_addresses_are_asked_at_once(team):
    suppress(team.id, "person2500@mail.example", "complaint")
    asked = [f"person{number}@mail.example" for number in range(3000)]
    assert is_suppressed(team.id, asked, "broadcast") == {"person2500@mail.example": "complaint"}
    assert is_suppressed(team.id, [], "broadcast") == {}


def test_lifting_is_for_the_own_team(team):
    row = suppress(team.id, "ada@mail.example", "manual")
    assert lift(team.id + 1, row.id, "asked again", "ada") is False
    assert lift(team.id, row.id, "asked again", "ada") is True
    assert lift(team.id, row.id, "asked again", "ada") is False
    assert not is_suppressed(team.id, ["ada@mail.example"], "broadcast")


def test_pages_go_on_where_the_last_one_ended(team):
    rows = [suppress(team.id, f"p{number}@mail.example", "manual") for number in range(5)]
    assert page(team.id, 0, 2) == rows[:2]
    assert page(team.id, rows[1].id, 10) == rows[2:]
    assert page(team.id, 0, 10, "P3@mail.example") == [rows[3]]


def test_an_unknown_reason_is_refused_by_the_database(team):
    with pytest.raises(Exception, match=r"CONSTRAINT|check"):
        suppress(team.id, "ada@mail.example", "boredom")
    assert not Suppression.select().where(Suppression.team == team.id).exists()
