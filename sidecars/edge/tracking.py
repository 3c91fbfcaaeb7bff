"""Where the links and the pixel of a domain's mails lead."""

from urllib.parse import urlsplit

from sidecars.models import SendingDomain
from sidecars.settings import settings


def tracking_url(domain: SendingDomain) -> str:
    """Base URL: at the domain's own host once that was seen to lead to us, else the installation's."""
    if domain.tracking_host and domain.tracking_verified_at is not None:
        return url_at(domain.tracking_host)
    return settings.tracking_url


def url_at(host: str) -> str:
    """TRACKING_URL with another host name; its scheme and port stay."""
    parts = urlsplit(settings.tracking_url)
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=host + port).geturl()
