from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from sidecars import names, streams
from sidecars.analytics.client import client
from sidecars.broadcasts.states import SendState
from sidecars.enrichers import dead
from sidecars.models import database
from tests.mailing import mailing
from tests.raw_events import mta_event
from tests.support import wait_for

UNKNOWN = "unknown message id"
DEAD = names.dead_topic(names.TOPIC_STATUSES)


def waiting():
    return dead.waiting(names.TOPIC_STATUSES)[UNKNOWN]


def as_if_nothing_had_been_replayed():
    consumer = streams.consumer(dead.REPLAY_GROUP, [])
    consumer.commit({TopicPartition(DEAD, number): OffsetAndMetadata(0, "", -1) for number in range(3)})
    consumer.close(autocommit=False)


def test_a_dead_letter_is_told_with_its_reason_and_counts_once_however_often_it_is_replayed(enricher, feed):
    dead.replay(names.TOPIC_STATUSES, 10_000)  # what earlier tests left
    wait_for(lambda: enricher.check_lag() == "0 records behind")
    left = waiting()
    mail = mailing(1).mails[0]
    with database.connection_context():
        row = mail.send()
        row.delete_instance()
    mail.forget_in_redis()
    feed(names.TOPIC_STATUSES, [mta_event("delivered", mail.message_id)])
    wait_for(lambda: waiting() > left)

    with database.connection_context():
        row.save(force_insert=True)
    assert dead.replay(names.TOPIC_STATUSES, 10_000) >= 1
    assert waiting() == 0
    assert dead.replay(names.TOPIC_STATUSES, 10_000) == 0
    wait_for(lambda: mail.send().state == SendState.DELIVERED)

    as_if_nothing_had_been_replayed()
    assert dead.replay(names.TOPIC_STATUSES, 10_000) >= 1

    def copies(final):
        ((number,),) = client().execute(
            f"SELECT count() FROM smtp_messages {final} WHERE message_id = '{mail.message_id}'"
        )
        return number

    wait_for(lambda: enricher.check_lag() == "0 records behind" and copies("FINAL") == 1)
    assert mail.send().state == SendState.DELIVERED
