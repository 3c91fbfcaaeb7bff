"""The addresses at which a team's apps want to be told, and the secrets that sign for them."""

import ipaddress
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sidecars.callbacks import signing
from sidecars.callbacks.events import EventType
from sidecars.deliverability.networks import is_public
from sidecars.deliverability.seal import seal, unseal
from sidecars.models import WebhookDelivery, WebhookEndpoint, database, now
from sidecars.models.moments import from_now
from sidecars.notices import outbox
from sidecars.settings import settings

log = logging.getLogger(__name__)

MOST_ENDPOINTS = 50
DISABLED_BY_TEAM = "Disabled by the team."


class UrlError(ValueError):
    """Nothing can be sent to this address; the message says why."""


class TooManyEndpoints(Exception):
    """The team has as many as it may have."""


def checked_url(url: str) -> str:
    """The address if events may be sent there. Raises UrlError. What its name leads to is looked at later."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise UrlError(f"is no web address: {error}") from error
    schemes = ("https", "http") if settings.courier_http else ("https",)
    if parts.scheme not in schemes or not host:
        raise UrlError(f"must begin with {schemes[0]}:// and name a host")
    if not url.isascii() or any(ord(mark) < 33 or ord(mark) == 127 for mark in url):
        raise UrlError("must be ASCII without blanks; write other letters as %XX, and names as xn--…")
    if parts.username is not None or parts.fragment:
        raise UrlError("must have no user name and no #; each request is signed instead")
    if not settings.courier_private and is_private_literal(host):
        raise UrlError("must lead into the open internet, not to an address of a private network")
    return url


def is_private_literal(host: str) -> bool:
    """Whether the host is written as an IP address, and that is not public."""
    try:
        return not is_public(str(ipaddress.ip_address(host)))
    except ValueError:
        return False


def create(
    team_id: int, url: str, events: Sequence[EventType], stream: str | None, description: str
) -> tuple[WebhookEndpoint, str]:
    """A new endpoint and its secret, which nobody can read again. Raises TooManyEndpoints."""
    if len(of_team(team_id)) >= MOST_ENDPOINTS:
        raise TooManyEndpoints
    secret = signing.new_secret()
    made = WebhookEndpoint.create(
        team=team_id,
        url=url,
        events=list(events),
        stream=stream,
        description=description,
        secret=seal(secret.encode()),
    )
    return made, secret


def of_team(team_id: int) -> list[WebhookEndpoint]:
    """All that the team has, in the order in which they were made."""
    mine = (WebhookEndpoint.team == team_id, WebhookEndpoint.removed_at.is_null())
    return list(WebhookEndpoint.select().where(*mine).order_by(WebhookEndpoint.id))


def find(team_id: int, endpoint_id: int) -> WebhookEndpoint | None:
    """The team's endpoint of that id."""
    return WebhookEndpoint.get_or_none(
        WebhookEndpoint.id == endpoint_id,
        WebhookEndpoint.team == team_id,
        WebhookEndpoint.removed_at.is_null(),
    )


def change(endpoint: WebhookEndpoint, **fields: object) -> None:
    """Writes the columns given."""
    WebhookEndpoint.update(**fields, updated_at=now()).where(WebhookEndpoint.id == endpoint.id).execute()


def rotate(endpoint: WebhookEndpoint, keep: timedelta) -> str:
    """The new secret. Until `keep` is over the old one signs beside it; one older still, no more."""
    secret = signing.new_secret()
    change(
        endpoint,
        secret=seal(secret.encode()),
        previous_secret=endpoint.secret if keep else None,
        previous_until=now() + keep if keep else None,
    )
    return secret


def secrets(endpoint: WebhookEndpoint, moment: datetime) -> list[str]:
    """Those that sign at that moment, the newest first. Raises deliverability.seal.SealError."""
    sealed = [endpoint.secret]
    if endpoint.previous_secret and endpoint.previous_until > moment:
        sealed.append(endpoint.previous_secret)
    return [unseal(each).decode() for each in sealed]


def enable(endpoint: WebhookEndpoint) -> None:
    """Sends there again. What has failed meanwhile stays so until it is replayed."""
    change(
        endpoint, disabled_at=None, disabled_reason="", failing_since=None, failures=0, rests_until=None,
        is_slow=False, due_at=from_now(),
    )  # fmt: skip


def disable(endpoint: WebhookEndpoint, reason: str = DISABLED_BY_TEAM) -> bool:
    """Sends there no more; what waited has failed. False: it was disabled before.

    Where it was not the team's own wish, its people are told why.
    """
    with database.atomic():
        disabled = (
            WebhookEndpoint.update(disabled_at=now(), disabled_reason=reason[:255], claim=None, due_at=None)
            .where(
                WebhookEndpoint.id == endpoint.id,
                WebhookEndpoint.disabled_at.is_null(),
                WebhookEndpoint.removed_at.is_null(),
            )
            .execute()
        )
        if not disabled:
            return False
        waiting = (WebhookDelivery.endpoint == endpoint.id, WebhookDelivery.state == "waiting")
        WebhookDelivery.update(state="failed", settled_at=now()).where(*waiting).execute()
        if reason != DISABLED_BY_TEAM:
            facts = {"endpoint_id": endpoint.id, "url": endpoint.url, "reason": reason}
            outbox.tell(
                endpoint.team_id, "webhook_disabled", f"webhook:{endpoint.id}", now().isoformat(), **facts
            )
    said = {"team_id": endpoint.team_id, "endpoint_id": endpoint.id, "reason": reason}
    log.info("webhook endpoint disabled", extra=said)
    return True


def remove(endpoint: WebhookEndpoint) -> None:
    """Forgets it: nothing goes there any more, and its deliveries are swept away."""
    change(endpoint, removed_at=now(), claim=None, due_at=None)
