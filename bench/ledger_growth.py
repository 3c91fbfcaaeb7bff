"""Does a broadcast get dearer as the ledger grows? Rows that MariaDB looks at, and time, empty and full.

    python -m bench.ledger_growth [--old 10000000]

On a MariaDB of its own with its usual 256 MB of memory. The same small broadcast is planned, claimed, loaded,
accepted, settled and looked up several times: first alone, then beside so many sends of broadcasts that ended
long ago. Rows are counted by the server (Handler_read counters); its CPU time is that of the connection's
thread, the least of some rounds. Neither depends much on how busy the machine is. The plan of each statement
is that of the full table. At last one of the old broadcasts is archived.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from bench.setting import chosen, own_stack

RECIPIENTS = 5000
ROUNDS = 5
OLD_BROADCAST = 100_000
OLD_AGE_SECONDS = 100 * 24 * 3600


@dataclass
class Step:
    """MariaDB's least CPU time for one step so far, the rows that it looked at, and its statements."""

    seconds: float = float("inf")
    rows: int = 0
    statements: list[tuple[str, Any]] = field(default_factory=list)


Steps = dict[str, Step]


def main() -> None:
    """Prints three tables; leaves nothing running and nothing behind."""
    old = chosen(__doc__, "old", 10_000_000)
    console = Console()
    with own_stack("mariadb", "redis", "s3"):
        from sidecars.models import database

        with database.connection_context():
            readers = Readers()
            alone = measured(readers)
            fill(readers, old, console)
            beside = measured(readers)
            console.print(comparison(alone, beside, old))
            console.print(plans(beside))
            console.print(archived())


class Readers:
    """A team and an audience of RECIPIENTS, to whom all broadcasts go."""

    def __init__(self) -> None:
        from tests.sending import make_people, make_team

        self.team = make_team()
        self.audience = make_people(self.team, RECIPIENTS).audience

    def draft(self, **fields: Any) -> Any:
        """A broadcast to them."""
        from tests.sending import make_draft

        return make_draft(self.team, self.audience, **fields)


def measured(readers: Readers) -> Steps:
    """ROUNDS broadcasts, one after the other."""
    steps: Steps = {}
    for _ in range(ROUNDS):
        live_broadcast(readers, steps)
    return steps


def live_broadcast(readers: Readers, steps: Steps) -> None:
    """One broadcast's way through the ledger, each step timed for all of its recipients."""
    from sidecars.archive.sends import find_sends, read_sends
    from sidecars.broadcasts import ledger
    from sidecars.broadcasts.compose import load_planned
    from sidecars.broadcasts.handover import PLANNED
    from sidecars.broadcasts.moves import move_sends
    from sidecars.broadcasts.plan import plan
    from sidecars.broadcasts.publish import publish
    from sidecars.broadcasts.settle import CHUNK, Settlement, settle
    from sidecars.broadcasts.slices import close, take_slice
    from sidecars.broadcasts.states import SendState

    broadcast = publish(readers.draft().id)
    with timed(steps, "plan"):
        plan(broadcast.id)
    with timed(steps, "claim slices"):
        pieces = [piece for piece in iter(lambda: take_slice(broadcast.id), None) if piece]
    with timed(steps, "load planned rows"):
        for piece in pieces:
            load_planned(broadcast.id, piece.lo, piece.hi)
    with timed(steps, "accept"):
        for piece in pieces:
            move_sends(broadcast.id, piece.contact_ids, PLANNED, SendState.ACCEPTED, edge=1)
    with timed(steps, "close slices"):
        for piece in pieces:
            close(piece)
    rows = read_sends(broadcast.id)
    random.shuffle(rows)
    with timed(steps, "settle, shuffled"):
        for start in range(0, RECIPIENTS, CHUNK):
            some = rows[start : start + CHUNK]
            settle(
                [Settlement(broadcast.id, row.contact_id, SendState.DELIVERED, edge="edge-1") for row in some]
            )
    with timed(steps, "find by message id"):
        find_sends([row.message_id for row in rows[:CHUNK]])
    with timed(steps, "count states"):
        ledger.counts(broadcast.id)


@contextmanager
def timed(steps: Steps, name: str) -> Iterator[None]:
    """Notes MariaDB's CPU time, the rows that it looked at and the statements of the block."""
    from sidecars.models import database

    step, statements = steps.setdefault(name, Step()), []
    execute = database.execute_sql

    def noted(sql: str, params: Any = None) -> Any:
        statements.append((sql, params))
        return execute(sql, params)

    earlier, before = rows_looked_at(), rows_looked_at()
    with patch.object(database, "execute_sql", noted):
        began = server_seconds()
        yield
        step.seconds = min(step.seconds, server_seconds() - began)
    step.rows = (rows_looked_at() - before) - (before - earlier)
    step.statements = statements


def server_seconds() -> float:
    """CPU time of the thread that serves this connection: proc(5), /proc/PID/task/TID/schedstat."""
    # A thread's folder is there under its own number too, though /proc does not list it.
    return int(Path(f"/proc/{server_thread()}/schedstat").read_text().split()[0]) / 1e9


@cache
def server_thread() -> int:
    """Of the one connection that all of this uses."""
    from sidecars.models import database

    of_this = "SELECT tid FROM information_schema.processlist WHERE id = CONNECTION_ID()"
    return int(database.execute_sql(of_this).fetchone()[0])


def rows_looked_at() -> int:
    """By this connection so far. To ask adds some itself, always the same number: see `timed`."""
    from sidecars.models import database

    asked = database.execute_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'", ())
    return sum(int(number) for _, number in asked)


def fill(readers: Readers, number: int, console: Console) -> None:
    """So many sends of ended broadcasts, with their slices, all delivered."""
    from sidecars.broadcasts.plan import UUID7
    from sidecars.broadcasts.states import SendState
    from sidecars.models import database

    at = int(time.time()) - OLD_AGE_SECONDS
    ended = datetime.fromtimestamp(at, UTC)
    for start in range(0, number, OLD_BROADCAST):
        broadcast = readers.draft(state="sent", finished_at=ended, planned_total=OLD_BROADCAST)
        database.execute_sql(
            f"""INSERT INTO sends (broadcast_id, contact_id, team_id, variant_id, message_id, state, attempts,
                                   edge, accepted_at, settled_at)
                SELECT %s, seq, %s, 1, {UUID7}, %s, 1, 1, %s + seq DIV 5000, %s + seq DIV 4000
                  FROM seq_1_to_{OLD_BROADCAST}""",  # noqa: S608 - of constants
            (broadcast.id, readers.team.id, (at + start // 1000) * 1000, SendState.DELIVERED, at, at + 1),
        )
        database.execute_sql(
            f"""INSERT INTO send_slices (broadcast_id, lo, hi, n, state, not_before)
                SELECT %s, seq, seq + 499, 500, 'done', UTC_TIMESTAMP(3)
                  FROM seq_1_to_{OLD_BROADCAST}_step_500""",  # noqa: S608
            (broadcast.id,),
        )
        if (start + OLD_BROADCAST) % 1_000_000 == 0:
            console.print(f"{start + OLD_BROADCAST:,} old sends", style="dim")


def comparison(alone: Steps, beside: Steps, old: int) -> Table:
    """One row a step."""
    title = f"{RECIPIENTS:,} recipients, alone and beside {old:,} old sends"
    table = Table("Step", "Rows alone", "beside", "CPU µs/mail alone", "beside", "Ratio", title=title)
    for name, step in alone.items():
        full = beside[name]
        cpu = (f"{each.seconds / RECIPIENTS * 1e6:.2f}" for each in (step, full))
        table.add_row(name, f"{step.rows:,}", f"{full.rows:,}", *cpu, f"{full.seconds / step.seconds:.2f}")
    return table


def plans(steps: Steps) -> Table:
    """What MariaDB says of each different statement (EXPLAIN)."""
    from sidecars.models import database

    table = Table("Step", "Table", "Access", "Key", "Rows expected")
    for name, step in steps.items():
        by_text = {sql: params for sql, params in step.statements if _can_be_explained(sql)}
        for sql, params in by_text.items():
            for row in database.execute_sql(f"EXPLAIN {sql}", params):
                _, _, of_table, access, _, key, _, _, rows, *_ = row
                if key:  # else it is a list of values, or nothing at all
                    table.add_row(name, of_table, access, key, str(rows))
    return table


def _can_be_explained(sql: str) -> bool:
    return "sends" in sql or "send_slices" in sql


def archived() -> Table:
    """One old broadcast, on its way to S3."""
    from sidecars.archive.sends import is_archived
    from sidecars.broadcasts.archiving import advance, due
    from sidecars.models import ArchivedPart
    from sidecars.settings import settings
    from sidecars.storage import client

    broadcast_id = next(due(days=90))
    began = time.process_time()
    while not is_archived(broadcast_id):
        advance(broadcast_id)
    written = time.process_time()
    while advance(broadcast_id):
        pass
    dropped = time.process_time()
    size = sum(
        client().head_object(Bucket=settings.s3_bucket, Key=part.object_key)["ContentLength"]
        for part in ArchivedPart.select().where(ArchivedPart.broadcast == broadcast_id)
    )
    table = Table("Archiving", "a row", title=f"{OLD_BROADCAST:,} rows")
    table.add_row("in MySQL, bytes", f"{bytes_a_row():.0f}")
    table.add_row("in S3, bytes", f"{size / OLD_BROADCAST:.1f}")
    table.add_row("written and read back, CPU µs", f"{(written - began) / OLD_BROADCAST * 1e6:.1f}")
    table.add_row("compared and dropped, CPU µs", f"{(dropped - written) / OLD_BROADCAST * 1e6:.1f}")
    return table


def bytes_a_row() -> float:
    """Of data and indexes, by MariaDB's estimate of the number of rows."""
    from sidecars.models import database

    row = database.execute_sql(
        """SELECT (data_length + index_length) / table_rows FROM information_schema.tables
            WHERE table_schema = DATABASE() AND table_name = 'sends'"""
    ).fetchone()
    return float(row[0])


if __name__ == "__main__":
    main()
