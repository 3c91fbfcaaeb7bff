"""Whether a team may send from an address now. The same rules as the edge's for submission by SMTP."""

import time
from dataclasses import dataclass

from sidecars import names
from sidecars.deliverability.addresses import domain_of
from sidecars.edge.store import redis
from sidecars.edge.tracking import tracking_url
from sidecars.models import MailStream, SendingDomain, Team
from sidecars.settings import settings

# As the edges, which look at a team's record each second.
KEPT_SECONDS = 1.0
MOST_KEPT = 1000
HOUR_SECONDS = 3600
# Longer than the hour itself: clocks differ a little.
COUNT_KEPT_SECONDS = 2 * HOUR_SECONDS

_RESERVE = redis.register_script(
    """local taken = tonumber(redis.call('GET', KEYS[1]) or '0')
    if taken + ARGV[1] > tonumber(ARGV[2]) then return 0 end
    redis.call('INCRBY', KEYS[1], ARGV[1])
    redis.call('EXPIRE', KEYS[1], ARGV[3])
    return 1"""
)


@dataclass(frozen=True)
class Domain:
    """A verified domain of a team. `follows_…` is for mail that does not say it itself."""

    name: str
    return_path: str
    tracking_url: str
    follows_opens: bool
    follows_clicks: bool


class NotVerified(Exception):
    """The domain is not one that the team may send from; the text says what to do."""


class StreamStopped(Exception):
    """The stream stopped itself; the text says why, and how it goes on."""


class OverLimit(Exception):
    """The team has had its recipients of this hour."""

    def __init__(self, limit: int, seconds: int) -> None:
        super().__init__(f"The team may have {limit:,} recipients an hour. The next begins in {seconds} s.")
        self.seconds = seconds


_kept: dict[tuple[int, str, str], tuple[float, Domain | Exception, int]] = {}


def check(team_id: int, address: str, stream: str, fresh: bool = False) -> Domain:
    """The domain of a From address. Raises NotVerified and StreamStopped. As of a second ago, or `fresh`."""
    return _looked_up(team_id, address, stream, fresh)[0]


def reserve(team_id: int, address: str, stream: str, recipients: int) -> None:
    """Counts recipients against the team's hour, as edges do. Raises OverLimit; `give_back` undoes it."""
    _, limit = _looked_up(team_id, address, stream, False)
    if limit and not _RESERVE(keys=[_hour_key(team_id)], args=[recipients, limit, COUNT_KEPT_SECONDS]):
        raise OverLimit(limit, HOUR_SECONDS - int(time.time()) % HOUR_SECONDS)


def give_back(team_id: int, address: str, stream: str, recipients: int) -> None:
    """Undoes `reserve`."""
    if _looked_up(team_id, address, stream, False)[1]:
        redis.decrby(_hour_key(team_id), recipients)


def _looked_up(team_id: int, address: str, stream: str, fresh: bool) -> tuple[Domain, int]:
    key = (team_id, domain_of(address), stream)
    kept = _kept.get(key)
    moment = time.monotonic()
    if fresh or kept is None or kept[0] < moment:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        kept = _kept[key] = (moment + KEPT_SECONDS, _look_up(*key), _limit(team_id))
    _, found, limit = kept
    if isinstance(found, Exception):
        raise found
    return found, limit


def _look_up(team_id: int, host: str, stream: str) -> Domain | Exception:
    stopped = MailStream.get_or_none(
        MailStream.team == team_id, MailStream.stream == stream, MailStream.stopped_at.is_null(False)
    )
    if stopped is not None:
        return StreamStopped(
            f"The {stream} stream stopped itself: {stopped.reason}. "
            f"POST /v1/streams/{stream}/resume lets it go on."
        )
    verified = (SendingDomain.team == team_id, SendingDomain.verified_at.is_null(False))
    domain = SendingDomain.get_or_none(*verified, SendingDomain.name == host)
    if domain is None:
        known = [row.name for row in SendingDomain.select(SendingDomain.name).where(*verified).limit(5)]
        which = f"Verified: {', '.join(known)}." if known else "The team has none yet: POST /v1/domains."
        return NotVerified(f"{host} is no verified domain of this team. {which}")
    return Domain(
        host, domain.return_path, tracking_url(domain), bool(domain.track_opens), bool(domain.track_clicks)
    )


def _limit(team_id: int) -> int:
    own = Team.select(Team.recipients_an_hour).where(Team.id == team_id).scalar()
    return int(settings.recipients_an_hour if own is None else own)


def _hour_key(team_id: int) -> str:
    return names.recipients_key(team_id, int(time.time()) // HOUR_SECONDS)
