"""Who failed to log in too often has to wait, each time twice as long: a network, and the person tried.

As at the edge (haraka/plugins/lib/lockout.js). Anybody can fail in a person's name, so that person does not
wait in a network that they have logged in from before.
"""

from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network

from sidecars import names
from sidecars.accounts.errors import TooManyTries
from sidecars.edge.store import redis

FREE_OF_PERSON = 10
FREE_OF_NETWORK = 50
LONGEST_WAIT = timedelta(minutes=15)
KNOWN = timedelta(days=30)

# KEYS: failures, lock, and whoever is never locked. ARGV: how many failures are free. Answers the seconds to
# wait. Past the free ones the first to ask takes the only try of the next second: many at once have one.
_MAY_TRY = redis.register_script("""
    if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
    local wait = redis.call('TTL', KEYS[2])
    if wait >= 0 then return wait + 1 end
    if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[1]) then
        redis.call('SET', KEYS[2], 1, 'EX', 1)
    end
    return 0""")
# KEYS: failures, lock. ARGV: how many are free, the longest wait, for which failures are remembered too.
_FAIL = redis.register_script("""
    local failures = redis.call('INCR', KEYS[1])
    redis.call('EXPIRE', KEYS[1], ARGV[2])
    local above = failures - tonumber(ARGV[1])
    if above < 0 then return end
    redis.call('SET', KEYS[2], 1, 'EX', math.min(tonumber(ARGV[2]), 2 ^ math.min(above, 30)))""")


def check(email: str, ip: str) -> None:
    """Raises TooManyTries where nobody may try now from there, or in this person's name."""
    network = _network(ip)
    tries = ((network, FREE_OF_NETWORK, ""), (_person(email), FREE_OF_PERSON, _known(email, network)))
    for who, free, known in tries:
        wait = int(_MAY_TRY(keys=[*_keys(who), known], args=[free]))
        if wait:
            raise TooManyTries(wait)


def failed(email: str, ip: str) -> None:
    """Counts a wrong password or code."""
    for who, free in ((_network(ip), FREE_OF_NETWORK), (_person(email), FREE_OF_PERSON)):
        _FAIL(keys=_keys(who), args=[free, int(LONGEST_WAIT.total_seconds())])


def succeeded(email: str, ip: str) -> None:
    """Who failed there in the person's name keeps them out no more."""
    redis.set(_known(email, _network(ip)), 1, ex=KNOWN)


def _keys(who: str) -> list[str]:
    return [names.login_failures_key(who), names.login_lock_key(who)]


def _known(email: str, network: str) -> str:
    return names.login_known_key(_person(email), network)


def _person(email: str) -> str:
    return f"web-{sha256(email.encode()).hexdigest()[:32]}"


def _network(ip: str) -> str:
    """Whoever has one IPv6 address has a /64 of them (RFC 6177)."""
    try:
        address = ip_address(ip)
    except ValueError:
        return "web-unknown"
    return f"web-{ip}" if address.version == 4 else f"web-{ip_network((ip, 64), strict=False)}"
