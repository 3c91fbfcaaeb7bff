"""Unsubscribes done by this process too, the moment Kafka has them.

The enricher does each for certain, but it may be far behind the edges' events or wait for ClickHouse, and
mail that is handed over meanwhile would go to somebody who left. A thread does it, as MySQL and Redis may
hang and the visitor must not wait for them; what fails here, or does not fit, is left to the enricher.
"""

import logging
import queue
import threading
from datetime import datetime
from typing import Any
from uuid import UUID

from sidecars.audiences.unsubscribe import leave
from sidecars.edge.messages import resolve
from sidecars.models import database

log = logging.getLogger(__name__)

MOST_WAITING = 1000

_events: queue.Queue[dict[str, Any]] = queue.Queue(MOST_WAITING)
_starting = threading.Lock()
_thread: threading.Thread | None = None


def unsubscribe_soon(event: dict[str, Any]) -> None:
    """Takes a raw event of type unsubscribe, and returns at once."""
    global _thread
    with _starting:  # in the worker: a thread would not outlive gunicorn's fork
        if _thread is None:
            _thread = threading.Thread(target=_work, name="at-once", daemon=True)
            _thread.start()
    try:
        _events.put_nowait(event)
    except queue.Full:
        log.warning("unsubscribe left to the enricher", extra={"event_id": event["event_id"]})


def _work() -> None:
    while True:
        event = _events.get()
        try:
            _unsubscribe(event)
        except Exception as error:  # whatever it is, the enricher meets it too, and knows what to do
            extra = {"event_id": event["event_id"], "error": repr(error)}
            log.warning("unsubscribe left to the enricher", extra=extra)


def _unsubscribe(event: dict[str, Any]) -> None:
    message_id = UUID(event["message_id"])
    with database.connection_context():
        if whose := resolve([message_id]).get(message_id):
            leave(whose, event["method"], event["event_id"], datetime.fromisoformat(event["occurred_at"]))
