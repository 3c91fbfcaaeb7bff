"""Soft bounces in MariaDB, and what they come to."""

from datetime import timedelta

from sidecars.deliverability.soft_bounces import count_soft_bounce
from sidecars.deliverability.suppressions import is_suppressed, suppress
from sidecars.models import SoftBounce, Suppression, now
from sidecars.settings import settings

ADA = "ada@mail.example"
NEEDED = settings.suppress_after_soft_bounces
WINDOW = timedelta(days=settings.soft_bounce_days)


def bounce(team, number, at, reason="soft_bounce"):
    count_soft_bounce(team.id, "Ada@Mail.example", reason, "452 later", f"event-{number}", at)


def test_enough_bounces_within_the_window_suppress_for_a_while(team):
    at = now()
    for number in range(NEEDED - 1):
        bounce(team, number, at)
    assert not is_suppressed(team.id, [ADA], "broadcast")
    bounce(team, NEEDED, at)
    assert is_suppressed(team.id, [ADA], "transactional") == {ADA: "soft_bounce"}
    row = Suppression.get(Suppression.team == team.id)
    assert row.expires_at == at + timedelta(days=settings.soft_suppression_days)
    assert (row.detail, row.event_id) == ("452 later", f"event-{NEEDED}")


def test_an_event_told_twice_counts_once(team):
    for _ in range(NEEDED):
        bounce(team, 1, now())
    assert not is_suppressed(team.id, [ADA], "broadcast")


def test_a_bounce_before_the_window_counts_no_more_and_is_cleared_away(team):
    for number in range(NEEDED - 1):
        bounce(team, number, now() - WINDOW)
    bounce(team, NEEDED, now())
    assert not is_suppressed(team.id, [ADA], "broadcast")
    assert SoftBounce.select().where(SoftBounce.team == team.id).count() == 1


def test_a_full_mailbox_is_left_alone_for_longer_and_a_hard_bounce_for_ever(team):
    at = now()
    for number in range(NEEDED):
        bounce(team, number, at, "mailbox_full")
    row = Suppression.get(Suppression.team == team.id)
    assert row.expires_at == at + timedelta(days=settings.mailbox_full_suppression_days)
    suppress(team.id, ADA, "hard_bounce")
    bounce(team, NEEDED, at)
    row = Suppression.get(Suppression.team == team.id)
    assert (row.reason, row.expires_at) == ("hard_bounce", None)
