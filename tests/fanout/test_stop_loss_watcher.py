"""What the stop-loss makes of events in ClickHouse, and of broadcasts in MariaDB."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from sidecars import names, streams
from sidecars.analytics.client import client
from sidecars.broadcasts import control
from sidecars.deliverability import mail_streams
from sidecars.edge.store import redis
from sidecars.fanout import stop_loss_watcher
from sidecars.models import Broadcast, Notice, database, now
from sidecars.settings import settings
from tests.mailing import mailing
from tests.raw_events import rfc3339
from tests.support import wait_for

MAILS = 20
FIGURES = f"100.0% of mails bounced hard ({MAILS} of {MAILS}, the limit is 50 %)"


@pytest.fixture(autouse=True)
def _limits(stack, no_fanout, monkeypatch):
    few = {"stop_loss_least_mails": MAILS, "stop_loss_hard_bounce_percent": 50}
    monkeypatch.setattr(stop_loss_watcher, "settings", settings.model_copy(update=few))
    with database.connection_context():
        Broadcast.update(published_at=None).execute()  # what other tests left is not this one's to look at
        yield


@pytest.fixture
def tell(stack):
    """`tell(sent, ago)` says of each of its mails, so long ago, that it bounced hard; `columns` differ."""
    producer = streams.producer()

    def _tell(sent, ago, **columns):
        rows = [
            mail.whose._asdict()
            | {
                "event_id": str(uuid4()),
                "message_id": str(mail.message_id),
                "type": "bounced",
                "state": "bounced",
                "reason": "hard_bounce",
                "provider": "bigmail",
                "occurred_at": rfc3339(datetime.now(UTC) - ago),
                "processed_at": rfc3339(datetime.now(UTC)),
            }
            | columns
            for mail in sent.mails
        ]
        producer.send(names.TOPIC_CH_MESSAGES, streams.ndjson(rows)).get(timeout=60)
        count = "SELECT count() FROM smtp_messages WHERE message_id IN {ids:Array(UUID)}"
        ids = [row["message_id"] for row in rows]
        wait_for(lambda: client().execute(count, {"ids": ids}) == [(len(rows),)])

    yield _tell
    producer.close()


def published(recipients):
    sent = mailing(recipients)
    moments = {"published_at": now(), "planned_at": now()}
    Broadcast.update(**moments).where(Broadcast.id == sent.broadcast_id).execute()
    return sent


def row_of(sent):
    return Broadcast.get_by_id(sent.broadcast_id)


def test_a_broadcast_that_bounces_is_paused_with_the_figures_and_goes_on_when_its_people_say_so(tell):
    sent = published(MAILS)
    tell(sent, ago=timedelta(minutes=5))

    stop_loss_watcher.look()

    assert (row_of(sent).state, row_of(sent).reason) == ("paused", f"Paused: {FIGURES}.")
    (notice,) = Notice.select().where(Notice.team == sent.team_id)
    assert (notice.kind, notice.about) == ("broadcast_paused", f"broadcast:{sent.broadcast_id}")
    assert f"\nPaused: {FIGURES}." in f"\n{notice.text}"
    control.resume(sent.broadcast_id)
    stop_loss_watcher.look()
    assert (row_of(sent).state, row_of(sent).reason) == ("sending", "")


@pytest.mark.parametrize("ago", [timedelta(seconds=1), timedelta(hours=2)], ids=["too new", "too old"])
def test_mails_outside_of_the_window_count_for_nothing(tell, ago):
    sent = published(MAILS)
    tell(sent, ago)
    stop_loss_watcher.look()
    assert row_of(sent).state == "sent"


def test_broadcasts_that_are_small_alone_are_paused_for_what_they_do_together(tell):
    first, second = published(MAILS // 2), published(MAILS // 2)
    other = published(MAILS // 2)
    Broadcast.update(team=first.team_id).where(Broadcast.id == second.broadcast_id).execute()
    second.mails[:] = [
        type(mail)(mail.message_id, mail.email, mail.whose._replace(team_id=first.team_id))
        for mail in second.mails
    ]
    for sent in (first, second, other):
        tell(sent, ago=timedelta(minutes=5))

    stop_loss_watcher.look()

    assert [row_of(sent).state for sent in (first, second, other)] == ["paused", "paused", "sent"]
    assert row_of(second).reason.startswith("Paused with all of the team's broadcasts: 100.0%")


def test_a_stream_of_submitted_mail_that_bounces_stops_at_the_edge_too_and_goes_on_when_it_may(tell):
    sent = mailing(MAILS)
    team_id, key = sent.team_id, names.team_key(sent.team_id)
    tell(sent, timedelta(minutes=5), broadcast_id=0, stream="transactional")

    stop_loss_watcher.look()
    stop_loss_watcher.look()

    transactional, broadcast = mail_streams.all_of(team_id)
    assert transactional.reason == FIGURES
    assert broadcast.stopped_at is None
    assert redis.hget(key, "stopped:transactional") == (
        f"The transactional stream stopped itself: {FIGURES}. "
        "POST /v1/streams/transactional/resume lets it go on"
    )
    (notice,) = Notice.select().where(Notice.team == team_id)
    assert (notice.subject, notice.about) == (
        "Your transactional mail has stopped itself",
        "stream:transactional",
    )
    assert notice.text.startswith(f"{FIGURES}.")

    assert mail_streams.resume(team_id, "transactional")
    stop_loss_watcher.look()
    assert not mail_streams.resume(team_id, "transactional")
    assert redis.hget(key, "stopped:transactional") is None
    assert Notice.select().where(Notice.team == team_id).count() == 1
