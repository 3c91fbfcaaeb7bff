"""A broadcast held back, and an edge restarted, in the midst of the deliveries."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support import wait_for

READERS = ("accept",) * 60


@pytest.fixture(autouse=True)
def _slowly(site):
    site.operate("PUT", "/policies/*", {"per_minute": 1200})
    yield
    site.operate("DELETE", "/policies/*")


def under_way(site, *outcomes):
    """A broadcast of which some readers have their mail; its id."""
    broadcast = site.publish(*outcomes)
    wait_for(lambda: len(site.received(broadcast)) > 5)
    return broadcast


def ask(site, broadcast, what):
    """The status and the state in the answer, and when it came."""
    answer = site.call("POST", f"/broadcasts/{broadcast}/{what}")
    return (answer.status_code, answer.json()["state"]), datetime.now(UTC)


def test_after_a_pause_no_mail_is_received_a_second_later_and_after_a_resume_all_are_once(site):
    broadcast = under_way(site, *READERS)
    answered, paused = ask(site, broadcast, "pause")
    assert answered == (200, "paused")
    assert ask(site, broadcast, "pause")[0] == (409, "paused")
    other = site.publish()
    site.wait_for_state(other, "delivered")
    wait_for(lambda: datetime.now(UTC) > paused + timedelta(seconds=2))
    resumed = datetime.now(UTC)
    assert ask(site, broadcast, "resume")[0] == (200, "sending")
    assert ask(site, broadcast, "resume")[0][0] == 409

    wait_for(lambda: site.counts(broadcast)["delivered"] == len(READERS))
    received = site.received(broadcast)
    assert len({who for _, who in received}) == len(received) == len(READERS)
    held = paused + timedelta(seconds=1)
    assert [moment for moment, _ in received if held < moment < resumed] == []


def test_after_a_cancel_every_mail_is_delivered_or_cancelled(site):
    broadcast = under_way(site, *READERS, "greylist", "greylist")
    answered, _ = ask(site, broadcast, "cancel")
    assert answered == (200, "cancelled")
    assert ask(site, broadcast, "cancel")[0] == (409, "cancelled")
    planned = len(READERS) + 2

    def settled():
        counts = site.counts(broadcast)
        return counts["delivered"] + counts["cancelled"] == planned

    wait_for(settled)
    assert site.counts(broadcast)["cancelled"] > 0
    assert len(site.received(broadcast)) == site.counts(broadcast)["delivered"]
    wait_for(lambda: site.get(f"/broadcasts/{broadcast}/ledger")["balanced"])


def test_an_edge_that_is_restarted_leaves_nothing_unknown_and_sends_nothing_twice(site):
    broadcast = under_way(site, *READERS)
    site.stack.stop_processes("smtp")
    assert len(site.received(broadcast)) < len(READERS)
    site.stack.start_processes("smtp")
    wait_for(lambda: site.counts(broadcast)["delivered"] == len(READERS))
    assert len(site.received(broadcast)) == len(READERS)
