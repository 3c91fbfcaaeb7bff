"""What the edge is told of whom a team must not write to."""

import io
from datetime import timedelta

from pydantic import SecretStr

from sidecars import names
from sidecars.deliverability import suppression_files
from sidecars.deliverability.erasures import erase
from sidecars.deliverability.soft_bounces import count_soft_bounce
from sidecars.deliverability.suppressions import lift, suppress
from sidecars.edge import suppressed
from sidecars.edge.store import redis
from sidecars.models import ErasedAddress, Suppression, SuppressionRemoval, now
from sidecars.settings import settings
from tests.support import wait_for

ADA, BOB, ZOE = "ada@mail.example", "bob@mail.example", "zoë@mail.example"


def known(team):
    """{address: what the edge reads} of the team's three."""
    found = redis.hgetall(names.suppressed_key(team.id))
    fields = {suppressed._field(suppressed.digest(address)): address for address in (ADA, BOB, ZOE)}
    return {fields[field]: entry for field, entry in found.items()}


def test_each_change_is_there_when_it_is_done(team):
    today = f"{now():%Y-%m-%d}"
    until = now() + timedelta(days=1)
    suppress(team.id, "ADA@mail.example", "mailbox_full", expires_at=until)
    assert known(team) == {ADA: f"all mailbox_full {today} {until.timestamp():.0f}"}
    for_good = suppress(team.id, ADA, "complaint")
    suppress(team.id, ADA, "unsubscribe")
    assert known(team) == {ADA: f"all complaint {today},broadcast unsubscribe {today}"}
    assert lift(team.id, for_good.id, "asked again", "ada")
    assert known(team) == {ADA: f"broadcast unsubscribe {today}"}

    file = f"email,reason,stream\n{BOB},hard_bounce,\n{ADA},manual,transactional\n"
    suppression_files.read_in(team.id, io.BytesIO(file.encode()))
    assert known(team) == {
        ADA: f"broadcast unsubscribe {today},transactional manual {today}",
        BOB: f"all hard_bounce {today}",
    }
    for number in range(settings.suppress_after_soft_bounces):
        count_soft_bounce(team.id, ZOE, "soft_bounce", "", str(number), now())
    assert known(team)[ZOE].startswith(f"all soft_bounce {today} ")

    erase(team.id, ADA)
    assert known(team)[ADA] == "all erased"
    assert ADA not in "".join(redis.hgetall(names.suppressed_key(team.id)))


def test_a_field_is_the_digest_that_the_edge_looks_up(monkeypatch):
    known_secret = settings.model_copy(update={"token_secret": SecretStr("x" * 32)})
    monkeypatch.setattr(suppressed, "settings", known_secret)
    # haraka/test/suppressed.test.js has the same.
    assert suppressed._field(suppressed.digest("JÖRG@Mailbox.example ")) == "dpQqFny9Q5Q"


def test_what_was_missed_is_written_by_the_clock_once_it_is_settled_and_never_again(team, monkeypatch):
    today, earlier = f"{now():%Y-%m-%d}", now() - timedelta(minutes=30)
    redis.set(suppressed._written_key(), (earlier - timedelta(minutes=1)).isoformat())
    suppress(team.id, ADA, "manual")
    Suppression.delete().where(Suppression.team == team).execute()
    lifted = {"team": team, "email": ADA, "stream": "all", "reason": "manual", "detail": "", "event_id": ""}
    lifted |= {"suppressed_at": earlier, "removed_by": "ada", "because": "asked again", "changed_at": earlier}
    SuppressionRemoval.create(**lifted)
    Suppression.create(team=team, email=BOB, reason="complaint", changed_at=earlier)
    ErasedAddress.create(team=team, digest=suppressed.digest(ZOE), changed_at=earlier)
    suppressed.write_missed()
    assert known(team) == {BOB: f"all complaint {today}", ZOE: "all erased"}

    redis.delete(names.suppressed_key(team.id))
    Suppression.create(team=team, email=ADA, reason="complaint")
    suppressed.write_missed()
    assert known(team) == {}, "what is old was written, and what is new may be under way"
    monkeypatch.setattr(suppressed, "SETTLED_SECONDS", 0)
    wait_for(lambda: suppressed.write_missed() or known(team))
    assert known(team) == {ADA: f"all complaint {today}"}


def test_a_redis_that_lost_everything_is_filled_with_what_was_changed_just_now_too(team):
    suppress(team.id, ADA, "manual")
    suppress(team.id, BOB, "soft_bounce", expires_at=now() - timedelta(seconds=1))
    erase(team.id, ZOE)
    redis.delete(names.suppressed_key(team.id), suppressed._written_key())
    suppressed.fill()
    assert known(team) == {ADA: f"all manual {now():%Y-%m-%d}", ZOE: "all erased"}


def test_who_is_overtaken_by_another_writer_puts_nothing_back(team, monkeypatch):
    row = suppress(team.id, ADA, "manual")
    original = suppressed._entries
    overtaken = []

    def slow(team_id, addresses):
        entries = original(team_id, addresses)
        if not overtaken:
            overtaken.append(True)
            assert lift(team.id, row.id, "asked again", "ada")
        return entries

    monkeypatch.setattr(suppressed, "_entries", slow)
    suppressed.write(team.id, [ADA])
    assert overtaken
    assert known(team) == {}
