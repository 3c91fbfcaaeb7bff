"""Which sending domain is to be checked next, among any number of processes that ask."""

from collections import Counter
from datetime import timedelta

from sidecars.deliverability.domains import STATES, State, state_of
from sidecars.models import SendingDomain, now

# Whoever takes a domain has checked it by then, or died; then it is due again.
HOLD = timedelta(minutes=2)


def take_due() -> int | None:
    """The id of a domain whose check is due, which is the caller's to check; None where there is none."""
    while True:
        due = (
            SendingDomain.select(SendingDomain.id, SendingDomain.next_check_at)
            .where(SendingDomain.next_check_at <= now())
            .order_by(SendingDomain.next_check_at)
            .first()
        )
        if due is None:
            return None
        taken = SendingDomain.update(next_check_at=now() + HOLD).where(
            SendingDomain.id == due.id, SendingDomain.next_check_at == due.next_check_at
        )
        if taken.execute():
            return int(due.id)


def counts() -> dict[State, int]:
    """How many domains are in each state."""
    rows = SendingDomain.select(SendingDomain.verified_at, SendingDomain.failing_since)
    found = Counter(state_of(row) for row in rows)
    return {state: found[state] for state in STATES}
