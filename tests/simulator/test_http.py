import smtplib

import pytest

from tests.simulator.world import MESSAGE_ID, mail
from tests.support import wait_for


def test_health_says_what_stands(world):
    status, content = world.call("GET", "/health")
    assert (status, content["status"], content["process"]) == (200, "ok", "simulator")
    assert content["checks"]["smtp"]["ok"]


def test_progress_counts_facts_of_each_kind(world):
    before = world.call("GET", "/progress")[1]["counts"]["accepted"]
    world.deliver("accept.progress@outcome.example")
    progress = world.call("GET", "/progress")[1]
    assert progress["counts"]["accepted"] == before + 1
    assert progress["pending_actions"] == 0
    assert "prefetched" in progress["counts"]


def test_metrics_are_prometheus_text(world):
    world.deliver("accept.metrics@outcome.example")
    text = world.get("/metrics").decode()
    assert 'simulator_receipts_total{kind="accepted",provider="outcome"}' in text
    assert "# TYPE simulator_open_connections gauge" in text


def test_receipts_are_filtered(world):
    world.deliver("accept.b31@outcome.example", mail("x@y.example", broadcast_id=31))
    assert [fact["recipient"] for fact in world.receipts(broadcast_id=31)] == ["accept.b31@outcome.example"]
    assert world.receipts(broadcast_id=31, kind="opened") == []
    assert world.receipts(broadcast_id=3100) == []


@pytest.mark.parametrize("query", ["kind=nonsense", "broadcast_id=x", "broadcast_id=-1"])
def test_a_filter_that_makes_no_sense_is_refused(world, query):
    status, content = world.call("GET", f"/receipts.ndjson?{query}")
    assert (status, content["errors"][0]["field"]) == (422, query.partition("=")[0])


def test_mails_are_listed_page_by_page_and_read_back_to_the_byte(world):
    raws = {}
    for number in range(5):
        recipient = f"accept.page{number}@outcome.example"
        raws[recipient] = mail(recipient, broadcast_id=55)
        world.deliver(recipient, raws[recipient])
    listed, after = [], 0
    while after is not None:
        content = world.call("GET", f"/mails?broadcast_id=55&limit=2&after={after}")[1]
        listed, after = listed + content["mails"], content["next"]
    assert [found["recipient"] for found in listed] == list(raws)
    assert {found["recipient"]: world.get(f"/mails/{found['id']}/raw") for found in listed} == raws
    assert listed[0]["message_id"] == MESSAGE_ID


def test_a_mail_that_is_not_there_is_not_found(world):
    for name in ("999999999", "x", "-1"):
        with pytest.raises(OSError, match="404"):
            world.get(f"/mails/{name}/raw")


def test_reset_forgets_everything(start, rules):
    world = start(rules=rules("people = { open = 1 }"), time_scale=1)
    world.deliver("p@only.example")
    world.call("POST", "/dns/records", {"name": "added.example", "type": "TXT", "value": "x"})
    wait_for(lambda: world.call("GET", "/progress")[1]["pending_actions"])
    assert world.call("POST", "/reset") == (200, {"reset": True})
    progress = world.call("GET", "/progress")[1]
    assert (progress["pending_actions"], set(progress["counts"].values())) == (0, {0})
    assert world.receipts() == []
    assert world.call("GET", "/mails")[1]["mails"] == []
    assert world.call("GET", "/dns/records")[1]["records"] == []
    world.deliver("later@only.example")
    assert world.kinds("later@only.example") == ["accepted"]


def test_connections_are_cut_in_the_midst_of_whatever_is_said(world):
    client = world.connect()
    client.mail("a@kb.acme.example")
    status, content = world.call("POST", "/connections/cut")
    assert (status, content["cut"]) == (200, 1)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.rcpt("accept@outcome.example")
