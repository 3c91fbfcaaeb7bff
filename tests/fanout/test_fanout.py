"""The fan-out as a process, between the real queue, ledger and edge; the simulator receives."""

import json
import os
import re
import signal
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
import requests

from sidecars import names
from sidecars.analytics.reports import broadcast_report, message_timeline
from sidecars.archive.sends import read_sends
from sidecars.broadcasts import plan as planning
from sidecars.broadcasts.handover import send_next_slice
from sidecars.broadcasts.ledger import counts
from sidecars.broadcasts.publish import publish
from sidecars.broadcasts.reconcile import reconcile
from sidecars.broadcasts.states import Reason, SendState
from sidecars.edge.store import redis
from sidecars.fanout.app import huey
from sidecars.mail.tokens import make_token
from sidecars.models import Broadcast, Contact, Send, SendSlice, now
from sidecars.settings import settings
from tests.support import wait_for

PATIENCE = 90
# So many that the last are handed over seconds after the first.
MANY = 600


def handed_over(broadcast):
    found = counts(broadcast.id)
    return found["total"] - found["planned"] - found["claimed"]


def state(broadcast):
    return Broadcast.get_by_id(broadcast.id).state


def events(process):
    lines = process.daemon.log_file.read_text().splitlines()
    return [json.loads(line)["event"] for line in lines if line.startswith("{")]


def assert_each_got_one(broadcast, total, receipts):
    """Once everything is settled: the books balance, and nobody was sent two mails or none."""
    wait_for(lambda: counts(broadcast.id)["delivered"] == total, timeout=PATIENCE)
    books = wait_for(lambda: (books := reconcile(broadcast.id, receipts())).balanced and books)
    assert books.differences == []
    found = counts(broadcast.id)
    assert sum(number for name, number in found.items() if name != "total") == total
    received = [
        fact["contact_id"]
        for fact in receipts()
        if (fact["kind"], fact["broadcast_id"]) == ("accepted", broadcast.id)
    ]
    assert len(received) == len(set(received)) == total


def test_a_broadcast_to_one_is_received_within_seconds(fanout, sending, receipts, capsys):
    broadcast = sending(1)
    published = time.monotonic()
    publish(broadcast.id)
    wait_for(lambda: any(fact["broadcast_id"] == broadcast.id for fact in receipts()))
    with capsys.disabled():
        print(f" received {time.monotonic() - published:.2f} s after publish ", end="")
    assert_each_got_one(broadcast, 1, receipts)


@pytest.mark.usefixtures("no_fanout")
def test_who_leaves_while_a_broadcast_is_sent_gets_nothing_from_slices_still_to_come(
    processes, sending, receipts, monkeypatch
):
    broadcast = publish(sending(100).id)
    monkeypatch.setattr(planning, "settings", SimpleNamespace(slice_size=25))
    planning.plan(broadcast.id)
    send_next_slice(broadcast.id)
    *_, one_click, by_page = Send.select().where(Send.broadcast_id == broadcast.id).order_by(Send.contact_id)
    secret = settings.token_secret.get_secret_value()
    forms = {
        one_click: ("u", {"List-Unsubscribe": "One-Click"}),
        by_page: ("p", {"when": (now() + timedelta(days=7)).date().isoformat()}),
    }
    for send, (page, form) in forms.items():
        address = f"{processes.url('webhook')}/{page}/{make_token(send.message_id, secret)}"
        requests.post(address, data=form, timeout=10).raise_for_status()
    wait_for(lambda: Contact.get_by_id(one_click.contact_id).status == "unsubscribed")

    processes.start_processes("fanout")
    wait_for(lambda: state(broadcast) == "sent", timeout=PATIENCE)
    skipped = Send.select().where(Send.broadcast_id == broadcast.id, Send.state == SendState.SKIPPED)
    assert {row.contact_id: row.reason for row in skipped} == {
        one_click.contact_id: Reason.UNSUBSCRIBED,
        by_page.contact_id: Reason.PAUSED,
    }
    wait_for(lambda: counts(broadcast.id)["delivered"] == 98, timeout=PATIENCE)
    got = {fact["contact_id"] for fact in receipts() if fact["broadcast_id"] == broadcast.id}
    assert len(got) == 98
    assert not got & {send.contact_id for send in forms}


def test_a_killed_fanout_loses_nothing_and_repeats_nothing(processes, fanout, sending, receipts):
    broadcast = sending(MANY)
    publish(broadcast.id)
    for threshold in (30, 120):
        wait_for(lambda threshold=threshold: handed_over(broadcast) >= threshold, timeout=PATIENCE)
        os.kill(fanout.daemon.pid(), signal.SIGKILL)
        wait_for(lambda: fanout.daemon.pid() is None)
        assert handed_over(broadcast) < MANY, "it was killed in the middle"
        processes.start_processes("fanout")
    wait_for(lambda: state(broadcast) == "sent", timeout=PATIENCE)
    assert_each_got_one(broadcast, MANY, receipts)


def test_a_deploy_in_the_midst_of_a_broadcast_leaves_no_lease_behind(processes, fanout, sending, receipts):
    deployed = ("fanout", "webhook", "enricher")
    broadcast = sending(MANY)
    publish(broadcast.id)
    wait_for(lambda: handed_over(broadcast) >= 50, timeout=PATIENCE)
    processes.stop_processes(*deployed)
    for name in deployed:
        told = [event for event in events(processes.processes[name]) if event in ("draining", "stopped")]
        assert told[-2:] == ["draining", "stopped"]
    claimed = SendSlice.select().where(SendSlice.broadcast == broadcast, SendSlice.state == "claimed")
    assert claimed.count() == 0
    assert 0 < handed_over(broadcast) < MANY
    processes.start_processes(*deployed)
    assert_each_got_one(broadcast, MANY, receipts)


def test_two_fanouts_share_a_broadcast(processes, fanout, sending, receipts, tmp_path):
    from infra.local.processes import Process

    ports = processes.ports | {"fanout_health": processes.ports["web"]}  # nobody serves the API here
    second = Process("fanout", tmp_path, ports)
    second.launch(processes.env() | {"FANOUT_HEALTH_PORT": str(ports["fanout_health"])})
    try:
        second.wait_healthy()
        broadcast = sending(300)
        publish(broadcast.id)
        assert_each_got_one(broadcast, 300, receipts)
    finally:
        second.stop()


@pytest.mark.usefixtures("no_fanout")
def test_a_lost_task_is_found_by_the_clock(processes, sending, receipts):
    broadcast = sending(5)
    publish(broadcast.id)
    huey.storage.flush_queue()
    processes.start_processes("fanout")
    assert_each_got_one(broadcast, 5, receipts)


def test_a_broadcast_waits_for_an_edge_that_is_away(processes, fanout, sending, receipts):
    processes.stop_processes("smtp")
    broadcast = sending(30)
    publish(broadcast.id)
    wait_for(
        lambda: SendSlice.select().where(SendSlice.broadcast == broadcast, SendSlice.attempts > 1).exists()
    )
    report = requests.get(fanout.health_url, timeout=10)
    assert report.status_code == 503
    assert not report.json()["checks"]["edge"]["ok"]
    assert handed_over(broadcast) == 0
    processes.start_processes("smtp")
    assert_each_got_one(broadcast, 30, receipts)


@pytest.mark.parametrize("outcome", ["greylist", "unknown_user"])
def test_what_the_receiver_answers_is_settled(fanout, sending, receipts, outcome):
    broadcast = sending(3, outcome=outcome)
    publish(broadcast.id)
    expected = {"greylist": "delivered", "unknown_user": "bounced"}[outcome]
    wait_for(lambda: counts(broadcast.id)[expected] == 3, timeout=PATIENCE)
    wait_for(lambda: reconcile(broadcast.id, receipts()).balanced)


def test_health_and_metrics_tell_of_its_services_and_stages(fanout, sending, receipts):
    report = requests.get(fanout.health_url, timeout=10).json()
    assert (report["status"], report["process"]) == ("ok", "fanout")
    assert set(report["checks"]) == {"mysql", "redis", "edge", "notices"}
    before = mails_by_stage(fanout)
    broadcast = sending(2)
    publish(broadcast.id)
    assert_each_got_one(broadcast, 2, receipts)
    after = mails_by_stage(fanout)
    for stage in ("plan", "claim", "compose", "submit", "accept"):
        assert after[stage] - before.get(stage, 0) == 2


def mails_by_stage(fanout):
    metrics = requests.get(fanout.health_url.replace("/health", "/metrics"), timeout=10).text
    found = re.findall(r'^kibamail_mails_total{stage="(\w+)"} (\S+)$', metrics, re.MULTILINE)
    return {stage: float(mails) for stage, mails in found}


def test_a_reader_of_an_archived_mail_is_still_led_on_and_counted(processes, fanout, sending):
    broadcast = publish(sending(5).id)
    wait_for(lambda: counts(broadcast.id)["delivered"] == 5)
    processes.stop_processes("fanout")
    ended = now() - timedelta(days=settings.kiba_archive_after_days + 1)
    Broadcast.update(finished_at=ended).where(Broadcast.id == broadcast.id).execute()
    before = counts(broadcast.id)

    processes.start_processes("fanout")
    wait_for(lambda: not Send.select().where(Send.broadcast_id == broadcast.id).exists())
    mail = read_sends(broadcast.id)[2]
    redis.delete(names.message_key(mail.message_id))
    token = make_token(mail.message_id, settings.token_secret.get_secret_value())
    link = f"{processes.url('webhook')}{names.PATH_CLICK}/{token}/0"
    answer = requests.get(link, allow_redirects=False, timeout=30)

    assert (answer.status_code, answer.headers["Location"]) == (302, "https://shop.example/spring")
    timeline = wait_for(
        lambda: (
            (found := message_timeline(broadcast.team_id, mail.message_id))[-1]["type"] == "click" and found
        ),
        timeout=30,
    )
    assert "delivered" in [event["type"] for event in timeline]
    assert broadcast_report(broadcast.team_id, broadcast.id)["clicks"]["unique"] == 1
    assert counts(broadcast.id) == before
