"""How fast lists come in: rows a second and CPU of the worker, on services of its own.

    python -m bench.imports [--rows 200000]

A list of ten columns as demo/contacts.csv has them, repeated with other addresses: previewed, imported
into an empty audience, imported again (every row met), and given out as a CSV. Beside them, the way of most
other systems: rows read with the same code, then one INSERT a row, a thousand a transaction.
"""

import csv
import io
import resource
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.setting import chosen, own_stack

DEMO = Path(__file__).resolve().parents[1] / "demo" / "contacts.csv"


def main() -> None:
    """Prints a table; leaves nothing running and nothing behind."""
    rows = chosen(__doc__, "rows", 200_000)
    with own_stack():
        Console().print(measure(rows))


def measure(rows: int) -> Table:
    """Runs the three, in this process."""
    # Only now, as settings are read when sidecars is imported.
    from sidecars.audiences import contacts, exporting, importing
    from sidecars.models import ContactImport, Team, database

    content = people(rows)
    table = Table(
        "What", "Rows/s", "CPU µs/row", title=f"{rows:,} rows, {len(content) / rows:.0f} bytes each"
    )
    with database.connection_context():
        audience = contacts.create_audience(Team.create(name="Bench").id, "Bench")

        def imported() -> None:
            job = importing.create(audience, "bench.csv", io.BytesIO(content))
            importing.run(job.id)
            done = ContactImport.get_by_id(job.id)
            if (done.state, done.rows_done, done.rows_invalid) != ("finished", rows, 0):
                raise SystemExit(f"the import went wrong: {done.state}, {done.reason}, {done.errors[:3]}")

        for what, work in (
            ("preview", lambda: importing.preview(io.BytesIO(content), audience.id)),
            ("import, new", imported),
            ("import, again", imported),
            ("export", lambda: sum(map(len, exporting.written(audience.id, "csv", exporting.Chosen())))),
        ):
            table.add_row(what, *timed(work, rows))
        few = rows // 10
        other = contacts.create_audience(audience.team_id, "One by one")
        table.add_row("one INSERT a row", *timed(lambda: one_by_one(other.id, people(few)), few))
    table.caption = f"Peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
    return table


def one_by_one(audience_id: int, content: bytes) -> None:
    """What an import does not do."""
    from sidecars.audiences.columns import Columns, guess_kinds, guess_mapping
    from sidecars.audiences.csvfile import Table as Csv
    from sidecars.models import Contact, database

    csv_file = Csv(io.BytesIO(content))
    mapping = guess_mapping(csv_file.titles)
    rows = [cells for _, cells, _ in csv_file.rows()]
    columns = Columns(csv_file.titles, mapping, guess_kinds(csv_file.titles, mapping, rows[:1000]))
    for begin in range(0, len(rows), 1000):
        with database.atomic():
            for person in map(columns.read, rows[begin : begin + 1000]):
                Contact.create(
                    audience=audience_id,
                    email=person.email,
                    first_name=person.first_name,
                    last_name=person.last_name,
                    properties=person.properties,
                )


def timed(work: Callable[[], object], rows: int) -> tuple[str, str]:
    """Rows a second by the clock, and microseconds of this process's CPU a row."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu
    return f"{rows / seconds:,.0f}", f"{cpu_seconds / rows * 1e6:.1f}"


def people(rows: int) -> bytes:
    """A CSV of so many different addresses."""
    with DEMO.open(encoding="utf-8", newline="") as file:
        titles, *known = csv.reader(file)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(titles)
    for number, (email, *others) in enumerate(islice(cycle(known), rows)):
        writer.writerow([f"reader{number}@{email.rpartition('@')[2]}", *others])
    return text.getvalue().encode()


if __name__ == "__main__":
    main()
