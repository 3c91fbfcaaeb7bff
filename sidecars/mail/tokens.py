"""One token a mail: it stands in its links, its pixel, its unsubscribe address and its return path.

A token opens to the message id and nothing else, so it can be checked without a look-up. It is
base32 in lower case because a local part may be folded to one case on its way (RFC 5321 §2.4 asks
for its case to be kept; relays exist that don't), and holds nothing that a URL, a header or
quoted-printable has to escape. `b-` and a token are 42 characters, inside the 64 of a local part.
"""

import binascii
import hmac
from base64 import b32decode, b32encode
from uuid import UUID

TOKEN_LENGTH = 40
_LABEL = b"kibamail-token-v1"
_MAC_BYTES = 9


def make_token(message_id: UUID, secret: str) -> str:
    """40 characters: base32 of the 16 bytes of the message id and 9 of their HMAC-SHA256."""
    return b32encode(message_id.bytes + _mac(message_id.bytes, secret)).decode("ascii").lower()


def open_token(token: str, secret: str) -> UUID | None:
    """The message id that `token` was made from, whatever its case; None where it is forged or malformed."""
    if len(token) != TOKEN_LENGTH:
        return None
    try:
        opened = b32decode(token.encode("ascii"), casefold=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    message_id, mac = opened[:16], opened[16:]
    if not hmac.compare_digest(mac, _mac(message_id, secret)):
        return None
    return UUID(bytes=message_id)


def _mac(message_id: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode("utf-8"), _LABEL + message_id, "sha256")[:_MAC_BYTES]
