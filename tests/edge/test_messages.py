import uuid

from sidecars import names
from sidecars.edge.messages import KEYS_A_CALL, Attribution, remember, resolve
from sidecars.edge.store import redis
from sidecars.models import Send


def test_what_was_remembered_is_resolved_and_forgotten_after_a_week(stack):
    message_id = uuid.uuid4()
    remember([(message_id, Attribution(1, 2, 3, 4))])
    assert redis.get(names.message_key(message_id)) == "1:2:3:4"
    assert 0 < redis.ttl(names.message_key(message_id)) <= names.MESSAGE_TTL_SECONDS
    assert resolve([message_id]) == {message_id: Attribution(1, 2, 3, 4)}


def test_more_than_one_call_takes_are_remembered_and_resolved(stack):
    owners = {uuid.uuid4(): Attribution(1, 2, contact_id, 0) for contact_id in range(2 * KEYS_A_CALL + 1)}
    remember(owners.items())
    assert resolve(owners) == owners


def test_the_ledger_answers_where_redis_has_lost_it(connection):
    message_id, unknown = uuid.uuid4(), uuid.uuid4()
    Send.create(
        broadcast_id=0,
        contact_id=message_id.int >> 70,
        team_id=9,
        message_id=message_id,
        state=3,
        variant_id=5,
    )
    expected = Attribution(9, 0, message_id.int >> 70, 5)
    assert resolve([message_id, unknown]) == {message_id: expected}
    assert redis.get(names.message_key(message_id)) == ":".join(map(str, expected)), "and is asked once"


def test_nothing_asked_nothing_answered(stack):
    remember([])
    assert resolve([]) == {}
