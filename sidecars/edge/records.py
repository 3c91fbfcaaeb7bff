"""What the edge must know of teams and domains, copied from MySQL into Redis.

The edge reads nothing else at AUTH and at signing, so each change of a key or a domain is written here
at once, after its commit. MySQL is the truth: `write_all` makes Redis whole again after a loss. Writers of
one record take turns by a lock on its row, so that none puts back what another has just replaced.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from uuid import uuid4

from sidecars import names
from sidecars.edge import holds, lanes
from sidecars.edge.store import redis
from sidecars.edge.tracking import tracking_url
from sidecars.models import ApiKey, MailStream, SendingDomain, Team, database
from sidecars.settings import settings
from sidecars.usage import allowance

# Longer than any filling takes; a process that dies in the midst of one leaves its mark behind.
MARK_SECONDS = 24 * 60 * 60

OUT_OF_CREDITS = "The team has used its credits of this month; GET /v1/usage tells of them"

_DECLARE = redis.register_script("if redis.call('DEL', KEYS[1]) == 1 then redis.call('SET', KEYS[2], 1) end")


def write_team(team_id: int) -> None:
    """TEAM:<id> → name, verified domains, one `key:<sha256 hex>` for each living API key.

    And what its programs are told: `stopped:<stream>` where a stream stopped itself, `out_of_credits` where
    it may send no more this month.
    """
    with database.atomic():
        team = Team.select().where(Team.id == team_id).for_update().first()
        _replace(names.team_key(team_id), _team_record(team) if team else {})


def write_domain(domain_id: int) -> None:
    """DOMAIN:<domain> → how its mail is signed and where its bounces go, and its team's record with it.

    The private key stays sealed (`deliverability/seal.py`); the edge opens it. A domain that is not
    verified is written too: its signing can be tried, but no team record allows it as a sender. Of several
    teams that registered the name it is the one that holds it, or held it last.
    """
    domain = SendingDomain.get_by_id(domain_id)
    write_domain_of(domain.team_id, domain.name)


def write_domain_of(team_id: int, name: str) -> None:
    """The same for a domain that the team may have removed."""
    _write_domain(name)
    write_team(team_id)


def write_all() -> int:
    """Writes every team and domain anew, what is said of lanes, and which broadcasts are held back.

    What MySQL does not know goes. Returns how many teams and domains there were.
    """
    domains = _known(names.domain_key) | {row.name for row in SendingDomain.select(SendingDomain.name)}
    team_ids = {int(known) for known in _known(names.team_key)} | {row.id for row in Team.select(Team.id)}
    for name in domains:
        _write_domain(name)
    for team_id in team_ids:
        write_team(team_id)
    lanes.write()
    holds.write()
    return len(domains) + len(team_ids)


@contextmanager
def made_whole() -> Iterator[None]:
    """Around all that fills a Redis that lost its data; edges take broadcasts' mail again after it.

    Where Redis lost its data once more in the meantime it is not declared whole, and `are_there` stays False.
    """
    mark = names.edge_records_mark(uuid4().hex)
    redis.set(mark, 1, ex=MARK_SECONDS)
    yield
    _DECLARE(keys=[mark, names.EDGE_RECORDS_KEY])


def are_there() -> bool:
    """False where Redis was never filled, or lost its data since."""
    return bool(redis.exists(names.EDGE_RECORDS_KEY))


def _known(key: Callable[[str], str]) -> set[str]:
    """Whose records Redis has."""
    return {str(found).removeprefix(key("")) for found in redis.scan_iter(match=key("*"), count=1000)}


def _write_domain(name: str) -> None:
    with database.atomic():
        registered = SendingDomain.select().where(SendingDomain.name == name)
        holder_first = (SendingDomain.verified_at.is_null(), SendingDomain.failing_since.is_null())
        domain = registered.order_by(*holder_first, SendingDomain.id).for_update().first()
        _replace(names.domain_key(name), _domain_record(domain) if domain else {})


def _team_record(team: Team) -> dict[str, str]:
    verified = (
        SendingDomain.select(SendingDomain.name)
        .where(SendingDomain.team == team, SendingDomain.verified_at.is_null(False))
        .order_by(SendingDomain.name)
    )
    limit = settings.recipients_an_hour if team.recipients_an_hour is None else team.recipients_an_hour
    stopped = MailStream.select().where(MailStream.team == team, MailStream.stopped_at.is_null(False))
    keys = ApiKey.select().where(ApiKey.team == team, ApiKey.revoked_at.is_null())
    submitting = [key for key in keys if _may_submit(key)]
    return {
        "name": team.name,
        "domains": ",".join(domain.name for domain in verified),
        **({"recipients_an_hour": str(limit)} if limit else {}),
        **({"out_of_credits": OUT_OF_CREDITS} if allowance.left(team.id) == 0 else {}),
        **{f"stopped:{row.stream}": _why_stopped(row) for row in stopped},
        **{f"key:{key.sha256.hex()}": _key_record(key) for key in submitting},
    }


def _may_submit(key: ApiKey) -> bool:
    words = {names.KEY_SEND_ONLY, names.PERMISSION_TO_SUBMIT}
    return not key.scopes or not words.isdisjoint(key.scopes)


def _key_record(key: ApiKey) -> str:
    expires = [f"{names.KEY_EXPIRES}{int(key.expires_at.timestamp())}"] if key.expires_at else []
    return " ".join([str(key.id), *key.scopes, *expires])


def _why_stopped(row: MailStream) -> str:
    return (
        f"The {row.stream} stream stopped itself: {row.reason}. "
        f"POST /v1/streams/{row.stream}/resume lets it go on"
    )


def _domain_record(domain: SendingDomain) -> dict[str, str]:
    record = {
        "team_id": str(domain.team_id),
        "selector": domain.dkim_selector,
        "private_key": domain.dkim_private_key,
        "return_path": domain.return_path,
        "tracking_url": tracking_url(domain),
    }
    record |= {name: "1" for name in ("track_opens", "track_clicks") if getattr(domain, name)}
    selector, private_key = domain.ed25519_selector, domain.ed25519_private_key
    # Till receivers can look the second key up, its signatures only cost.
    if selector and private_key and domain.ed25519_verified_at is not None:
        record |= {"ed25519_selector": selector, "ed25519_private_key": private_key}
    return record


def _replace(key: str, record: Mapping[str, str]) -> None:
    """One transaction, so that the edge never sees half a record; an empty record is no record."""
    with redis.pipeline(transaction=True) as pipeline:
        pipeline.delete(key)
        if record:
            pipeline.hset(key, items=[part for pair in record.items() for part in pair])
        pipeline.execute()
