"""Who would get a broadcast and who would not, by the very conditions that planning uses."""

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Any

from sidecars.broadcasts.recipients import (
    EXCLUDED,
    NOT_IN_SEGMENT,
    UNWANTED,
    UnsupportedFilter,
    chosen,
    conditions,
    erased,
    unwanted_parameters,
)
from sidecars.broadcasts.rehearsal.gaps import is_empty, without_fallback
from sidecars.deliverability.dns_lookup import Dns, DnsUnavailable
from sidecars.deliverability.providers import provider_of_domain
from sidecars.mail.content import PreparedContent
from sidecars.models import Broadcast, database
from sidecars.models.suppressions import PAUSE

# Domains whose MX is looked up, the largest first; those behind them count as `not looked up`.
MOST_DOMAINS = 500
DNS_SECONDS = 15.0
DNS_AT_ONCE = 16

ERASED = "erased"
NOT_LOOKED_UP = "not looked up"
OTHERS = "others"
NO_SERVER = "no server"


@dataclass(frozen=True)
class Gap:
    """How many recipients a merge field is empty for, and one of them."""

    recipients: int
    contact_id: int | None


@dataclass(frozen=True)
class Recipients:
    """`total` get it. `by_provider` adds up to it, the largest first; `left_out` by reason, of the audience.

    `dead_domains`: recipients by domain that no server takes mail for, in `by_provider` as NO_SERVER.
    """

    total: int
    by_provider: dict[str, int]
    left_out: dict[str, int]
    gaps: dict[str, Gap]
    dead_domains: dict[str, int]

    def largest(self, most: int) -> dict[str, int]:
        """So many providers, and the rest as one."""
        first = dict(list(self.by_provider.items())[:most])
        rest = sum(self.by_provider.values()) - sum(first.values())
        return first | ({OTHERS: rest} if rest else {})


def count(broadcast: Broadcast, prepared: Sequence[PreparedContent]) -> Recipients:
    """MySQL reads the audience once; kept are its largest domains, whose servers DNS is asked for."""
    try:
        condition, parameters = chosen(broadcast)
    except UnsupportedFilter:
        return Recipients(0, {}, {}, {}, {})
    planned = _planned(broadcast, condition, parameters, without_fallback(prepared))
    gone = erased(broadcast, condition, parameters)
    total = planned.total - gone.total()
    left_out = {
        **_not_chosen(broadcast, condition, parameters),
        **_suppressed(broadcast, condition, parameters),
        ERASED: gone.total(),
    }
    by_domain = planned.by_domain
    by_domain.subtract({domain: mails for domain, mails in gone.items() if domain in by_domain})
    by_provider, dead = _by_provider(by_domain)
    by_provider[NOT_LOOKED_UP] += total - by_domain.total()
    return Recipients(
        total,
        {
            provider: mails
            for provider, mails in sorted(by_provider.items(), key=lambda pair: (-pair[1], pair[0]))
            if mails > 0
        },
        {reason: people for reason, people in sorted(left_out.items()) if people},
        planned.gaps,
        dead,
    )


@dataclass(frozen=True)
class _Planned:
    """Whom planning would make a `planned` send for: all, those of the largest domains, those with gaps."""

    total: int
    by_domain: Counter[str]
    gaps: dict[str, Gap]


def _planned(broadcast: Broadcast, condition: str, parameters: list[Any], fields: Sequence[str]) -> _Planned:
    """One pass over the audience, by domain; ROLLUP adds a row of all of them."""
    tests = [is_empty(field) for field in fields]
    columns = "".join(f", {sql} AS gap{n}" for n, (sql, _) in enumerate(tests))
    sums = "".join(f", SUM(gap{n}), MIN(IF(gap{n}, id, NULL))" for n in range(len(tests)))
    rows = database.execute_sql(
        f"""SELECT * FROM (
                SELECT SUBSTRING_INDEX(email, '@', -1) AS domain, COUNT(*) AS people{sums}
                  FROM (SELECT c.id, c.email{columns} FROM contacts c
                         WHERE {condition} AND {UNWANTED.format(team="%s")} = 0) AS planned
                 GROUP BY domain WITH ROLLUP) AS domains
             ORDER BY domain IS NULL DESC, people DESC LIMIT %s""",
        [
            *(parameter for _, path in tests for parameter in path),
            *parameters,
            *unwanted_parameters(broadcast),
            1 + MOST_DOMAINS,
        ],
    ).fetchall()
    if not rows:
        return _Planned(0, Counter(), {field: Gap(0, None) for field in fields})
    (_, total, *summed), *domains = rows
    return _Planned(
        int(total),
        Counter({str(row[0]): int(row[1]) for row in domains}),
        {field: Gap(int(summed[2 * n]), summed[2 * n + 1]) for n, field in enumerate(fields)},
    )


def _not_chosen(broadcast: Broadcast, condition: str, parameters: list[Any]) -> dict[str, int]:
    """Contacts of the audience that planning does not see: by their status, or why they are not chosen."""
    (segment, values), _ = conditions(broadcast)
    rows = database.execute_sql(
        f"""SELECT CASE WHEN c.status <> 'subscribed' THEN c.status
                        WHEN {segment} THEN %s ELSE %s END, COUNT(*)
              FROM contacts c WHERE c.audience_id = %s AND NOT ({condition}) GROUP BY 1""",
        [*values, EXCLUDED, NOT_IN_SEGMENT, broadcast.audience_id, *parameters],
    ).fetchall()
    return {str(reason): int(people) for reason, people in rows}


def _suppressed(broadcast: Broadcast, condition: str, parameters: list[Any]) -> dict[str, int]:
    """Those that planning would skip, by reason; read from the suppressions' side, as they are few."""
    rows = database.execute_sql(
        f"""SELECT reason, COUNT(*)
              FROM (SELECT COALESCE(MIN(NULLIF(x.reason, '{PAUSE}')), '{PAUSE}') AS reason
                      FROM suppressions x
                      STRAIGHT_JOIN contacts c ON c.email = x.email AND c.audience_id = %s
                     WHERE x.team_id = %s AND {condition} AND x.stream IN ('all', 'broadcast')
                       AND (x.expires_at IS NULL OR x.expires_at > %s)
                     GROUP BY c.id) AS skipped
             GROUP BY reason""",
        [
            *(broadcast.audience_id, broadcast.team_id),
            *parameters,
            *unwanted_parameters(broadcast)[1:],
        ],
    ).fetchall()
    return {str(reason): int(people) for reason, people in rows}


def _by_provider(by_domain: Counter[str]) -> tuple[Counter[str], dict[str, int]]:
    """Recipients by provider, and those of domains without a server."""
    providers: Counter[str] = Counter()
    dead: dict[str, int] = {}
    for domain, provider in _providers(by_domain).items():
        providers[provider] += by_domain[domain]
        if provider == NO_SERVER:
            dead[domain] = by_domain[domain]
    return providers, dead


def _providers(domains: Iterable[str]) -> dict[str, str]:
    """Domain → provider, as far as DNS answers within DNS_SECONDS."""
    look_up = Dns()
    pool = ThreadPoolExecutor(DNS_AT_ONCE)
    asked = {pool.submit(partial(_provider, domain, look_up)): domain for domain in domains}
    done, late = wait(asked, timeout=DNS_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    return {asked[each]: each.result() for each in done} | {asked[each]: NOT_LOOKED_UP for each in late}


def _provider(domain: str, look_up: Dns) -> str:
    try:
        return provider_of_domain(domain, look_up) or NO_SERVER
    except DnsUnavailable:
        return NOT_LOOKED_UP
