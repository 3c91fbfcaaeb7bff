"""The fan-out's tasks. A task is a wake-up: it may be lost, come twice or find that there is nothing to do.

Huey pops a task before it runs, so a task dies with its worker. What must not be lost stands in MySQL, and
the clock (`broadcasts/clock.py`) wakes again for it.
"""

from collections.abc import Callable
from typing import cast

from huey import RedisHuey

from sidecars import names
from sidecars.audiences import exporting, importing
from sidecars.broadcasts import wakeups
from sidecars.broadcasts.handover import send_next_slice
from sidecars.broadcasts.plan import plan_next_chunk
from sidecars.edge.store import connections
from sidecars.models import database

# A worker waits in a blocking pop, so a task starts at once; every second it looks whether it should stop.
huey = RedisHuey(
    names.HUEY_QUEUE, connection_pool=connections(), results=False, blocking=True, read_timeout=1
)

Wakeup = Callable[[int], object]


def task(name: str) -> Callable[[Wakeup], Wakeup]:
    """Makes a function of one id a task, run with a connection to MySQL. Calling it queues it."""
    return cast(Callable[[Wakeup], Wakeup], huey.context_task(database.connection_context(), name=name))


@task("SendBroadcastJob")
def send_broadcast_job(broadcast_id: int) -> None:
    """Plans the broadcast's next chunk of recipients."""
    plan_next_chunk(broadcast_id)


@task("SendBroadcastToContacts")
def send_broadcast_to_contacts(broadcast_id: int) -> None:
    """Sends the broadcast's next slice."""
    send_next_slice(broadcast_id)


@task("ImportContacts")
def import_contacts(import_id: int) -> None:
    """Reads an uploaded CSV into its audience."""
    importing.run(import_id)


@task("ExportContacts")
def export_contacts(export_id: int) -> None:
    """Writes an audience's contacts into a file."""
    exporting.run(export_id)


wakeups.connect(plan=send_broadcast_job, send=send_broadcast_to_contacts)
