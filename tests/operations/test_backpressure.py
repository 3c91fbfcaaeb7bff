"""A part that does not answer in the midst of a broadcast slows it, says so, and costs no mail."""

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.operations.conftest import LIMITS
from tests.support import frozen, wait_for

READERS = 300
# An event has less.
EVENT_BYTES = 1500


@pytest.fixture(scope="module")
def crowd(site):
    return site.audience(*["accept"] * READERS)


def metrics(site, process):
    """Its metrics of this project's own: the value by name and labels."""
    url = f"http://127.0.0.1:{site.stack.processes[process].ports[0]}/metrics"
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(requests.get(url, timeout=10).text)
        for sample in family.samples
        if sample.name.startswith("kibamail_")
    }


def held_up_for(site, process, cause):
    """Seconds; 0: it is not."""
    return metrics(site, process).get(("kibamail_backpressure_seconds", cause), 0)


# Who is held up by whom, while the first stands still. None can be asked who stands still itself.
HELD_UP = {
    "kafka": (("webhook", "kafka"), ("smtp", "webhook"), ("fanout", "edge")),
    # And with more mail, all those before the enricher.
    "clickhouse": (("enricher", "clickhouse"),),
    "webhook": (("smtp", "webhook"), ("fanout", "edge")),
    "mariadb": (("fanout", "mysql"), ("enricher", "mysql")),
    "redis": (("fanout", "redis"), ("enricher", "redis")),
    "smtp": (("fanout", "edge"),),
}


@pytest.mark.parametrize("name", HELD_UP)
def test_what_stands_still_slows_the_flow_says_so_and_costs_no_mail(site, crowd, name):
    broadcast = site.publish_to(crowd)
    wait_for(lambda: site.received(broadcast))
    part = (site.services | site.stack.processes)[name]
    with frozen(part.daemon):
        wait_for(lambda: all(held_up_for(site, *held) > 1 for held in HELD_UP[name]))
        if name != "clickhouse":
            assert len(site.received(broadcast)) < READERS
        for process in site.stack.processes.values():
            if process is not part:
                requests.get(process.health_url, timeout=30)  # it answers
        if name != "smtp":
            assert_bounded(metrics(site, "smtp"))

    wait_for(lambda: site.counts(broadcast)["delivered"] == READERS, interval=0.2)
    wait_for(lambda: site.get(f"/broadcasts/{broadcast}/ledger")["balanced"], interval=0.2)
    received = [who for _, who in site.received(broadcast)]
    assert len(received) == len(set(received)) == READERS
    wait_for(lambda: not any(held_up_for(site, *held) for held in HELD_UP[name]))


def assert_bounded(edge):
    mails = LIMITS["KIBA_MAX_SPOOLED_MAILS"]
    assert edge["kibamail_spooled_mails",] <= mails
    # What is being sent when there is no more room is told nevertheless.
    most = LIMITS["KIBA_MAX_EVENT_BACKLOG_BYTES"] + mails * EVENT_BYTES
    assert edge["kibamail_event_backlog_bytes",] <= most
