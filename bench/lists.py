"""How long the API's lists take in a large audience, on services of its own.

    python -m bench.lists [--contacts 1000000]

That many contacts are imported, and a tenth as many suppressions and messages written; then ten clients ask
the API's process at once, for each list 300 times.
"""

import io
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import requests
from rich.console import Console
from rich.table import Table

from bench.imports import people
from bench.setting import chosen, own_stack

CLIENTS = 10
REQUESTS = 300
AIM_MS = 50
STEP = 5000


def main() -> None:
    """Prints a table; leaves nothing running and nothing behind."""
    contacts = chosen(__doc__, "contacts", 1_000_000)
    with own_stack() as stack:
        team_key, paths = filled(contacts)
        stack.start_processes("web")
        base = f"http://127.0.0.1:{stack.own_env()['WEB_PORT']}/v1"
        table = Table("List", "p50 ms", "p95 ms", title=f"{contacts:,} contacts, {CLIENTS} clients")
        for name, path in paths.items():
            times = asked(base + path, team_key)
            p95 = statistics.quantiles(times, n=20)[-1]
            table.add_row(
                name, f"{statistics.median(times):.0f}", f"{p95:.0f}{'' if p95 < AIM_MS else ' (too slow)'}"
            )
        Console().print(table)


def asked(url: str, key: str) -> list[float]:
    """How many milliseconds each of the requests took."""

    def one_client(_: int) -> list[float]:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {key}"
            return [timed(session, url) for _ in range(REQUESTS // CLIENTS)]

    one_client(0)
    with ThreadPoolExecutor(CLIENTS) as clients:
        return [each for times in clients.map(one_client, range(CLIENTS)) for each in times]


def timed(session: requests.Session, url: str) -> float:
    """Milliseconds to the whole answer."""
    began = time.perf_counter()
    answer = session.get(url, timeout=60)
    if answer.status_code != 200:
        raise SystemExit(f"{url} answered {answer.status_code}: {answer.text[:300]}")
    return (time.perf_counter() - began) * 1000


def filled(contacts: int) -> tuple[str, dict[str, str]]:
    """A team's key, and its lists: what they are called → their paths."""
    from sidecars.accounts import keys
    from sidecars.audiences import contacts as audiences
    from sidecars.audiences import importing
    from sidecars.deliverability import domains, senders
    from sidecars.models import Broadcast, Contact, Send, SendingDomain, Suppression, Team, database, now

    with database.connection_context():
        team = Team.create(name="Bench")
        audience = audiences.create_audience(team.id, "Bench")
        importing.run(importing.create(audience, "bench.csv", io.BytesIO(people(contacts))).id)
        domain = domains.create(team.id, "bench.example")
        SendingDomain.update(verified_at=now()).where(SendingDomain.id == domain.id).execute()
        sender = senders.create(team.id, "Bench", "news@bench.example")
        broadcast = Broadcast.create(team=team, audience=audience, sender=sender, name="Bench", state="sent")
        first = Contact.select(Contact.id).where(Contact.audience == audience).order_by(Contact.id).scalar()
        send = {"team_id": team.id, "broadcast_id": broadcast.id, "state": 3}
        for begin in range(0, contacts // 10, STEP):
            numbers = range(begin, begin + STEP)
            gone = [{"team": team, "email": f"gone{n}@x.example", "reason": "manual"} for n in numbers]
            Suppression.insert_many(gone).execute()
            sent = [send | {"contact_id": first + n, "message_id": uuid4()} for n in numbers]
            Send.insert_many(sent).execute()
        key = keys.make(team.id, "bench").secret
    place = f"/audiences/aud_{audience.id}/contacts"
    return key, {
        "contacts": place,
        "contacts by address": f"{place}?email=reader{contacts // 2}@williams-bakery.example",
        "contacts, subscribed": f"{place}?status=subscribed",
        "contacts, searched": f"{place}?search=reader{contacts // 2}",
        "audiences": "/audiences",
        "imports": f"/audiences/aud_{audience.id}/imports",
        "broadcasts": "/broadcasts",
        "messages of a broadcast": f"/broadcasts/bc_{broadcast.id}/messages",
        "suppressions": "/suppressions",
        "emails": "/emails",
    }


if __name__ == "__main__":
    main()
