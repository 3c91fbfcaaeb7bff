"""Redis is emptied in the midst of a broadcast, and everything that was in it comes back from MySQL."""

from sidecars import names
from sidecars.broadcasts.ledger import counts
from sidecars.broadcasts.publish import publish
from sidecars.edge.store import redis
from tests.fanout.test_fanout import MANY, PATIENCE, assert_each_got_one, handed_over
from tests.support import wait_for


def test_a_redis_that_is_emptied_loses_nothing_and_repeats_nothing(fanout, sending, receipts):
    wait_for(lambda: redis.exists(names.EDGE_RECORDS_KEY))
    broadcast = sending(MANY)
    publish(broadcast.id)
    for threshold in (50, 200):
        wait_for(lambda threshold=threshold: handed_over(broadcast) >= threshold, PATIENCE, interval=0.01)
        assert counts(broadcast.id)["planned"] > 0, "it was emptied in the middle"
        redis.flushall()
        wait_for(lambda: redis.exists(names.EDGE_RECORDS_KEY))
        claimed = redis.scan_iter(match=names.broadcast_claim_key(broadcast.id, "*"), count=1000)
        assert len(list(claimed)) >= threshold
    assert_each_got_one(broadcast, MANY, receipts)
