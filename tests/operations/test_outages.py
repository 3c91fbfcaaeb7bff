"""The table "When something is down" of docs/operations.md, row by row."""

import shutil
import subprocess
import sys
from contextlib import contextmanager

import requests
from redis import Redis

from sidecars import names
from sidecars.mail.tokens import open_token
from tests.support import wait_for


@contextmanager
def away(site, service):
    site.services[service].stop()
    try:
        yield
    finally:
        site.services[service].start()


@contextmanager
def ended(site, process):
    site.stack.stop_processes(process)
    try:
        yield
    finally:
        site.stack.start_processes(process)


def archive(site, broadcast):
    command = (sys.executable, "-m", "sidecars.cli", "archive", str(broadcast))
    subprocess.run(command, env=site.stack.env(), capture_output=True, check=True)


def forget_in_redis(site, token):
    message_id = open_token(token, site.stack.secrets["token_secret"])
    with Redis.from_url(site.stack.env()["REDIS_URL"]) as redis:
        assert redis.delete(names.message_key(message_id))


def test_mysql_away_stops_the_api_and_no_reader(site):
    _, token = site.delivered()
    assert site.visit(f"/c/{token}/0") == 302
    with away(site, "mariadb"):
        assert site.call("GET", "/me").status_code == 503
        assert site.visit(f"/c/{token}/0") == 302
        assert site.visit(f"/o/{token}.gif") == 200
        page = site.read(f"/p/{token}.de")
        assert (page.status_code, f'action="../u/{token}.de"' in page.text) == (503, True)
        assert site.visit(f"/u/{token}", "POST") == 200
        assert site.login() == 235
    site.delivered()


def test_redis_away_puts_off_logins_and_links(site):
    _, token = site.delivered()
    with away(site, "redis"):
        assert site.login() == 454
        assert site.visit(f"/c/{token}/0") == 503
        assert site.visit(f"/o/{token}.gif") == 200
        page = requests.post(f"{site.stack.url('webhook')}/p/{token}", {"when": "forever"}, timeout=30)
        assert (page.status_code, 'value="forever" checked' in page.text) == (200, True)
        assert site.visit(f"/u/{token}", "POST") == 200
    site.delivered()
    assert site.login() == 235


def test_redis_that_lost_its_data_is_filled_again(site):
    with away(site, "redis"):
        shutil.rmtree(site.services["redis"].folder / "appendonlydir")
    site.delivered()
    assert site.login() == 235


def test_kafka_away_delays_the_report_and_refuses_to_unsubscribe(site):
    read, token = site.delivered()
    with away(site, "kafka"):
        assert site.visit(f"/u/{token}", "POST") == 503
        assert site.visit(f"/o/{token}.gif") == 200
        assert site.visit(f"/c/{token}/0") == 302
        broadcast = site.publish()
        site.wait_for_state(broadcast, "accepted")
    site.wait_for_state(broadcast, "delivered")
    wait_for(lambda: site.get(f"/broadcasts/{read}/report")["clicks"]["total"])


def test_clickhouse_away_stops_reports_and_loses_no_row(site):
    with away(site, "clickhouse"):
        broadcast, _ = site.delivered()
        assert site.call("GET", f"/broadcasts/{broadcast}/report").status_code == 503
    wait_for(lambda: site.get(f"/broadcasts/{broadcast}/ledger")["balanced"], interval=0.5)


def test_s3_away_refuses_old_mails_and_still_adds_them_up(site):
    broadcast, token = site.delivered()
    archive(site, broadcast)
    forget_in_redis(site, token)
    with away(site, "s3"):
        assert site.get(f"/broadcasts/{broadcast}/report")["states"]["delivered"] == 1
        assert site.call("GET", f"/broadcasts/{broadcast}/messages").status_code == 503
        assert site.visit(f"/c/{token}/0") == 503
        assert site.visit(f"/p/{token}") == 503
    wait_for(lambda: site.visit(f"/c/{token}/0") == 302)
    assert site.visit(f"/p/{token}") == 200
    assert len(site.get(f"/broadcasts/{broadcast}/messages")["data"]) == 1


def test_without_a_webhook_receiver_events_wait_at_the_edge(site):
    with ended(site, "webhook"):
        broadcast = site.publish()
        site.wait_for_state(broadcast, "accepted")
    site.wait_for_state(broadcast, "delivered")


def test_without_an_edge_mails_stay_planned(site):
    with ended(site, "smtp"):
        broadcast = site.publish()
        site.wait_for_state(broadcast, "planned", "claimed")
    site.wait_for_state(broadcast, "delivered")


def test_without_an_enricher_events_wait_in_kafka(site):
    with ended(site, "enricher"):
        broadcast = site.publish()
        site.wait_for_state(broadcast, "accepted")
    site.wait_for_state(broadcast, "delivered")


def test_without_fanout_a_published_broadcast_waits(site):
    with ended(site, "fanout"):
        broadcast = site.publish()
        assert site.get(f"/broadcasts/{broadcast}")["state"] == "planning"
    site.wait_for_state(broadcast, "delivered")
