"""`python -m sidecars.fanout`: the workers, their clock, and what they say of themselves.

Workers are threads: they wait for MySQL, Redis and the edge most of the time, share the connections to the
edge, and one process has one /metrics. More processes, here or on other machines, send more.
SIGTERM drains: a worker finishes its slice; one that takes longer than DRAIN_SECONDS hands it back.
"""

import logging
import threading
import time

import requests

from sidecars.accounts import keys
from sidecars.audiences import exporting, importing
from sidecars.broadcasts import claims
from sidecars.broadcasts.clock import tick
from sidecars.broadcasts.slices import hand_back, renew_leases
from sidecars.edge import lanes, records, suppressed
from sidecars.edge.submit import pool
from sidecars.fanout.app import export_contacts, huey, import_contacts
from sidecars.fanout.archiver import keep_archiving
from sidecars.fanout.auditor import keep_auditing
from sidecars.fanout.confirmer import keep_confirming
from sidecars.fanout.credits_watcher import keep_watching_credits
from sidecars.fanout.domain_watcher import keep_watching
from sidecars.fanout.forgetter import keep_forgetting
from sidecars.fanout.mailer import keep_mailing
from sidecars.fanout.notifier import keep_notifying
from sidecars.fanout.releaser import keep_releasing
from sidecars.fanout.stop_loss_watcher import keep_watching_losses
from sidecars.fanout.workers import Workers
from sidecars.models import database
from sidecars.notices.mailing import NoOrigin, origin
from sidecars.settings import settings
from sidecars.telemetry import checks, health_server, setup
from sidecars.transactional import queue
from sidecars.transactional.accept import forget_old_keys

log = logging.getLogger(__name__)

DRAIN_SECONDS = 20
BESIDE_SECONDS = 2.0


def main() -> None:
    """Runs until a signal; returns when everything that was held is done or handed back."""
    setup("fanout")
    logging.getLogger("huey").setLevel(logging.WARNING)  # its two lines a task say nothing of the broadcast
    health = health_server(
        settings.fanout_health_port,
        {"mysql": checks.mysql, "redis": checks.redis, "edge": edge, "notices": notices},
    )
    stopping = threading.Event()
    # Each may be cut off anywhere: none holds up a deploy while DNS, ClickHouse or S3 is slow.
    beside = [
        threading.Thread(target=keep, args=(stopping,), name=name, daemon=True)
        for name, keep in {
            "leases": keep_leases,
            "clock": keep_time,
            "auditor": keep_auditing,
            "domain watcher": keep_watching,
            "notifier": keep_notifying,
            "confirmer": keep_confirming,
            "mailer": keep_mailing,
            "second mailer": keep_mailing,
            "stop-loss watcher": keep_watching_losses,
            "credits watcher": keep_watching_credits,
            "releaser": keep_releasing,
            "archiver": keep_archiving,
            "forgetter": keep_forgetting,
        }.items()
    ]
    for thread in beside:
        thread.start()
    try:
        Workers(huey, settings.fanout_workers, DRAIN_SECONDS, health).run()
    finally:
        stopping.set()
        until = time.monotonic() + BESIDE_SECONDS
        for thread in beside:
            thread.join(max(0.0, until - time.monotonic()))
        pool().close()
        with database.connection_context():
            hand_back()
            queue.hand_back()
        log.info("stopped")
        health.close()


def keep_leases(stopping: threading.Event) -> None:
    """Keeps our slices by MySQL alone: the clock may wait for Redis, or fill it for minutes."""
    while not stopping.is_set():
        try:
            with database.connection_context():
                renew_leases()
                queue.renew_leases()
        except Exception:
            log.exception("leases could not be kept, it is tried again")
        stopping.wait(settings.clock_seconds)


def keep_time(stopping: threading.Event) -> None:
    """Looks every CLOCK_SECONDS, and gives the edge what Redis lacks of its records."""
    edge_knows = False
    while not stopping.is_set():
        try:
            with database.connection_context():
                if not (edge_knows and records.are_there()):
                    fill_redis()
                    edge_knows = True
                elif not lanes.are_current():
                    lanes.write()
                suppressed.write_missed()
                look()
        except Exception:
            log.exception("the clock could not finish its look, it tries again")
        stopping.wait(settings.clock_seconds)


def fill_redis() -> None:
    """What edges read, as MySQL has it. Claims first: with the records edges take mail again."""
    if records.are_there():
        records.write_all()
        return
    with records.made_whole():
        log.warning("redis has no records", extra={"claims_restored": claims.restore()})
        suppressed.fill()
        records.write_all()


def look() -> None:
    """Ticks knowing how many tasks wait, and starts the imports and exports that nobody works on."""
    keys.write_down_uses()
    forget_old_keys()
    queued = huey.pending_count()
    tick(queued)
    if queued < settings.fanout_workers:
        for import_id in importing.stalled():
            import_contacts(import_id)
        for export_id in exporting.stalled():
            export_contacts(export_id)


def notices() -> str:
    """Who mails them, or why nobody does; that keeps no other mail from going out. Raises as `mysql` does."""
    checks.mysql()  # for a MySQL that hangs the pool would wait longer than whoever asks
    try:
        with database.connection_context():
            return f"from {origin().sender.address}"
    except NoOrigin as error:
        return str(error)


def edge() -> str:
    """The edge's own word; raises requests.RequestException."""
    answer = requests.get(f"{settings.edge_health_url}/health", timeout=checks.LIMIT_SECONDS)
    answer.raise_for_status()
    return f"{settings.edge_host}:{settings.edge_port} {answer.json()['status']}"


if __name__ == "__main__":
    main()
