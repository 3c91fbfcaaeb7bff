"""Links whose target stands in their own address, under a MAC: those of mails that teams submit by SMTP.

The edge writes them (`sealLink` in haraka/plugins/lib/tokens.js). There is no row to look up, so such a link
works for as long as the secret is the same, and leads nowhere but where its mail's author led it.
"""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

_LABEL = b"kibamail-link-v1"
_MAC_BYTES = 9


def seal_link(message_id: UUID, index: int, url: str, secret: str) -> str:
    """base64url without padding: 9 bytes of HMAC-SHA256 over mail, place and address, then the address."""
    mac = _mac(message_id, index, url.encode(), secret)
    return urlsafe_b64encode(mac + url.encode()).decode().rstrip("=")


def open_link(message_id: UUID, index: int, sealed: str, secret: str) -> str | None:
    """The address; None where it is forged, malformed, or of another mail or place."""
    try:
        opened = urlsafe_b64decode(sealed.encode("ascii") + b"=" * (-len(sealed) % 4))
    except (binascii.Error, UnicodeEncodeError):
        return None
    mac, url = opened[:_MAC_BYTES], opened[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(message_id, index, url, secret)):
        return None
    return url.decode()


def _mac(message_id: UUID, index: int, url: bytes, secret: str) -> bytes:
    signed = _LABEL + message_id.bytes + f"{index}:".encode() + url
    return hmac.digest(secret.encode(), signed, "sha256")[:_MAC_BYTES]
