"""Sending domains: their keys, whether the world sees their records, and what follows from it.

A domain is `pending` till its required records are seen, then `verified`. A record that vanishes makes it
`failing`: it sends on for DOMAIN_GRACE_HOURS, with a warning, and is `stopped` then.

Any team may register a name. It is verified for the one whose own key is in its DNS; while that key is there
no other is, and when it is gone, whoever has theirs there takes the name over.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import idna
from peewee import DoesNotExist, IntegrityError

from sidecars.callbacks import feed
from sidecars.callbacks.events import EventType
from sidecars.deliverability import dkim_keys, domain_checks
from sidecars.deliverability.domain_checks import Check
from sidecars.deliverability.seal import seal
from sidecars.edge.records import write_domain
from sidecars.models import SendingDomain, database, now
from sidecars.notices import outbox
from sidecars.settings import settings
from sidecars.usage import limits

log = logging.getLogger(__name__)

RETURN_PATH_LABEL = "kb"
READ_COMMITTED = "READ COMMITTED"  # whoever waited for a turn sees what was made before it
# The longest name put before the domain, `<selector>._domainkey.`, and its envelope senders, must still fit.
MAX_NAME = 200
# A mail may wait in queues, ours and others', for so long after it was signed.
KEEP_PREVIOUS_KEY = timedelta(days=14)

SOONEST_CHECK = timedelta(minutes=1)
# After name servers that gave no answer.
NEXT_TRY = timedelta(minutes=10)

State = Literal["pending", "verified", "failing", "stopped"]
STATES: tuple[State, ...] = ("pending", "verified", "failing", "stopped")


class DomainError(ValueError):
    """Not a domain that mail can be sent from; the message says why."""


class DomainTaken(Exception):
    """The team has registered the domain already."""


class NextKeyUnseen(Exception):
    """The next DKIM key is not in DNS, so that mail signed by it would fail; the message says what to do."""


def create(team_id: int, name: str) -> SendingDomain:
    """Registers a domain with two fresh RSA-2048 keys (RFC 8301).

    Raises DomainError, DomainTaken, OverPlan.
    """
    domain = domain_name(name)
    key = dkim_keys.make_rsa()
    selector = dkim_keys.selector_after(None)
    try:
        with database.atomic(READ_COMMITTED):
            limits.check(team_id, limits.DOMAINS)
            return SendingDomain.create(
                team=team_id,
                name=domain,
                dkim_selector=selector,
                dkim_private_key=seal(key.private_pem),
                dkim_public_key=key.published,
                return_path=f"{RETURN_PATH_LABEL}.{domain}",
                next_check_at=now() + SOONEST_CHECK,
                **_next_key(selector),
            )
    except IntegrityError as error:
        raise DomainTaken(domain) from error


def sign_with_ed25519(domain_id: int, wanted: bool) -> None:
    """Gives a domain a second key (RFC 8463), or takes it away; one that is there stays as it is.

    Mail is signed by it once `verify` has seen its record. Receivers that cannot read it still have the
    RSA signature. Raises peewee.DoesNotExist.
    """
    domain = SendingDomain.get_by_id(domain_id)
    if wanted == (domain.ed25519_selector is not None):
        return
    key = dkim_keys.make_ed25519() if wanted else None
    SendingDomain.update(
        ed25519_selector=f"{dkim_keys.selector_after(None)}ed" if key else None,
        ed25519_private_key=seal(key.private_pem) if key else None,
        ed25519_public_key=key.published if key else None,
        ed25519_verified_at=None,
    ).where(SendingDomain.id == domain_id).execute()
    write_domain(domain_id)


def track_at(domain_id: int, host: str | None) -> None:
    """Has links lead to `host`, a name below the domain, once it leads to us; None: to the installation's.

    Raises DomainError, peewee.DoesNotExist.
    """
    domain = SendingDomain.get_by_id(domain_id)
    name = domain_name(host) if host else None
    if name and not name.endswith(f".{domain.name}"):
        raise DomainError(f"Give a name below the domain, such as links.{domain.name}.")
    if name == domain.return_path:
        raise DomainError("That is the return path, whose CNAME leads elsewhere; give another name.")
    if name == domain.tracking_host:
        return
    SendingDomain.update(tracking_host=name, tracking_verified_at=None).where(
        SendingDomain.id == domain_id
    ).execute()
    write_domain(domain_id)


def domain_name(text: str) -> str:
    """`Bücher.example.` → `xn--bcher-kva.example` (RFC 5891). Raises DomainError."""
    try:
        name: str = idna.encode(text.strip().rstrip("."), uts46=True).decode()
    except idna.IDNAError as error:
        raise DomainError(f"This is not a domain name: {error}.") from error
    if len(name) > MAX_NAME:
        raise DomainError(
            f"The name is longer than {MAX_NAME} characters; the records below it would not fit."
        )
    if "." not in name or name.rpartition(".")[2].isdigit():
        raise DomainError("Give a full domain name, such as news.example.com.")
    return name


def state_of(domain: SendingDomain) -> State:
    """Mail can be sent in `verified` and `failing`."""
    if domain.verified_at is not None:
        return "failing" if domain.failing_since else "verified"
    return "stopped" if domain.failing_since else "pending"


def stops_at(domain: SendingDomain) -> datetime | None:
    """When a failing domain stops sending, unless its records come back; None for any other."""
    since: datetime | None = domain.failing_since if state_of(domain) == "failing" else None
    return since + _grace() if since else None


def previous_needed_until(domain: SendingDomain) -> datetime | None:
    """Till when mail signed by the previous key may arrive; None where there is none, or none any more."""
    until: datetime | None = domain.rotated_at + KEEP_PREVIOUS_KEY if domain.rotated_at else None
    return until if until and until > now() else None


def verify(domain_id: int) -> list[Check]:
    """Asks DNS for everything and keeps the outcome; the edge knows of it when this returns.

    What could not be asked keeps the earlier outcome. Where the key that signs has vanished and the next one
    is there, the next one takes over. Raises peewee.DoesNotExist.
    """
    while True:
        domain = _with_next_key(SendingDomain.get_by_id(domain_id))
        checks = domain_checks.run(domain)
        if after := _write_down(domain, checks):
            break
    if _ok(checks, "dkim") is False and after.next_verified_at is not None:
        _switch_keys(domain_id)
        log.warning("DKIM record vanished, the next key took over", extra=_ids(domain))
        return verify(domain_id)
    write_domain(domain_id)
    return checks


def rotate(domain_id: int) -> SendingDomain:
    """Has the next key sign from now on, and makes a new next one; returns the domain as it then is.

    Raises NextKeyUnseen where DNS does not show the next key at this moment, and peewee.DoesNotExist.
    """
    signing = SendingDomain.get_by_id(domain_id).dkim_selector
    checks = verify(domain_id)
    if SendingDomain.get_by_id(domain_id).dkim_selector != signing:
        return SendingDomain.get_by_id(domain_id)  # its record had vanished, and the next key took over
    if _ok(checks, "dkim_next") is not True:
        check = next(check for check in checks if check.kind == "dkim_next")
        raise NextKeyUnseen(f"{check.message} The record is {check.record.name}." if check.record else "")
    _switch_keys(domain_id)
    write_domain(domain_id)
    return SendingDomain.get_by_id(domain_id)


def rotation_due(domain: SendingDomain) -> bool:
    """Whether the key that signs is old (DKIM_ROTATE_DAYS) and the next one could take over."""
    age = now() - (domain.rotated_at or domain.created_at)
    days = settings.dkim_rotate_days
    return 0 < days <= age / timedelta(days=1) and domain.next_verified_at is not None


def next_check(domain: SendingDomain, moment: datetime) -> datetime:
    """When to look again: what waits for its owner soon at first, then ever more seldom; what is well seldom.

    A tenth of how long it has been so, from a minute up to DOMAIN_CHECK_HOURS, and when its grace ends.
    """
    usual = timedelta(hours=settings.domain_check_hours)
    if state_of(domain) == "verified":
        return moment + usual
    waiting: timedelta = moment - (domain.failing_since or domain.created_at)
    due = moment + min(max(waiting / 10, SOONEST_CHECK), usual)
    end = stops_at(domain)
    return min(due, max(end, moment + SOONEST_CHECK)) if end else due


def _next_key(selector: str) -> dict[str, str | None]:
    """The columns of a fresh key, to follow that of `selector`."""
    key = dkim_keys.make_rsa()
    return {
        "next_selector": dkim_keys.selector_after(selector),
        "next_private_key": seal(key.private_pem),
        "next_public_key": key.published,
        "next_verified_at": None,
    }


def _with_next_key(domain: SendingDomain) -> SendingDomain:
    """Domains of before there were next keys get theirs at their first check."""
    if domain.next_selector is None:
        SendingDomain.update(**_next_key(domain.dkim_selector)).where(
            SendingDomain.id == domain.id, SendingDomain.next_selector.is_null()
        ).execute()
        return SendingDomain.get_by_id(domain.id)
    return domain


def _switch_keys(domain_id: int) -> None:
    with database.atomic():
        domain = SendingDomain.select().where(SendingDomain.id == domain_id).for_update().get()
        if domain.next_selector is None or domain.next_verified_at is None:
            raise NextKeyUnseen("Somebody else has just changed the key; look at the records again.")
        SendingDomain.update(
            previous_selector=domain.dkim_selector,
            dkim_selector=domain.next_selector,
            dkim_private_key=domain.next_private_key,
            dkim_public_key=domain.next_public_key,
            dkim_verified_at=domain.next_verified_at,
            rotated_at=now(),
            next_check_at=now() + SOONEST_CHECK,
            **_next_key(domain.next_selector),
        ).where(SendingDomain.id == domain_id).execute()
    log.info("DKIM key rotated", extra=_ids(domain) | {"selector": domain.next_selector})


def _write_down(asked: SendingDomain, checks: list[Check]) -> SendingDomain | None:
    """The domain with the outcome of its checks; None where it is not the one that was asked for any more.

    Adds a check where another team holds the name. Whom this concerns is told of it.
    """
    with database.atomic():
        registered = _registered(asked.name)
        domain = next((row for row in registered if row.id == asked.id), None)
        if domain is None:
            raise DoesNotExist(f"The domain {asked.name} was removed meanwhile.")
        if _questions(domain) != _questions(asked):
            return None
        before, failed_since, moment = state_of(domain), domain.failing_since, now()
        holder = next((row for row in registered if row.verified_at and row.id != domain.id), None)
        if holder is not None and _is_proven(checks):
            # With its key still there, a holder fails by what both teams share, which is back.
            if holder.failing_since is None or holder.dkim_verified_at is not None:
                checks.append(_held(holder))
            else:
                _take_away(holder, moment)
        for column, kind in (
            ("dkim_verified_at", "dkim"),
            ("next_verified_at", "dkim_next"),
            ("return_path_verified_at", "return_path"),
            ("tracking_verified_at", "tracking"),
            ("ed25519_verified_at", "ed25519"),
        ):
            setattr(domain, column, _since(_ok(checks, kind), getattr(domain, column), moment))
        _judge(domain, checks, moment)
        domain.checked_at = moment
        unanswered = any(check.ok is None for check in checks)
        domain.next_check_at = moment + NEXT_TRY if unanswered else next_check(domain, moment)
        domain.problems = [
            {"kind": check.kind, "required": check.required, "message": check.message}
            for check in checks
            if not check.ok
        ]
        domain.save(only=domain.dirty_fields)  # the database makes `held_name`
        _tell(domain, before, failed_since or domain.failing_since)
        return domain


def _registered(name: str) -> list[SendingDomain]:
    """Of all teams, locked: who verifies one decides about the others."""
    rows = SendingDomain.select().where(SendingDomain.name == name).order_by(SendingDomain.id)
    return list(rows.for_update())


def _is_proven(checks: Sequence[Check]) -> bool:
    """Whether the name is its team's: its own key stands there, and the return path leads to us."""
    return all(check.ok for check in checks if check.required)


def _held(holder: SendingDomain) -> Check:
    """What whoever rules the zone may do about the other team, whose key they can see there."""
    name = f"{holder.dkim_selector}._domainkey.{holder.name}"
    return Check(
        "held",
        None,
        False,
        [name],
        f"Your records are right, but another team sends from {holder.name} as long as its own are there. "
        f"If it should not, remove its TXT record {name}: that is seen at its next check, and the domain is "
        "yours at the next one here.",
    )


def _take_away(holder: SendingDomain, moment: datetime) -> None:
    """Stops a failing domain before its grace is over; the fan-out looks at it next, for what it sends."""
    before = state_of(holder)
    holder.verified_at, holder.next_check_at = None, moment
    taken = "Another team has its own records there now, and has taken the name over."
    holder.problems = [{"kind": "held", "required": True, "message": taken}]
    holder.save(only=holder.dirty_fields)
    _tell(holder, before, holder.failing_since)
    database.after_commit(lambda: write_domain(holder.id))


def _judge(domain: SendingDomain, checks: Sequence[Check], moment: datetime) -> None:
    """Verified while all required records are seen; what DNS contradicts for longer than the grace is not."""
    required = [check.ok for check in checks if check.required]
    if _is_proven(checks):
        domain.verified_at = domain.verified_at or moment
        domain.failing_since = None
    elif False in required and domain.verified_at is not None:
        domain.failing_since = domain.failing_since or moment
        if moment >= domain.failing_since + _grace():
            domain.verified_at = None


def _questions(domain: SendingDomain) -> tuple[object, ...]:
    """What a check's answers belong to."""
    return (domain.dkim_selector, domain.next_selector, domain.ed25519_selector, domain.tracking_host)


def _ok(checks: Sequence[Check], kind: str) -> bool | None:
    """False too for what is not asked for."""
    return next((check.ok for check in checks if check.kind == kind), False)


def _since(ok: bool | None, before: datetime | None, moment: datetime) -> datetime | None:
    """Since when it holds; None where it does not."""
    if ok is None:
        return before
    return (before or moment) if ok else None


def _tell(domain: SendingDomain, before: State, failed_since: datetime | None) -> None:
    """Logs a change of its state, and has its team told of one that began with a record that vanished."""
    state = state_of(domain)
    if state == before:
        return
    faults = [problem["message"] for problem in domain.problems or [] if problem["required"]]
    ids = _ids(domain)
    if state == "failing":
        said = {"stops_at": f"{stops_at(domain):%Y-%m-%dT%H:%MZ}", "error": " ".join(faults)}
        log.warning("a sending domain's record vanished; it stops unless that comes back", extra=ids | said)
    elif state == "stopped":
        log.error("a sending domain stopped, its records are gone", extra=ids | {"error": " ".join(faults)})
    else:
        log.info("sending domain verified", extra=ids)
    _tell_apps(domain, state, faults)
    if failed_since is not None:
        facts = {
            "domain": domain.name,
            "domain_id": domain.id,
            "faults": faults,
            "stops_at": stops_at(domain),
        }
        about, occurrence = f"domain:{domain.id}", failed_since.isoformat()
        outbox.tell(domain.team_id, f"domain_{state}", about, occurrence, **facts)


def _tell_apps(domain: SendingDomain, state: State, faults: list[str]) -> None:
    data = {"domain_id": f"dom_{domain.id}", "domain": domain.name, "state": state, "faults": faults}
    type_: EventType = "domain.verified" if state == "verified" else "domain.broken"
    feed.tell(domain.team_id, type_, f"domain:{domain.id}", now(), data)


def _ids(domain: SendingDomain) -> dict[str, object]:
    return {"team_id": domain.team_id, "domain": domain.name}


def _grace() -> timedelta:
    return timedelta(hours=settings.domain_grace_hours)
