"""Unsubscribes done by this process too, the moment Kafka has them.

The enricher does each for certain, but it may be far behind the edges' events or wait for ClickHouse, and
mail that is handed over meanwhile would go to somebody who left. A thread does it, as MySQL and Redis may
hang and the visitor must not wait for them; what fails here, or does not fit, is left to the enricher.
"""

import base64
import logging
import queue
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import orjson

from sidecars import names
from sidecars.audiences.unsubscribe import leave
from sidecars.deliverability.bounces import classify_inbound
from sidecars.edge.messages import resolve
from sidecars.models import database

log = logging.getLogger(__name__)

MOST_WAITING = 1000
# What the JSON of a mail to an unsubscribe address has in it.
_SIGNS = (b'"inbound"', f'"{names.UNSUBSCRIBE_PREFIX}'.encode())

_waiting: queue.Queue[Callable[[], None]] = queue.Queue(MOST_WAITING)
_starting = threading.Lock()
_thread: threading.Thread | None = None


def unsubscribe_soon(event: dict[str, Any]) -> None:
    """Takes a raw event of type unsubscribe, and returns at once."""
    _soon(partial(_unsubscribe, event, event["method"]))


def unsubscribe_by_mail_soon(lines: Iterable[bytes]) -> None:
    """Takes an edge's events, among which may be mail to unsubscribe addresses, and returns at once."""
    for line in lines:
        if all(sign in line for sign in _SIGNS):
            _soon(partial(_read_mail, line))


def _soon(work: Callable[[], None]) -> None:
    global _thread
    with _starting:  # in the worker: a thread would not outlive gunicorn's fork
        if _thread is None:
            _thread = threading.Thread(target=_work, name="at-once", daemon=True)
            _thread.start()
    try:
        _waiting.put_nowait(work)
    except queue.Full:
        log.warning("too many unsubscribes at once; some are left to the enricher")


def _work() -> None:
    while True:
        work = _waiting.get()
        try:
            work()
        except Exception as error:  # whatever it is, the enricher meets it too, and knows what to do
            log.warning("unsubscribe left to the enricher", extra={"error": repr(error)})


def _read_mail(line: bytes) -> None:
    event = orjson.loads(line)
    if _is_unsubscribe(event):
        _unsubscribe(event, "mailto")


def _is_unsubscribe(event: dict[str, Any]) -> bool:
    is_ours = event["type"] == "inbound" and event["message_id"]
    if not is_ours or not event["recipient"].startswith(names.UNSUBSCRIBE_PREFIX):
        return False
    return any(
        found.kind == "unsubscribe" for found in classify_inbound(base64.b64decode(event["raw"] or ""))
    )


def _unsubscribe(event: dict[str, Any], how: str) -> None:
    message_id = UUID(event["message_id"])
    with database.connection_context():
        if whose := resolve([message_id]).get(message_id):
            at = datetime.fromisoformat(event["occurred_at"])
            by = (event["ip"], event["user_agent"]) if how != "mailto" else ()
            leave(whose, how, event["event_id"], at, *by)
